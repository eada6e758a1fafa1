"""A rollback never overloads the baseline, and never raises the candidate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.promotion.rollback import RecentRate, effective_share, nominal_share, rollback_share


@pytest.mark.parametrize(
    ("current", "step", "demand", "ready", "share"),
    [
        (1.0, 0.0, 100.0, None, 0.0),
        (1.0, 0.0, 100.0, 10.0, 0.9),
        (0.9, 0.0, 100.0, 60.0, 0.4),
        (0.4, 0.0, 100.0, 120.0, 0.0),
        (0.25, 0.5, 100.0, None, 0.25),
        (0.25, 0.0, 100.0, 10.0, 0.25),
        (0.5, 0.0, 0.0, 10.0, 0.0),
    ],
)
def test_share(current: float, step: float, demand: float, ready: float | None, share: float) -> None:
    """The candidate keeps what exceeds the baseline's ready capacity."""
    assert rollback_share(current=current, step=step, demand=demand, ready_capacity=ready) == pytest.approx(share)


@given(current=st.floats(0, 1), step=st.floats(0, 1), demand=st.floats(0.1, 1e6), ready=st.none() | st.floats(0, 1e6))
def test_bounds(current: float, step: float, demand: float, ready: float | None) -> None:
    """Never above the present share; the baseline gets at most its capacity, unless it has more traffic already."""
    share = rollback_share(current=current, step=step, demand=demand, ready_capacity=ready)
    assert 0.0 <= share <= current
    if ready is not None and share < current:
        assert (1 - share) * demand <= max(ready, (1 - current) * demand) * (1 + 1e-9) + 1e-6


@given(share=st.floats(0, 1), ready=st.floats(0.01, 1))
def test_servers_that_are_not_ready_receive_nothing(share: float, ready: float) -> None:
    """The weights are set so that the candidate receives its share of what the ready servers leave."""
    assert effective_share(nominal_share(share, ready), ready) == pytest.approx(share)
    assert effective_share(0.5, 0.0) == 1.0


def test_rate_of_the_last_seconds() -> None:
    """Unknown in the first second; older requests are forgotten."""
    rate = RecentRate(100.0)
    rate.add(100.5, 50)
    assert rate.rate() is None
    rate.add(102.0, 150)
    assert rate.rate() == pytest.approx(100.0)
    for second in range(103, 120):
        rate.add(float(second), 10)
    assert rate.rate() == pytest.approx(10.0)
