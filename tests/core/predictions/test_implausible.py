"""Results that are too good to be plausible."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from ghmlops.core.model import Direction, Outcome
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.implausible import implausible_result
from ghmlops.core.predictions.ruling import Comparison
from subgroup_data import ACCURACY, LOSS, accuracy_cells, compare_cells


def significant_change(before: float, after: float, n: int = 5000, name: str = "auc") -> Comparison:
    """Return a significant change of a metric like AUC."""
    metric = Metric(
        id=name,
        title=name.upper(),
        tasks=("binary",),
        direction=Direction.HIGHER,
        unit="",
        margin=0.005,
        implausible_gain=0.1,
    )
    loss = before - after
    return Comparison(
        metric=metric,
        n=n,
        baseline=before,
        candidate=after,
        low=-loss - 0.002,
        high=-loss + 0.002,
        loss=loss,
        loss_low=loss - 0.002,
        loss_high=loss + 0.002,
        p=0.999,
        error=0.001,
        margin=0.005,
        method="paired DeLong",
    )


@pytest.mark.parametrize(
    ("before", "after", "n", "expected"),
    [
        (0.76, 0.99, 5000, "implausible-jump"),
        (0.985, 0.9995, 5000, "implausible-level"),
        (0.985, 0.9995, 1000, "implausible-level"),
        (0.985, 0.9995, 999, None),
        (0.995, 0.9995, 5000, None),
        (0.80, 0.82, 5000, None),
        (0.99, 0.76, 5000, None),
        (0.76, 0.99, 29, None),
    ],
)
def test_an_implausible_improvement_warns(before: float, after: float, n: int, expected: str | None) -> None:
    """An improvement beyond the limit, or a nearly perfect value on enough rows; never a loss, never a few rows."""
    finding = implausible_result(significant_change(before, after, n), "eu")
    assert (finding.id if finding else None) == expected
    assert finding is None or (finding.outcome, finding.dataset) == (Outcome.WARN, "eu")


def test_the_reason_has_values_limit_and_rows() -> None:
    """From 0.76 to 0.99, more than 0.1, on 5,000 rows."""
    finding = implausible_result(significant_change(0.76, 0.99))
    assert finding is not None
    assert all(number in finding.reason for number in ("0.76", "0.99", "+0.23", "0.1 ", "5,000"))


def test_a_nearly_perfect_ratio_is_plausible() -> None:
    """Accuracy of 99.95 % is ordinary if one class is rare: only its improvement can be implausible."""
    assert implausible_result(significant_change(0.98, 0.9995, name="accuracy")) is None


def test_a_metric_without_a_limit_and_undefined_numbers_have_no_finding() -> None:
    """No limit, no finding; NaN, no finding."""
    cells = accuracy_cells(np.array([1000.0]), np.array([5.0]), np.array([400.0]))
    (improved,) = compare_cells(cells, ACCURACY)
    assert implausible_result(improved) is None
    assert implausible_result(msgspec.structs.replace(improved, loss=math.nan, metric=LOSS)) is None
