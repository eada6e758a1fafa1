"""Servers that each arm needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.promotion.replicas import missing_servers, needed_servers
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares


@pytest.mark.parametrize(
    ("share", "demand", "capacity", "count"),
    [
        (0.0, 100.0, 10.0, 0),
        (0.01, 0.0, 10.0, 1),
        (0.01, 100.0, 10.0, 1),
        (0.25, 100.0, 10.0, 3),
        (0.3, 100.0, 10.0, 3),
        (1.0, 100.0, 10.0, 10),
        (1.0, 100.1, 10.0, 11),
    ],
)
def test_needed(share: float, demand: float, capacity: float, count: int) -> None:
    """Rounded up, without a server more for a rounding error; an arm with traffic has at least one."""
    assert needed_servers(share, demand=demand, capacity=capacity) == count


@given(share=st.floats(0.001, 1), demand=st.floats(0, 1e5), capacity=st.floats(0.1, 1e5))
def test_needed_servers_carry_the_share(share: float, demand: float, capacity: float) -> None:
    """The servers are enough, and one fewer would not be."""
    count = needed_servers(share, demand=demand, capacity=capacity)
    assert count * capacity >= share * demand * (1 - 1e-6)
    assert count == 1 or (count - 1) * capacity < share * demand


def test_missing() -> None:
    """Only arms with too few; one whose state is unknown has none, and none is scaled down."""
    shares = rung_shares(0.25, with_twin=True)
    ready = {"candidate": 1, "pool": 20}
    assert missing_servers(shares, ready, demand=100.0, capacity=10.0) == {"candidate": (1, 3), "twin": (0, 3)}
    assert missing_servers(BASELINE_ONLY, ready, demand=100.0, capacity=10.0) == {}
    assert missing_servers(Shares(candidate=1.0), ready, demand=100.0, capacity=10.0) == {"candidate": (1, 10)}
