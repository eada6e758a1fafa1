"""Changes of proportions and means over independent rows and over clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.paired.change import cluster_robust_error
from paired_rows import binary, compare, random_decisions


def test_without_a_changed_row_the_limit_is_that_of_the_clusters() -> None:
    """Accuracy without any change: the limit is that of as many rows as there are clusters, never a point."""
    label, first, _ = random_decisions(1000)
    rows = binary(label, first, first)
    comparison = compare(ACCURACY, replace(rows, group=np.repeat(np.arange(20), 50)))
    as_clusters = compare(ACCURACY, rows.select(np.arange(20)))
    assert comparison.loss_high[0] == pytest.approx(as_clusters.loss_high[0], rel=1e-9)
    assert compare(ACCURACY, rows).loss_high[0] < comparison.loss_high[0]


def test_a_single_cluster_has_no_standard_error() -> None:
    """One cluster has no degree of freedom and a NaN error; two have one."""
    influence = np.array([0.1, -0.2, 0.1])
    error, df = cluster_robust_error(influence, np.zeros(3, dtype=np.uint64))
    assert np.isnan(error)
    assert df == 0
    error, df = cluster_robust_error(influence, np.array([0, 0, 1], dtype=np.uint64))
    assert error == pytest.approx(0.2)
    assert df == 1
