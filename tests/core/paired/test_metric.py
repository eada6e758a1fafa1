"""The definition of a metric: its margin and its tail."""

from __future__ import annotations

import pytest

from ghmlops.core.metrics.mae import MAE
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.metrics.recall import RECALL
from ghmlops.core.model import Direction


def test_a_margin_of_the_policy_is_in_the_unit_of_the_default() -> None:
    """A fraction of the baseline for losses, an absolute value for rates; without any margin there is no limit."""
    assert MAE.limit(0.4, 10.0, 0.1) == pytest.approx(0.04)
    assert POSITIVE_RATE.limit(0.4, 10.0, 0.1) == pytest.approx(0.1)
    assert RECALL.limit(0.4, 10.0, None) is None


def test_the_tail_is_halved_if_any_move_is_a_regression() -> None:
    """Two-sided metrics spend half of alpha on each limit, one-sided ones all of it on one."""
    assert POSITIVE_RATE.direction is Direction.TARGET
    assert (POSITIVE_RATE.tail(0.01), MAE.tail(0.01)) == (0.005, 0.01)
