"""Counts of requests show whether a router follows its weights."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.promotion.split import Split, compare_split, smallest_p
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares

ONE, FIVE = rung_shares(0.01, with_twin=True), rung_shares(0.05, with_twin=True)


@pytest.mark.parametrize(
    ("counts", "before", "after", "expected"),
    [
        ({}, BASELINE_ONLY, ONE, Split.UNKNOWN),
        ({"pool": 50}, BASELINE_ONLY, ONE, Split.UNKNOWN),
        ({"candidate": 1, "pool": 50}, BASELINE_ONLY, ONE, Split.IN_EFFECT),
        ({"candidate": 50, "twin": 50, "pool": 900}, ONE, FIVE, Split.IN_EFFECT),
        ({"candidate": 10, "twin": 10, "pool": 980}, ONE, FIVE, Split.NOT_IN_EFFECT),
        ({"candidate": 1, "twin": 1, "pool": 40}, ONE, FIVE, Split.UNKNOWN),
        ({"pool": 5_000}, BASELINE_ONLY, ONE, Split.NOT_IN_EFFECT),
        ({"candidate": 3, "pool": 4_000}, ONE, BASELINE_ONLY, Split.NOT_IN_EFFECT),
        ({"pool": 4_000}, ONE, BASELINE_ONLY, Split.IN_EFFECT),
        ({"candidate": 900, "pool": 3}, FIVE, Shares(candidate=1.0), Split.NOT_IN_EFFECT),
        ({"candidate": 900}, FIVE, Shares(candidate=1.0), Split.IN_EFFECT),
        ({"candidate": 50, "twin": 50, "pool": 900}, FIVE, FIVE, Split.IN_EFFECT),
    ],
)
def test_split(counts: dict[str, int], before: Shares, after: Shares, expected: Split) -> None:
    """No data is no fit; counts must reject the shares before and fit those after."""
    assert compare_split(counts, before=before, after=after) is expected


def test_a_router_that_follows_its_weights_is_believed() -> None:
    """Of 2,000 random splits by the right shares at most 2 are rejected (p = 1e-4)."""
    random = np.random.default_rng(3)
    draws = random.multinomial(3_000, [FIVE.candidate, FIVE.twin, FIVE.pool], size=2_000)
    rejected = sum(
        smallest_p(dict(zip(("candidate", "twin", "pool"), map(int, draw), strict=True)), FIVE) < 1e-4 for draw in draws
    )
    assert rejected <= 2
