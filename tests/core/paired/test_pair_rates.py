"""Churn and flips: rates that exist for the pair only."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.metrics.negative_flips import NEGATIVE_FLIPS
from ghmlops.core.metrics.positive_flips import POSITIVE_FLIPS
from ghmlops.core.paired.metric import Metric
from paired_rows import binary, compare, counts, multiclass, random_decisions


def test_flips_are_counted_with_exact_limits() -> None:
    """Churn is the rate of changes, flips those from correct to wrong or back; their difference is accuracy's loss."""
    label, first, second = random_decisions()
    rows = binary(label, first, second)
    churn, negative, positive = (compare(m, rows) for m in (CHURN, NEGATIVE_FLIPS, POSITIVE_FLIPS))
    assert float(np.mean(first != second)) == pytest.approx(churn.candidate[0], abs=1e-12)
    assert float(np.mean((first == label) & (second != label))) == pytest.approx(negative.candidate[0], abs=1e-12)
    assert negative.low[0] < negative.candidate[0] < negative.high[0]
    assert churn.candidate[0] == pytest.approx(negative.candidate[0] + positive.candidate[0], abs=1e-12)
    assert compare(ACCURACY, rows).loss[0] == pytest.approx(negative.candidate[0] - positive.candidate[0], abs=1e-12)


def test_churn_between_wrong_classes_is_churn_but_no_flip() -> None:
    """From one wrong class to another: churn counts it, flips do not. Rows without a label count for churn alone."""
    vectors = [np.eye(3)[k] for k in (np.ones(40, dtype=int), np.full(40, 2))]
    rows = multiclass(np.zeros(40, dtype=np.int64), vectors[0], vectors[1])
    assert [compare(m, rows).candidate[0] for m in (CHURN, NEGATIVE_FLIPS, POSITIVE_FLIPS)] == [1.0, 0.0, 0.0]
    unlabelled = msgspec.structs.replace(counts(rows), label=np.full(40, -1))
    assert CHURN.compare_counts
    assert CHURN.compare_counts(unlabelled, 0.01).n[0] == 40


@pytest.mark.parametrize("metric", [CHURN, NEGATIVE_FLIPS], ids=lambda m: m.id)
def test_clusters_widen_the_limits_and_bound_a_rate_of_zero(metric: Metric) -> None:
    """Clusters widen the limits; without any flip the bound counts clusters, not rows."""
    label, first, second = random_decisions(1000)
    rows, group = binary(label, first, second), np.repeat(np.arange(20), 50)
    independent, clustered = compare(metric, rows), compare(metric, replace(rows, group=group))
    assert clustered.high[0] >= independent.high[0]
    assert clustered.low[0] <= independent.low[0]
    unchanged = compare(metric, replace(binary(label, first, first), group=group))
    assert pytest.approx(unchanged.high[0], rel=1e-9) == 1 - 0.01 ** (1 / 20)
