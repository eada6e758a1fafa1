"""Holm's method over the targets of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.model import Outcome
from ghmlops.core.policy.targets import scope_name
from ghmlops.core.predictions.ruling import Basis, Comparison, Ruling
from ghmlops.core.predictions.targets.multiplicity import adjust_over_targets, limit_by_holm

ONE = Comparison(
    metric=ACCURACY,
    n=1000,
    baseline=0.8,
    candidate=0.7,
    low=-0.2,
    high=-0.01,
    loss=0.1,
    loss_low=0.01,
    loss_high=0.2,
    p=0.004,
    error=0.04,
    margin=0.005,
    method="m",
)
FAIL = Ruling(Outcome.FAIL, Basis.ESTIMATE_BEYOND)


def test_each_metric_of_a_data_set_is_a_family_of_its_targets() -> None:
    """Three targets triple the smallest p-value; another data set does not count; an undefined p-value does."""
    values = {("", "a"): 0.004, ("", "b"): 0.2, ("", "c"): float("nan"), ("holdout", "a"): 0.004}
    compared = adjust_over_targets({scope_name(*scope): [replace(ONE, p=p)] for scope, p in values.items()})
    assert compared.adjusted == {
        ("target=a", "accuracy"): pytest.approx(0.012),
        ("target=b", "accuracy"): pytest.approx(0.4),
        ("holdout/target=a", "accuracy"): pytest.approx(0.004),
    }
    assert limit_by_holm(FAIL, compared.adjusted["target=a", "accuracy"]).outcome is Outcome.INCONCLUSIVE
    assert limit_by_holm(FAIL, compared.adjusted["holdout/target=a", "accuracy"]) is FAIL
    assert limit_by_holm(FAIL, None) is FAIL
    passed = Ruling(Outcome.PASS, Basis.INSIDE)
    assert limit_by_holm(passed, 1.0) is passed


def test_many_equal_targets_fail_no_more_often_than_one() -> None:
    """Of 1,000 runs with twenty independent targets without a loss, about ten have a failure, not 180."""
    draw = np.random.default_rng(8)
    failed = 0
    for _ in range(1000):
        compared = adjust_over_targets({f"target={i}": [replace(ONE, p=p)] for i, p in enumerate(draw.random(20))})
        failed += any(limit_by_holm(FAIL, p) is FAIL for p in compared.adjusted.values())
    assert failed <= 20
