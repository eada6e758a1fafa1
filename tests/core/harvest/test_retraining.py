"""Training again pays if the proven decline costs more; noise, missing labels and our own deployments are no reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.harvest.daily import DayRow
from ghmlops.core.harvest.retraining import Prices, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

PRICES = Prices(training=5.0, point_per_day=40.0)


def days(areas: Sequence[float | None], labels: int = 400, first: int = 100) -> list[DayRow]:
    """Return consecutive days with these areas."""
    return [DayRow(first + n, 10_000, 2 * labels, labels, labels, area) for n, area in enumerate(areas)]


def test_a_lasting_decline_pays() -> None:
    """From 0.80 to 0.74 over a week; the same decline is not dear enough for a dear training."""
    rows = days([0.80] * 10 + [0.74] * 7)
    decision = decide(rows, PRICES, horizon=7.0)
    assert decision.retrain
    assert 0.0 < decision.decline < 0.06
    assert decision.reference == pytest.approx(0.80)
    assert not decide(rows, Prices(100_000.0, 40.0), horizon=7.0).retrain


def test_a_slow_decline_pays_once_it_is_proven() -> None:
    """It falls by 0.002 a day: not in its first days, but before it is 0.04 below its level."""
    areas = [0.80] * 20 + [0.80 - 0.002 * day for day in range(1, 21)]
    assert not decide(days(areas[:23]), PRICES, horizon=7.0).retrain
    decision = decide(days(areas), PRICES, horizon=7.0)
    assert decision.retrain
    assert decision.saving == pytest.approx(decision.decline / 0.01 * 40.0 * (decision.span + 7.0))


def test_noise_does_not_pay() -> None:
    """At most 2 of 3,000 days of stationary streams start a training, at a price of next to nothing."""
    rng = np.random.default_rng(1)
    starts = 0
    for _ in range(60):
        areas = list(rng.normal(0.8, 0.0165, 60))
        rows = days([float(a) for a in areas], labels=300)
        starts += sum(decide(rows[:n], Prices(0.01, 40.0), horizon=7.0).retrain for n in range(10, 60))
    assert starts <= 2


def test_days_before_the_last_deployment_belong_to_another_model() -> None:
    """A decline that came with the deployment is part of the reference."""
    rows = days([0.80] * 10 + [0.70] * 12)
    assert decide(rows, PRICES, horizon=7.0).retrain
    later = decide(rows, PRICES, horizon=7.0, since=110)
    assert (later.retrain, later.days) == (False, 12)
    assert later.reference == pytest.approx(0.70)


@pytest.mark.parametrize(
    ("since", "late"), [(92, True), (93, False), (100, False), (108, False), (0, False), (70, True)]
)
def test_a_log_that_starts_late_has_no_reference(since: int, late: bool) -> None:
    """Its first days may already be those of the decline; without a deployment, all days belong to one model."""
    decision = decide(days([0.80] * 10 + [0.74] * 17), PRICES, horizon=7.0, since=since)
    assert decision.late is late
    assert (decision.reference is None, decision.retrain) == (late, not late and since != 108)


@pytest.mark.parametrize("areas", [[], [0.8] * 6, [None] * 30])
def test_too_few_days_decide_nothing(areas: list[float | None]) -> None:
    """Without a reference there is no decline."""
    decision = decide(days(areas), PRICES, horizon=7.0)
    assert (decision.retrain, decision.reference) == (False, None)


def test_days_with_few_labels_do_not_count() -> None:
    """Nine labels of a class say too little, whatever their area."""
    assert not decide(days([0.8] * 7) + days([0.2] * 5, labels=9, first=107), PRICES, horizon=7.0).retrain
