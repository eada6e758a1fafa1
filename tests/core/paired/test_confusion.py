"""Metrics of the confusion table: what is undefined, and what few rows cannot decide."""

from __future__ import annotations

import numpy as np

from ghmlops.core.metrics.f1 import F1
from ghmlops.core.metrics.precision import PRECISION
from ghmlops.core.metrics.recall import RECALL
from paired_rows import binary, compare, random_decisions


def test_recall_of_a_class_with_few_rows_is_uncertain() -> None:
    """Nothing changed, and the class has four rows: the interval is as wide as one of these rows makes it."""
    label = np.r_[np.zeros(4000), np.ones(4)]
    comparison = compare(RECALL, binary(label, label, label))
    assert comparison.loss[0] == 0.0
    assert comparison.loss_high[0] > 0.25


def test_undefined_values_are_nan_and_never_a_number_to_pass_with() -> None:
    """Without positive decisions precision is NaN and F1 is 0. Without positive rows recall and F1 are NaN."""
    label, first, _ = random_decisions(200)
    all_negative = binary(label, first, np.zeros(200))
    precision = compare(PRECISION, all_negative)
    assert np.isnan([precision.loss[0], precision.loss_high[0]]).all()
    assert compare(F1, all_negative).candidate[0] == 0.0
    for metric in (RECALL, F1):
        comparison = compare(metric, binary(np.zeros(200), first, first))
        assert np.isnan([comparison.baseline[0], comparison.loss[0], comparison.loss_high[0], comparison.p[0]]).all()
