"""Shrinking to the least set of fields that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.synthetic.shrink import combined, differing, minimal

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(st.sets(st.integers(0, 29), min_size=1, max_size=3))
def test_the_result_is_minimal(needles: set[int]) -> None:
    """Of 30 fields the needed ones remain, with far fewer questions than subsets."""
    names = [f"f{index}" for index in range(30)]
    needed = {f"f{index}" for index in needles}
    questions: list[Sequence[str]] = []

    def fails(subset: Sequence[str]) -> bool:
        questions.append(subset)
        return needed <= set(subset)

    assert set(minimal(names, fails)) == needed
    assert len(questions) <= 40


def test_alternatives_are_minimal_too() -> None:
    """If one of two fields suffices, one remains."""
    assert len(minimal(["a", "b", "c"], lambda subset: bool({"a", "c"} & set(subset)))) == 1


def test_rows_are_combined() -> None:
    """Values, gaps and missing keys of the failing row move into the passing one."""
    failing = {"a": 1, "b": None, "c": {"d": 1}, "new": 5}
    passing = {"a": 1.0, "b": 2, "c": {"d": 2}, "old": 3}
    assert differing(failing, passing) == ["a", "b", "c.d", "new", "old"]
    assert combined(passing, failing, ["b", "c.d", "new", "old"]) == {"a": 1.0, "b": None, "c": {"d": 1}, "new": 5}
    assert combined(passing, failing, []) == passing
    assert differing(failing, failing) == []
