"""Sentinel values: extreme numbers that recur exactly."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Drift
from ghmlops.core.predictions.behaviour.distribution import Distribution, Sentinel
from ghmlops.core.predictions.behaviour.drift_findings import judge_drift
from ghmlops.core.predictions.behaviour.sentinels import find_sentinels
from ghmlops.core.predictions.constants import MIN_SENTINEL_ROWS

RNG = np.random.default_rng(3)
NORMAL = RNG.normal(50, 10, 4000)


def sentinels_of(first: np.ndarray, second: np.ndarray | None = None) -> list[tuple[float, int, int]]:
    """Return the sentinels of two columns, with every distinct value in its own bin."""
    second = first if second is None else second
    values = np.unique(np.r_[first, second])
    counts = tuple(np.array([int(n) for n in _counts(values, side)]) for side in (first, second))
    return [(s.value, s.baseline, s.candidate) for s in find_sentinels(values, values, (counts[0], counts[1]))]


def _counts(values: np.ndarray, side: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(values), np.int64)
    np.add.at(counts, np.searchsorted(values, side), 1)
    return counts


@pytest.mark.parametrize("value", [1e12, -999.0, 1e300, -999_999_999.0])
@pytest.mark.parametrize("share", [0.005, 0.05, 0.3])
def test_an_extreme_value_that_recurs_is_a_sentinel_whatever_its_share(value: float, share: float) -> None:
    """The value is returned with its rows on both sides, and no ordinary value with it."""
    rows = int(share * len(NORMAL))
    first, second = NORMAL.copy(), NORMAL.copy()
    first[:rows], second[: rows // 2] = value, value
    assert sentinels_of(first, second) == [(value, rows, rows // 2)]


def test_sentinels_at_both_ends_are_found() -> None:
    """Three codes, two of them at one end."""
    column = NORMAL.copy()
    column[:30], column[30:60], column[60:90] = 1e12, 99_999.0, -9_999.0
    assert {value for value, *_ in sentinels_of(column)} == {1e12, 99_999.0, -9_999.0}


@pytest.mark.parametrize(
    "column",
    [
        NORMAL,
        np.exp(RNG.normal(0, 2, 4000)),
        RNG.standard_cauchy(4000),
        np.round(np.exp(RNG.normal(10, 1, 20_000)), -3),
        RNG.poisson(0.1, 4000).astype(float),
        RNG.integers(0, 2, 4000).astype(float),
        np.full(4000, 7.0),
        np.r_[NORMAL, np.full(MIN_SENTINEL_ROWS // 2, 1e12)],
    ],
    ids=["normal", "lognormal", "cauchy", "rounded incomes", "counts", "flags", "constant", "too few"],
)
def test_ordinary_columns_have_no_sentinels(column: np.ndarray) -> None:
    """Heavy tails, rounded numbers, counts, flags and constants are not reported."""
    assert sentinels_of(column) == []


def _with_sentinels(baseline: int, candidate: int) -> Distribution:
    return Distribution(
        column="amount",
        baseline=np.array([500, 500, baseline]),
        candidate=np.array([500, 500, candidate]),
        missing=(0, 0),
        edges=np.array([0.0, 1.0, 1e12, 2e12]),
        sentinels=(Sentinel(value=1e12, baseline=baseline, candidate=candidate),),
    )


def test_a_sentinel_is_reported_and_warns_only_if_its_share_changed() -> None:
    """The same share passes; 1 % that became 9 % warns; the finding has both shares."""
    (same, _), _ = judge_drift([_with_sentinels(10, 10)], Drift(), 200)
    assert (same.id, same.outcome) == ("drift-sentinel", Outcome.PASS)
    assert "1e+12" in same.reason
    assert same.baseline == same.candidate == pytest.approx(10 / 1010)
    findings, _ = judge_drift([_with_sentinels(10, 100)], Drift(psi=99), 200)
    assert [(f.id, f.outcome) for f in findings] == [("drift-sentinel", Outcome.WARN), ("drift-summary", Outcome.PASS)]
    assert findings[0].candidate == pytest.approx(100 / 1100)
