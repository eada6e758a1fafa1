"""The mean of a metric over targets, and its limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.metrics.auc import AUC
from ghmlops.core.paired.target_average import average_of
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.predictions.targets.average import average_comparison

MEAN = average_of(AUC, "macro-auc")


def comparison(change: float, error: float, **fields: Any) -> Comparison:
    width = 2.326 * error
    values = {"n": 1000, "baseline": 0.8, "candidate": 0.8 + change, "p": 0.5, "margin": 0.005, "method": "m"}
    limits = {"low": change - width, "high": change + width}
    losses = {"loss": -change, "loss_low": -change - width, "loss_high": -change + width}
    return Comparison(metric=AUC, error=error, **{**values, **limits, **losses, **fields})


def test_values_limits_and_errors_are_means() -> None:
    """And the number of rows is that of the target with the fewest."""
    mean = average_comparison([comparison(-0.01, 0.002, n=400), comparison(0.02, 0.004)], MEAN, None)
    assert mean.n == 400
    assert [mean.baseline, mean.candidate] == pytest.approx([0.8, 0.805])
    assert [mean.low, mean.error] == pytest.approx([0.005 - 2.326 * 0.003, 0.003])
    assert mean.margin == AUC.margin
    assert average_comparison([comparison(0.0, 0.1)], MEAN, 0.02).margin == 0.02
    weighted = [comparison(0.0, 0.1, effective=effective) for effective in (90.0, 20.0)]
    assert average_comparison(weighted, MEAN, None).evidence_rows == 20.0


def test_limits_hold_whatever_the_dependence_of_the_targets() -> None:
    """Ten targets that are copies of each other, or independent: the true mean is below the limit at most 1 %."""
    draw = np.random.default_rng(3)
    for shared in (1.0, 0.0):
        misses = 0
        for _ in range(2000):
            common = draw.normal()
            errors = [shared * common + (1 - shared) * draw.normal() for _ in range(10)]
            mean = average_comparison([comparison(0.01 * error, 0.01) for error in errors], MEAN, None)
            misses += mean.low > 0
        assert misses <= 2000 * 0.01 + 3 * (2000 * 0.01 * 0.99) ** 0.5


def test_an_undefined_target_makes_the_mean_undefined() -> None:
    """NaN is not left out: the mean would be one of other targets."""
    undefined = replace(comparison(0.0, 0.1), loss=float("nan"), candidate=float("nan"))
    mean = average_comparison([comparison(0.0, 0.1), undefined], MEAN, None)
    assert np.isnan(mean.loss)
    assert np.isnan(mean.p)
