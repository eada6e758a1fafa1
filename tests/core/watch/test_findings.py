"""Findings of an error budget: certain ones hide those that few requests leave open."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.watch.alerts import Rules
from ghmlops.core.watch.burn_rate import Counts
from ghmlops.core.watch.findings import judge_burn


def test_a_proven_pair_hides_unproven_ones() -> None:
    """Two hours of 3 % failures: the windows of three days exceed the budget too, on too few failures to prove it."""
    n = 4 * 288
    failed = np.zeros(n, np.int64)
    failed[n - 24 :: 2] = 4
    counts = Counts(step=300, times=np.arange(n, dtype=np.int64) * 300, total=np.full(n, 47, np.int64), failed=failed)
    rules = Rules(period=86_400.0, change=0.5)
    findings, _ = judge_burn("errors", counts, 0.999, rules, stale=36 * 3600.0, now=n * 300.0)
    assert {finding.id for finding in findings} == {"watch-burn"}
    assert {finding.outcome for finding in findings} == {Outcome.WARN}


@pytest.mark.parametrize(
    ("failures", "until", "code"), [(2, 0.0, "watch-burn"), (0, 0.0, "watch-holes"), (2, 1e9, "watch-holes")]
)
def test_a_service_younger_than_the_longest_window(failures: int, until: float, code: str) -> None:
    """A burn within an hour is an alarm whose data counts; without an alarm, what was not measured is no pass."""
    n = 288
    failed = np.zeros(n, np.int64)
    failed[n - 12 :] = failures
    counts = Counts(step=300, times=np.arange(n, dtype=np.int64) * 300, total=np.full(n, 100, np.int64), failed=failed)
    rules = Rules(period=86_400.0, change=0.5, accepted_until=until)
    findings, onset = judge_burn("errors", counts, 0.999, rules, stale=36 * 3600.0, now=n * 300.0)
    assert {finding.id for finding in findings} == {code}
    assert onset == ((n - 12) * 300 if code == "watch-burn" else None)
