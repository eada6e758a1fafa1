"""The plan: up at once, down slowly, and never down on data that does not count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.policy.production.scale import Demand, Limits, Queue
from ghmlops.core.scale.capacity import Curve, Measured, fit
from ghmlops.core.scale.demand import Problem, Sample, Series, make_series
from ghmlops.core.scale.plan import Circumstances, Need, Plan, Step, Supply, fixed_need, make_plan, need_of
from scaled_service import DAY, LABELS, NOW, RULES, daily, judged, series_of, supply

if TYPE_CHECKING:
    from collections.abc import Callable

DEMAND = Demand(prometheus="q", every=300.0, lead=300.0)


def need(replicas: int | None, settled: int | None = None, **more: Any) -> Need:
    """Return what a demand needs."""
    return Need(name="d", rate=1.0, replicas=replicas, settled=replicas if settled is None else settled, **more)


MISSING = Need(name="m", rate=None, replicas=None, settled=None, problem=Problem.MISSING)


def plan(needs: list[Need], present: int | None, serves: Supply | None = None, **more: Any) -> Plan:
    """Return the plan of replicas that are present."""
    return make_plan(needs, serves or supply(), Circumstances(present=present, **more))


@pytest.mark.parametrize(
    ("needs", "present", "replicas", "step"),
    [
        ([need(5)], 5, 5, Step.STEADY),
        ([need(7)], 5, 7, Step.UP),
        ([need(30)], 5, 10, Step.UP),
        ([need(3)], 1, 2, Step.UP),
        ([need(900)], 80, 100, Step.UP),
        ([need(18)], 20, 18, Step.DOWN),
        ([need(5)], 40, 36, Step.DOWN),
        ([need(1)], 3, 2, Step.DOWN),
        ([need(5, 6)], 6, 6, Step.WAITING),
        ([need(5, 7)], 6, 6, Step.WAITING),
        ([need(2), need(7)], 5, 7, Step.UP),
        ([need(2), need(7)], 8, 7, Step.DOWN),
        ([need(0)], 2, 1, Step.DOWN),
        ([need(0)], 1, 1, Step.STEADY),
        ([need(5)], None, 5, Step.STEADY),
        ([need(150)], 120, 108, Step.DOWN),
    ],
)
def test_steps(needs: list[Need], present: int | None, replicas: int, step: Step) -> None:
    """The largest demand decides; a step up at most doubles, a step down removes a tenth or one."""
    result = plan(needs, present)
    assert (result.replicas, result.step) == (replicas, step)


@pytest.mark.parametrize(
    ("needs", "present", "fallback", "replicas", "step"),
    [
        ([MISSING], 8, None, 8, Step.WAITING),
        ([MISSING], 8, 6, 8, Step.WAITING),
        ([MISSING], 4, 6, 6, Step.FALLBACK),
        ([MISSING, need(9)], 8, None, 9, Step.FALLBACK),
        ([MISSING, need(2)], 8, None, 8, Step.WAITING),
        ([MISSING], 120, 6, 120, Step.WAITING),
        ([MISSING], 0, None, 1, Step.FALLBACK),
        ([MISSING], None, None, None, Step.FALLBACK),
        ([MISSING, need(9)], None, 6, 9, Step.FALLBACK),
    ],
)
def test_data_that_does_not_count(
    needs: list[Need], present: int | None, fallback: int | None, replicas: int | None, step: Step
) -> None:
    """No replica is removed; the fallback and the demands that count are served."""
    result = plan(needs, present, fallback=fallback)
    assert (result.replicas, result.step) == (replicas, step)


@pytest.mark.parametrize(
    ("more", "replicas"),
    [
        ({}, 9),
        ({"holds": ("incident",)}, 10),
        ({"since_step": 60.0}, 10),
        ({"since_step": 600.0}, 9),
        ({"paused": True}, 10),
    ],
)
def test_what_speaks_against_fewer(more: dict[str, Any], replicas: int) -> None:
    """A promotion, a step shortly before, and the switch; all but the switch allow more."""
    assert plan([need(4)], 10, **more).replicas == replicas
    assert plan([need(12)], 10, **more).replicas == (10 if more.get("paused") else 12)


def test_zero_needs_silence_and_a_measured_cold_start() -> None:
    """Otherwise one replica stays; the first request brings one back at once."""
    serves = supply(min=0)
    silent = need(0, idle=1800.0)
    assert plan([silent], 1, serves, zero_idle=1800.0).replicas == 0
    assert plan([silent], 1, serves, zero_idle=3600.0).replicas == 1
    assert plan([silent], 1, serves).replicas == 1
    assert plan([silent, need(0)], 1, serves, zero_idle=1800.0).replicas == 1
    assert plan([need(5)], 0, serves, zero_idle=1800.0).replicas == 5
    assert plan([silent], 1, supply(min=1), zero_idle=1800.0).replicas == 1


def test_replicas_that_do_not_help_are_not_added() -> None:
    """Beyond the peak of the law the plan stays at the peak, also with room in the limits."""
    curve = Curve(rate=100.0, sigma=0.05, kappa=0.002)
    serves = Supply(curve=curve, headroom=0.0, limits=Limits(max=200))
    beyond = fixed_need(Demand(rate=2000.0), serves)
    result = plan([beyond], 20, serves)
    assert (beyond.replicas, result.replicas, result.useless) == (None, 21, True)
    assert plan([beyond], 21, serves).replicas == 21
    assert plan([beyond], 30, serves).replicas == 27


@pytest.mark.parametrize(
    ("rate", "present", "replicas", "useless"), [(63.0, 2, 1, False), (63.0, 1, 1, False), (71.0, 1, 1, True)]
)
def test_a_second_replica_that_carries_less_is_not_added(
    rate: float, present: int, replicas: int, useless: bool
) -> None:
    """1 replica carries 100/s and 4 carry 90/s."""
    curve = fit([Measured(1, 100.0), Measured(4, 90.0)])
    serves = Supply(curve=curve, headroom=0.3, limits=Limits(max=40))
    result = plan([fixed_need(Demand(rate=rate), serves)], present, serves)
    assert (result.replicas, result.required, result.useless) == (replicas, 1, useless)


@pytest.mark.parametrize(
    ("sigma", "present", "replicas"), [(0.99, 1, 1), (0.5, 8, 13), (0.5, 13, 13), (0.5, 30, 30), (1e-6, 2, 4)]
)
def test_a_saturating_capacity_is_no_reason_for_the_most(sigma: float, present: int, replicas: int) -> None:
    """Contention alone lets each replica add a little, so that 100 would be reached for nothing; those that are present
    stay as long as the demand is too high."""
    serves = Supply(curve=Curve(rate=100.0, sigma=sigma), headroom=0.0, limits=Limits(max=100))
    result = plan([fixed_need(Demand(rate=1e6), serves)], present, serves)
    assert (result.replicas, result.useless) == (replicas, sigma > 1e-6)
    assert plan([fixed_need(Demand(rate=100.0), serves)], 30, serves).replicas == 27


def test_a_queue_adds_to_what_arrives() -> None:
    """600 waiting requests are served within 5 minutes: 2/s more."""
    demand = msgspec.structs.replace(DEMAND, queue=Queue(prometheus="q", drain=300.0))
    series, serves = judged(daily()), supply(1.0)
    plain, queued = (need_of(demand, series, serves, queued=count) for count in (0.0, 600.0))
    assert plain.rate is not None
    assert queued.rate == pytest.approx(plain.rate + 2.0)
    assert queued.replicas == math.ceil(plain.rate + 2.0)


def test_a_fall_settles_before_replicas_go() -> None:
    """What was needed ten minutes ago still counts, with a margin."""
    rates = np.concatenate([np.full(48, 80.0), np.full(2, 10.0)])
    demand = msgspec.structs.replace(DEMAND, lead=300.0)
    recent = need_of(demand, series_of(rates), supply())
    settled = need_of(demand, series_of(np.concatenate([rates, np.full(20, 10.0)])), supply())
    assert (recent.settled, settled.replicas, settled.settled) == (9, 1, 2)


def test_a_cold_start_lengthens_the_lead() -> None:
    """Replicas that start slowly are needed for the demand of a later time."""
    morning = NOW - DAY / 4
    series = judged(daily(noise=0.0, now=morning), now=morning)
    early, late = (need_of(DEMAND, series, supply(), cold_start=seconds) for seconds in (0.0, 7200.0))
    assert early.rate is not None
    assert late.rate is not None
    assert late.rate > early.rate


def damaged(samples: list[Sample], rng: np.random.Generator) -> tuple[list[Sample], dict[str, str], Problem]:
    """Return samples with one damage at a random place of the last hour, and the problem that it is."""

    def one(value: float | None) -> list[Sample]:
        place = len(samples) - 1 - int(rng.integers(0, 11))
        return [*samples[:place], Sample(samples[place].time, value), *samples[place + 1 :]]

    start = len(samples) - 12
    kinds: list[tuple[Callable[[], list[Sample]], Problem]] = [
        (list, Problem.MISSING),
        (lambda: samples[: -int(rng.integers(4, 400))], Problem.STALE),
        (lambda: [*samples[: start + 1], *samples[start + 1 + int(rng.integers(2, 8)) :]], Problem.HOLES),
        (lambda: one(math.nan), Problem.NOT_A_NUMBER),
        (lambda: one(float(-rng.exponential())), Problem.NEGATIVE),
        (lambda: [*samples, Sample(NOW + float(rng.uniform(400, 9e5)), 1.0)], Problem.FUTURE),
        (lambda: samples, Problem.FOREIGN),
        (lambda: [*samples[:-6], *(Sample(s.time, 0.0) for s in samples[-6:])], Problem.COLLAPSED),
    ]
    change, problem = kinds[int(rng.integers(len(kinds)))]
    labels = {"app": "another"} if problem is Problem.FOREIGN else LABELS
    return change(), labels, problem


def test_no_damage_ever_removes_a_replica() -> None:
    """Whatever is present, however small the rest of the demand: the number never falls."""
    rng = np.random.default_rng(7)
    whole = daily()
    problems = set()
    for _ in range(400):
        samples, labels, problem = damaged(whole, rng)
        series = make_series(samples, labels, RULES, NOW)
        problems.add(series.problem)
        assert series.problem is problem
        present = int(rng.integers(0, 120))
        needs = [need_of(DEMAND, series, supply())] + [need(int(rng.integers(0, 90)))] * int(rng.integers(0, 2))
        result = plan(needs, present, fallback=[None, 6][int(rng.integers(2))])
        assert result.replicas is not None
        assert result.replicas >= present
    assert len(problems) == len(Problem)


@given(
    st.lists(st.none() | st.integers(0, 300), max_size=3),
    st.integers(0, 300),
    st.none() | st.integers(1, 100),
    st.booleans(),
)
def test_one_demand_that_does_not_count_holds_all(
    others: list[int | None], present: int, fallback: int | None, paused: bool
) -> None:
    """Whatever the other demands need, also if no number of replicas carries them."""
    needs = [MISSING, *(need(count) for count in others)]
    result = plan(needs, present, fallback=fallback, paused=paused)
    assert result.replicas is not None
    assert result.replicas >= present
    assert result.replicas <= max(present, 100)


def test_a_series_that_counts_falls() -> None:
    """The same demand without damage does remove replicas."""
    series: Series = judged(daily())
    assert plan([need_of(DEMAND, series, supply())], 60).step is Step.DOWN
