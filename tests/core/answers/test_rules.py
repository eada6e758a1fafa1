"""Rules of a comparison."""

from __future__ import annotations

import pytest

from ghmlops.core.answers.rules import absolute, make_rules


@pytest.mark.parametrize(
    ("path", "expected"), [("items", "$.items"), ("$.items", "$.items"), ("[].id", "$[].id"), ("$", "$")]
)
def test_paths_may_omit_their_beginning(path: str, expected: str) -> None:
    """A policy names `items`, the walk `$.items`."""
    assert absolute(path) == expected


def test_rules_hold_absolute_paths() -> None:
    """Ignored paths and keys of lists are completed."""
    rules = make_rules(("time",), {"items": "sku"})
    assert rules.ignore == {"$.time"}
    assert rules.keys == {"$.items": "sku"}


def test_a_declared_tolerance_below_one_is_a_share_of_words_too() -> None:
    """A larger one can only mean numbers: it would call any two texts equal."""
    tolerance = {"score": 0.25, "rows[][]": 1700.0, "n": 1.0}
    rules = make_rules(tolerance=tolerance)
    assert rules.tolerances == {"$.score": 0.25, "$.rows[][]": 1700.0, "$.n": 1.0}
    assert rules.words == {"$.score": 0.25}
