"""What a plan can decide, for policies and for the first pairs of a run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ghmlops.core.latency.duet import Duet, compare_blocks
from ghmlops.core.latency.planning.plan_text import pilot_line, plan_lines
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, Arrivals, Latency, Trace
from ghmlops.core.policy.objectives import Objectives


def lines(rate: float, duration: float, slo: Objectives | None = None) -> list[str]:
    return plan_lines(Latency(arrivals=Arrivals(rate=rate, duration=duration), slo=slo or Objectives()))


@pytest.mark.parametrize(
    ("rate", "duration", "undecidable", "proposed"),
    [(12.0, 60.0, ["p50", "p95", "p99"], "105s"), (20.0, 60.0, ["p50", "p95", "p99"], "65s"), (50.0, 60.0, [], "")],
)
def test_a_plan_that_is_too_short(rate: float, duration: float, undecidable: list[str], proposed: str) -> None:
    """A plan with fewer pairs than any failure needs names the quantiles and a sufficient duration."""
    (line,) = lines(rate, duration)
    assert ("can never decide" in line) == bool(undecidable)
    assert re.findall(r"p\d\d", line) == (undecidable or ["p50", "p95", "p99"])
    assert proposed in line


def test_the_proposed_duration_is_sufficient() -> None:
    """The duration that a too short plan names gives a plan that can decide every quantile."""
    for rate in (0.5, 3.0, 12.0, 19.0):
        (line,) = lines(rate, 30.0)
        proposed = re.search(r"`duration` (\d+)(s|m)", line)
        assert proposed is not None
        seconds = float(proposed[1]) * (60 if proposed[2] == "m" else 1)
        assert "can never decide" not in lines(rate, seconds)[0]


def test_a_longer_plan_detects_less() -> None:
    """The smallest detectable changes fall with the length of the plan, until smaller ones would pass first."""
    changes = [[float(x) for x in re.findall(r"\+(\d+(?:\.\d+)?) %", lines(50.0, s)[0])] for s in (25.0, 300.0)]
    assert [len(row) for row in changes] == [3, 3]
    assert all(long < short for short, long in zip(*changes, strict=True))


def test_objectives_that_the_plan_cannot_show() -> None:
    """An objective with a larger sample floor than the plan names the floor; others are not mentioned."""
    slo = Objectives(quantiles={"p90": 1.0, "p99.9": 1.0})
    assert [line for line in lines(50.0, 60.0, slo)[1:] if "p99.9" in line and "6,636" in line and "135s" in line]
    assert len(lines(50.0, 60.0, slo)) == 2


def test_demand_of_unknown_size() -> None:
    """Nothing is claimed about a recording, and nothing about numbers for a rate that a ramp determines."""
    replay = Arrivals(model="replay", rate=0.0, duration=0.0, trace=Trace(file="access.log"))
    assert plan_lines(Latency(arrivals=replay)) == []
    (line,) = plan_lines(Latency(arrivals=Arrivals(auto=True)))
    assert "%" not in line


def duet_of(noise: float, pairs: int = 4) -> Duet:
    rng, duet = np.random.default_rng(3), Duet(DEFAULT_LATENCY_MARGINS)
    for _ in range(pairs):
        first, second = (0.01 * np.exp(noise * rng.standard_normal(250)) for _ in range(2))
        duet.feed(compare_blocks(first, second))
    return duet


def test_a_pilot_without_much_noise_detects_small_changes() -> None:
    """Little noise: every quantile is decided and changes of a few percent are detected."""
    line = pilot_line(duet_of(0.05), 48, DEFAULT_LATENCY_MARGINS)
    changes = [float(x) for x in re.findall(r"\+(\d+(?:\.\d+)?) %", line)]
    assert len(changes) == 3
    assert changes[0] < 10
    assert "requests" not in line


def test_a_noisy_pilot_names_the_requests_that_equal_arms_need() -> None:
    """Large noise and a short plan: the line lists the undecided quantiles and a number of requests."""
    line = pilot_line(duet_of(1.5), 10, DEFAULT_LATENCY_MARGINS)
    needed = re.search(r"([\d,]+) requests", line)
    assert needed is not None
    assert int(needed[1].replace(",", "")) > 2500
