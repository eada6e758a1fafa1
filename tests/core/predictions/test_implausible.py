"""Results too good to be true."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.model import Direction, Outcome
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.implausible import implausible
from ghmlops.core.predictions.ruling import Comparison
from hunted import ACCURACY, LOSS, compared, share_cells


def level(before: float, after: float, n: int = 5000, name: str = "auc") -> Comparison:
    """A shown change of an AUC-like metric."""
    metric = Metric(
        id=name,
        title=name.upper(),
        tasks=("binary",),
        direction=Direction.HIGHER,
        unit="",
        margin=0.005,
        implausible=0.1,
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
        (0.985, 0.9995, 900, None),
        (0.995, 0.9995, 5000, None),
        (0.80, 0.82, 5000, None),
        (0.99, 0.76, 5000, None),
    ],
)
def test_what_is_too_good_to_be_true_warns(before: float, after: float, n: int, expected: str | None) -> None:
    """A jump beyond the limit, or a level that is all but perfect on enough rows; never a loss."""
    found = implausible(level(before, after, n), "eu")
    assert (found.id if found else None) == expected
    assert found is None or (found.outcome, found.dataset) == (Outcome.WARN, "eu")


def test_a_perfect_share_is_no_level() -> None:
    """Accuracy of 99.95 % is ordinary where one class is rare: only its jump is suspicious."""
    assert implausible(level(0.98, 0.9995, name="accuracy")) is None


def test_losses_jump_by_share_of_the_baseline_and_never_by_undefined_numbers() -> None:
    """No limit, no finding; NaN, no finding."""
    (same,) = compared(share_cells(np.array([1000.0]), np.array([5.0]), np.array([400.0])), ACCURACY)
    assert implausible(same) is None
    fields = {name: getattr(same, name) for name in Comparison.__slots__} | {"loss": math.nan, "metric": LOSS}
    assert implausible(Comparison(**fields)) is None
