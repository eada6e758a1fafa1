"""A candidate that needs more replicas than its baseline: shown, not shown, and not."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.scale.admission import Admitted
from ghmlops.core.scale.capacity import Measured
from ghmlops.core.scale.comparison import MAX_RATES, Compared, compare
from scaled_service import supply

FIXED = np.array([1000.0])


def capacity(low: float, high: float | None, commit: str = "a" * 40) -> Admitted:
    """Return the measured capacity of one replica."""
    return Admitted(Measured(1, low), high, commit, "machine", "")


def compared(low: float, high: float | None, rates: np.ndarray[tuple[int], np.dtype[np.float64]] = FIXED) -> Compared:
    """Compare a candidate with a baseline of 100 to 105/s at 1,000/s."""
    baseline = capacity(100.0, 105.0, "b" * 40)
    return compare([capacity(low, high)], [baseline], supply(low), 1000.0, rates)


@pytest.mark.parametrize(
    ("low", "high", "outcome", "numbers"),
    [
        (80.0, 84.0, Outcome.WARN, (10, 13, 2)),
        (95.0, 101.0, Outcome.PASS, (10, 11, 0)),
        (95.0, None, Outcome.PASS, (10, 11, None)),
        (100.0, 105.0, Outcome.PASS, (10, 10, 0)),
        (200.0, 210.0, Outcome.PASS, (10, 5, -5)),
    ],
)
def test_more_is_a_warning_only_if_the_intervals_show_it(
    low: float, high: float | None, outcome: Outcome, numbers: tuple[int, int, int | None]
) -> None:
    """The high end of the candidate still needs more than the low end of the baseline."""
    row, finding = compared(low, high)
    assert finding.outcome is outcome
    assert (row.baseline, row.candidate, row.least) == numbers
    assert row.hours == pytest.approx((numbers[1] - numbers[0]) * 24.0)


def test_hours_over_the_demand_of_the_past() -> None:
    """Half of the day 1,000/s, half of it 100/s; intervals without a value do not count."""
    rates = np.array([1000.0, 100.0, np.nan, 1000.0, 100.0])
    row, _ = compared(80.0, 84.0, rates)
    assert row.hours == pytest.approx(12 * 3 + 12 * 1)


def test_many_different_rates_are_rounded_up() -> None:
    """The hours stay those of all rates, within the rounding."""
    rates = np.random.default_rng(1).uniform(0.0, 1000.0, 5 * MAX_RATES)
    row, _ = compared(50.0, 52.0, rates)
    exact = np.mean(np.ceil(rates / 50.0) - np.ceil(rates / 100.0)) * 24.0
    assert row.hours == pytest.approx(exact, rel=0.01)


def test_a_candidate_that_carries_no_such_demand() -> None:
    """No number of replicas is named, and no hours."""
    baseline = capacity(100.0, 105.0)
    row, finding = compare([capacity(0.01, 0.02)], [baseline], supply(0.01), 1000.0, FIXED)
    assert (row.candidate, row.hours, finding.outcome) == (None, None, Outcome.WARN)
