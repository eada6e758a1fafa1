"""The smallest detectable change, compared with simulated verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.latency.constants import TYPICAL_SPREAD
from ghmlops.core.latency.duet import CHANGE, CHANGE_SD, LEVELS, SPREAD, WIDE, Duet
from ghmlops.core.latency.planning.detectable import detectable, pilot_dispersion, plan_pairs, typical_dispersion
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, QUANTILES, Arrivals


def verdict(change: float, pairs: int, rng: np.random.Generator) -> Duet:
    """Return the verdict after pairs with typical noise, whose p50 is slower by `change` on the candidate."""
    duet, levels = Duet(DEFAULT_LATENCY_MARGINS), dict.fromkeys(LEVELS.values(), 0.0)
    for _ in range(pairs):
        values = {name: TYPICAL_SPREAD[name][0] * rng.standard_normal() for name in QUANTILES}
        values["p50"] += math.log1p(change)
        tail = {WIDE: values["p99"], SPREAD: 0.14}
        duet.feed({**values, **tail, CHANGE: 0.0, CHANGE_SD: 0.31, **levels})
    return duet


@pytest.mark.parametrize("pairs", [12, 24, 72])
def test_the_change_is_detected_as_often_as_stated(pairs: int) -> None:
    """At the stated change of the p50 at least 80 of 100 runs fail; at half of it, many pass."""
    rng = np.random.default_rng(5)
    change = detectable(pairs, DEFAULT_LATENCY_MARGINS, typical_dispersion())["p50"].change
    assert change is not None
    share, half = (
        np.mean([verdict(c, pairs, rng).decision == "fail" for _ in range(100)]) for c in (change, change / 2)
    )
    assert share >= 0.8
    assert half < share - 0.2


def test_more_pairs_detect_smaller_changes() -> None:
    """The detectable change falls with the number of pairs; below nine pairs nothing is detected."""
    rows = [detectable(n, DEFAULT_LATENCY_MARGINS, typical_dispersion()) for n in (8, 10, 24, 144)]
    assert {row.change for row in rows[0].values()} == {None}
    for name in QUANTILES:
        changes = [row[name].change for row in rows[1:]]
        assert changes == sorted(changes, key=lambda x: -math.inf if x is None else -x)
        assert rows[-1][name].passes


def test_the_pairs_that_a_pass_needs() -> None:
    """A pass is possible from the stated number of pairs on, and not before."""
    typical = typical_dispersion()
    for name, row in detectable(24, DEFAULT_LATENCY_MARGINS, typical).items():
        assert row.pairs is not None
        assert detectable(row.pairs, DEFAULT_LATENCY_MARGINS, typical)[name].passes
        assert not detectable(row.pairs - 1, DEFAULT_LATENCY_MARGINS, typical)[name].passes


def test_the_dispersion_of_a_pilot() -> None:
    """The dispersion of 60 pairs is about that of the noise."""
    dispersion = pilot_dispersion(verdict(0.0, 60, np.random.default_rng(6)))
    for name in QUANTILES:
        assert dispersion[name].sd == pytest.approx(TYPICAL_SPREAD[name][0], rel=0.4)


@pytest.mark.parametrize(
    ("arrivals", "pairs"),
    [
        (Arrivals(rate=50.0, duration=60.0), 24),
        (Arrivals(rate=1000.0, duration=60.0), 144),
        (Arrivals(model="ramp", rate=100.0, duration=250.0, curve=((0.0, 50.0), (250.0, 150.0))), 100),
    ],
)
def test_pairs_of_a_plan(arrivals: Arrivals, pairs: int) -> None:
    """A plan has at most 72 pairs and as many in its extension; changing demand is sent in full, without one."""
    assert plan_pairs(arrivals) == pairs
