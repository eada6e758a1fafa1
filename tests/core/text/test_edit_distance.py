"""The edit distance of two texts."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.text.edit_distance import edit_distance


def by_table(first: str, second: str) -> int:
    """Return the distance by the table of Wagner and Fischer."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        above, row = row, [i]
        for j, b in enumerate(second, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("kitten", "sitting", 3),
        ("", "abc", 3),
        ("", "", 0),
        ("café", "cafe", 1),
        ("日本", "日x本", 1),
        ("a👍b", "ab", 1),
    ],
)
def test_one_character_is_one_edit(first: str, second: str, distance: int) -> None:
    """Characters are code points, not bytes; the order of the texts does not matter."""
    assert edit_distance(first, second) == edit_distance(second, first) == distance


def test_distances_are_those_of_the_table() -> None:
    """On random texts with few characters, so that parts match, and beyond 64 characters."""
    draw = np.random.default_rng(2)
    for length in (3, 12, 90):
        for _ in range(2000 // length):
            first, second = ("".join(draw.choice([*"abcä日 "], draw.integers(0, length + 1))) for _ in range(2))
            assert edit_distance(first, second) == by_table(first, second), (first, second)
