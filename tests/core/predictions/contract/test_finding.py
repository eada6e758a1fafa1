"""The common parts of the findings of the contract."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract import finding
from ghmlops.core.predictions.contract.finding import count_of, enumerate_parts, outcome_by_share, share_limit


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [
        (2000, 2000, "2,000 of 2,000 (100 %)"),
        (1999, 2000, "1,999 of 2,000 (99.95 %)"),
        (999_999, 1_000_000, "999,999 of 1,000,000 (99.99 %)"),
        (61, 1000, "61 of 1,000 (6.1 %)"),
        (1, 3, "1 of 3 (33 %)"),
        (3, 100_000_000, "3 of 100,000,000 (0.000003 %)"),
        (0, 0, "0 of 0 (0 %)"),
    ],
)
def test_shares_are_human_readable(count: int, total: int, expected: str) -> None:
    """No power of ten, two significant digits, and 100 % only if all are counted."""
    assert count_of(count, total) == expected


@pytest.mark.parametrize(("count", "outcome"), [(1, Outcome.WARN), (10, Outcome.WARN), (11, Outcome.FAIL)])
def test_more_than_one_percent_fails(count: int, outcome: Outcome) -> None:
    """Exactly 1 % is tolerated; the limit is part of the clause."""
    assert outcome_by_share(count, 1000) is outcome
    assert "1 %" in share_limit(count, 1000)
    assert ("more than" in share_limit(count, 1000)) is (outcome is Outcome.FAIL)


def test_long_lists_are_truncated_and_counted() -> None:
    """Five parts, then the number of the others."""
    assert enumerate_parts(["a", "b"]) == "a, b"
    assert enumerate_parts([str(i) for i in range(9)]) == "0, 1, 2, 3, 4 and 4 more"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", '"yes"'),
        ("yes ", '"yes "'),
        ("caf\u00e9", '"caf\u00e9"'),
        ("cafe\u0301", '"cafe\\u0301"'),
        ("a\u00a0b", '"a\\u00a0b"'),
        ("a\tb", '"a\\u0009b"'),
        ("", '""'),
    ],
)
def test_texts_that_look_the_same_are_shown_differently(text: str, expected: str) -> None:
    """Blanks are inside the quotes; combining marks, other blanks and controls are code points."""
    assert finding.visible(text) == expected
