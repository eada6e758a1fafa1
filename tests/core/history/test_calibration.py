"""Stated against measured effects, and the winner's curse."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.history.calibration import MIN_EFFECTS, calibrate, shrink
from ghmlops.core.history.hypothesis import parse_hypotheses
from ghmlops.core.history.record import Effect
from ghmlops.core.model import Outcome
from history_records import deployment, stored


def effect(estimate: float, unit: str = "ratio", width: float = 0.1) -> Effect:
    return Effect(
        metric="p99", unit=unit, estimate=estimate, low=estimate - width, high=estimate + width, outcome=Outcome.PASS
    )


def test_expectations_are_compared_in_their_unit() -> None:
    """What cannot be compared is listed with its reason, and a refused change is no experiment."""
    records = stored(
        deployment(hypothesis=parse_hypotheses("Expect: p99 -10%, p99 -3, auc +0.1, faster"), effects=(effect(-0.04),)),
        deployment(commit="c" * 40, decision="refused", hypothesis=parse_hypotheses("Expect: p99 -10%")),
    )
    result = calibrate(records)
    assert [(p.stated, p.measured, p.shrunk, p.id) for p in result.pairs] == [(-0.1, -0.04, None, records[0].id)]
    assert [item.text for item in result.unmatched] == ["p99 -3", "auc +0.1", "faster"]
    assert len({item.reason for item in result.unmatched}) == 3


def test_effects_of_a_metric_are_shrunk_from_a_few_on() -> None:
    """Towards their mean, and only if the spread can be estimated."""
    pull = parse_hypotheses("Expect: p99 -10%")
    changes = (-0.2, -0.1, -0.05, 0.0, 0.1)
    records = stored(
        *(deployment(commit=f"{i:040x}", hypothesis=pull, effects=(effect(c),)) for i, c in enumerate(changes))
    )
    pairs = calibrate(records).pairs
    assert len(pairs) == MIN_EFFECTS
    assert all(p.shrunk is not None and abs(p.shrunk + 0.05) <= abs(p.measured + 0.05) for p in pairs)


def test_shrinking_removes_the_bias_of_selection() -> None:
    """Of effects that are selected for being large, the measured ones exceed the true ones; the shrunk ones do not."""
    random = np.random.default_rng(7)
    true = random.normal(0.0, 0.05, 4000)
    errors = random.uniform(0.02, 0.08, 4000)
    measured = true + random.normal(0.0, errors)
    shrunk = np.array(shrink(list(measured), list(errors)))
    selected = measured < -0.1
    assert (measured - true)[selected].mean() < -0.03
    assert (shrunk - true)[selected].mean() == pytest.approx(0.0, abs=0.005)


def test_equal_effects_are_all_the_mean() -> None:
    """Without a spread beyond the errors; without errors nothing moves."""
    assert shrink([1.0, 1.1, 0.9], [1.0, 1.0, 1.0]) == pytest.approx([1.0, 1.0, 1.0])
    assert shrink([1.0, 2.0, 4.0], [0.0, 0.0, 0.0]) == pytest.approx([1.0, 2.0, 4.0])
