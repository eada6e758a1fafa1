"""A rollback never overloads the baseline, and never raises the candidate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.promotion.rollback import rollback_share


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
