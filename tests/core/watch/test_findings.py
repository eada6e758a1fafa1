"""Findings of an error budget: certain ones hide those that few requests leave open."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Outcome
from ghmlops.core.watch.burn_rate import Counts
from ghmlops.core.watch.findings import judge_burn


def test_a_proven_pair_hides_unproven_ones() -> None:
    """Two hours of 3 % failures: the windows of three days exceed the budget too, on too few failures to prove it."""
    n = 4 * 288
    failed = np.zeros(n, np.int64)
    failed[n - 24 :: 2] = 4
    counts = Counts(step=300, times=np.arange(n, dtype=np.int64) * 300, total=np.full(n, 47, np.int64), failed=failed)
    findings = judge_burn("errors", counts, 0.999, 36 * 3600.0, n * 300.0)
    assert {finding.id for finding in findings} == {"watch-burn"}
    assert {finding.outcome for finding in findings} == {Outcome.WARN}
