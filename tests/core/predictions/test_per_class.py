"""Recall and F1 of each class against scikit-learn and against the metrics of a binary task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle  # type: ignore[import-untyped]

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.f1 import F1
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.predictions.per_class import CLASS_METRICS, compare_per_class
from paired_rows import binary, compare, counts
from trained_models import digits

TOLERANCE = 1e-9


def test_recall_and_f1_by_class_agree_with_scikit_learn() -> None:
    """Each class of the digits, both sides; recall's p is McNemar's within the class, and the rows are the class's."""
    rows = digits()
    by_metric = compare_per_class(counts(rows), ALPHA)
    assert set(by_metric) == set(CLASS_METRICS)
    for name, score in (("recall", oracle.recall_score), ("f1", oracle.f1_score)):
        for value, side in ((by_metric[name].baseline, rows.baseline), (by_metric[name].candidate, rows.candidate)):
            assert list(value) == pytest.approx(list(score(rows.label, side.p, average=None)), abs=TOLERANCE)
        assert by_metric[name].n.tolist() == np.bincount(rows.label.astype(int)).tolist()
    for k in range(10):
        of_class = rows.select(np.flatnonzero(rows.label == k))
        accuracy = compare(ACCURACY, of_class)
        assert by_metric["recall"].p[k] == pytest.approx(accuracy.p[0], rel=TOLERANCE)
        one_vs_rest = binary(rows.label == k, (rows.baseline.p == k) * 1.0, (rows.candidate.p == k) * 1.0)
        f1 = compare(F1, one_vs_rest)
        assert by_metric["f1"].error[k] == pytest.approx(f1.error[0], rel=0.02)


def test_a_class_without_rows_is_undefined_and_clusters_are_summed() -> None:
    """No row of the class: NaN, never 0 or a pass. Fifty copies of each row in a cluster have the error of one copy."""
    rows = digits().select(np.flatnonzero(digits().label != 4))
    by_metric = compare_per_class(counts(rows), ALPHA)
    assert all(np.isnan([c.loss[4], c.loss_high[4], c.p[4]]).all() and c.n[4] == 0 for c in by_metric.values())
    few = rows.select(np.arange(200))
    many = replace(few.select(np.repeat(np.arange(200), 50)), group=np.repeat(np.arange(200), 50))
    once, copied = compare_per_class(counts(few), ALPHA), compare_per_class(counts(many), ALPHA)
    for name in CLASS_METRICS:
        assert copied[name].candidate == pytest.approx(once[name].candidate, nan_ok=True)
        positive = once[name].error > 0
        assert positive.any()
        assert np.max(np.abs(copied[name].error[positive] / once[name].error[positive] - 1.0)) < 0.5
