"""The plan: how many replicas from now on, and why.

A plan is a function of the demand until now, the measured capacity and the replicas that are present. Hysteresis comes
from what the same demand required within the last `settle-down`, so that a run that was missed or killed loses nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.scale.constants import DOWN_MARGIN
from ghmlops.core.scale.forecast import Forecast, forecast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policy.production.scale import Demand, Limits
    from ghmlops.core.scale.capacity import Curve
    from ghmlops.core.scale.demand import Problem, Series


class Step(StrEnum):
    """Why the plan has its number of replicas."""

    STEADY = "steady"
    UP = "up"
    DOWN = "down"
    PAUSED = "paused"
    FALLBACK = "fallback"
    WAITING = "waiting"
    """Fewer replicas would suffice, and something speaks against removing any now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one demand needs.

    Attributes:
        name: name of the demand.
        rate: requests per second to serve, with the queue; `None` if the demand does not count.
        replicas: replicas for it; `None` if it does not count, or if no number of them carries it.
        settled: replicas for the highest demand within `settle-down` and `DOWN_MARGIN` more; `None` as above.
        idle: seconds since the last request, at most those that were read.
        prediction: the forecast; `None` for a fixed rate, or if the demand does not count.
        problem: why the demand does not count.
        detail: what shows it.
    """

    name: str
    rate: float | None
    replicas: int | None
    settled: int | None
    idle: float = 0.0
    prediction: Forecast | None = None
    problem: Problem | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What serves the demand.

    Attributes:
        curve: capacity of a number of replicas.
        headroom: share of it that stays unused.
        limits: limits of the replicas.
    """

    curve: Curve
    headroom: float
    limits: Limits

    def replicas_for(self, rate: float) -> int | None:
        """Return the replicas for a rate, also beyond the limits; `None` if no number is enough."""
        return self.curve.replicas_for(rate, self.headroom, 100 * self.limits.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What stands beside the demand.

    Attributes:
        present: replicas that should run now; `None` if it is not known.
        paused: whether the switch is on.
        holds: why no replica may be removed, in words.
        fallback: least number of replicas while a demand does not count.
        zero_idle: seconds without a request after which no replica is needed; `None` if one always is.
        since_step: seconds since replicas were changed; `None` if it is not known.
    """

    present: int | None
    paused: bool = False
    holds: tuple[str, ...] = ()
    fallback: int | None = None
    zero_idle: float | None = None
    since_step: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan.

    Attributes:
        replicas: replicas from now on; `None` if nothing is known.
        required: replicas that the demand needs, before limits and steps; `None` if that is not known.
        step: why.
        reason: the same in words.
        limited: whether the demand needs more than the limits allow.
        useless: whether no number of replicas carries the demand.
    """

    replicas: int | None
    required: int | None
    step: Step
    reason: str
    limited: bool = False
    useless: bool = False


def need_of(
    demand: Demand, series: Series, supply: Supply, *, queued: float | None = 0.0, cold_start: float = 0.0
) -> Need:
    """Return what a demand over time needs.

    Args:
        demand: the demand of the policy.
        series: its rates.
        supply: what serves it.
        queued: requests that wait; `None` if that could not be read.
        cold_start: measured seconds until a started replica is ready.
    """
    if series.problem is not None:
        return Need(
            name=demand.name, rate=None, replicas=None, settled=None, problem=series.problem, detail=series.detail
        )
    lead = max(demand.lead, cold_start)

    def predicted(back: int) -> Forecast:
        return forecast(series.until(back), period=demand.period, quantile=demand.quantile, lead=lead)

    waiting = (queued or 0.0) / demand.queue.drain if demand.queue else 0.0
    newest = predicted(0)
    count = min(series.intervals(supply.limits.settle_down), len(series.rates) - 1)
    highest = max((predicted(back).rate for back in range(1, count + 1)), default=0.0)
    rate = newest.rate + waiting
    return Need(
        name=demand.name,
        rate=rate,
        replicas=supply.replicas_for(rate),
        settled=supply.replicas_for((max(newest.rate, highest) + waiting) * (1.0 + DOWN_MARGIN)),
        idle=0.0 if queued else _idle(series),
        prediction=newest,
    )


def fixed_need(demand: Demand, supply: Supply) -> Need:
    """Return what a fixed rate needs."""
    replicas = supply.replicas_for(demand.rate)
    return Need(name=demand.name, rate=demand.rate, replicas=replicas, settled=replicas)


def _idle(series: Series) -> float:
    # An interval without a value is no proof of silence.
    busy = np.flatnonzero(~(series.rates == 0.0))
    return (len(series.rates) - 1 - int(busy[-1]) if len(busy) else len(series.rates)) * series.step


def make_plan(needs: Sequence[Need], supply: Supply, now: Circumstances) -> Plan:
    """Return the plan for all demands: the one that needs most replicas decides.

    Args:
        needs: what each demand needs, at least one.
        supply: what serves them.
        now: what stands beside the demand.
    """
    counting = [need for need in needs if need.problem is None]
    exceeded = any(need.replicas is None for need in counting)
    most = 100 * supply.limits.max
    useless = exceeded and supply.curve.peak is not None and supply.curve.peak < most
    required = max((need.replicas or 0 for need in counting), default=None)
    if exceeded:
        # Beyond the peak more replicas do not help.
        required = max(required or 0, min(supply.curve.peak or most, most))
    if now.paused:
        return Plan(replicas=now.present, required=required, step=Step.PAUSED, reason="`pause` is on")
    plan = _complete(needs, required, supply, now) if len(counting) == len(needs) else _partial(required, supply, now)
    limited = required is not None and required > supply.limits.max
    return Plan(
        replicas=plan.replicas, required=required, step=plan.step, reason=plan.reason, limited=limited, useless=useless
    )


def _partial(required: int | None, supply: Supply, now: Circumstances) -> Plan:
    """Return the plan while a demand does not count: never fewer replicas, at least those of the other demands."""
    floor = max(now.fallback or 0, supply.limits.min)
    if now.present is None:
        replicas = max(required or 0, now.fallback) if now.fallback is not None else None
        capped = None if replicas is None else min(replicas, supply.limits.max)
        return Plan(replicas=capped, required=required, step=Step.FALLBACK, reason="a demand does not count")
    goal = min(max(_step_up(now.present, required or 0, supply), floor), supply.limits.max)
    replicas = max(now.present, goal)
    step = Step.FALLBACK if replicas > now.present else Step.WAITING
    return Plan(replicas=replicas, required=required, step=step, reason="a demand does not count")


def _complete(needs: Sequence[Need], required: int | None, supply: Supply, now: Circumstances) -> Plan:
    limits = supply.limits
    least = _least(needs, limits, now)
    most = limits.max if supply.curve.peak is None else min(limits.max, max(supply.curve.peak, least))
    settled = [need.settled for need in needs]
    present = now.present or 0
    exceeded = None in settled and most < present <= limits.max
    if exceeded and supply.curve.capacity(present) >= supply.curve.capacity(most):
        # Each of them adds little, and is needed all the same.
        reason = "more replicas do not help, and fewer carry less"
        return Plan(replicas=present, required=required, step=Step.WAITING, reason=reason)
    goal = min(max(required or 0, least), most)
    if now.present is None:
        return Plan(replicas=goal, required=required, step=Step.STEADY, reason="the present replicas are not known")
    if goal > now.present:
        replicas = _step_up(now.present, goal, supply)
        return Plan(replicas=replicas, required=required, step=Step.UP, reason=f"the demand needs {goal:,}")
    lowest = most if None in settled else min(max(*(count or 0 for count in settled), least, goal), most)
    if goal < now.present:
        return _down(lowest, now, required, limits)
    return Plan(replicas=now.present, required=required, step=Step.STEADY, reason="the demand needs as many")


def _least(needs: Sequence[Need], limits: Limits, now: Circumstances) -> int:
    if limits.min > 0:
        return limits.min
    idle = min(need.idle for need in needs)
    return 0 if now.zero_idle is not None and idle >= now.zero_idle else 1


def _down(lowest: int, now: Circumstances, required: int | None, limits: Limits) -> Plan:
    present = now.present or 0
    why = ""
    if now.holds:
        why = now.holds[0]
    elif now.since_step is not None and now.since_step < limits.settle_down:
        why = f"the last step was {now.since_step:.0f} s ago"
    elif lowest >= present:
        why = f"within the last {limits.settle_down:.0f} s {lowest:,} were needed, with a margin of {DOWN_MARGIN:.0%}"
    if why:
        return Plan(replicas=present, required=required, step=Step.WAITING, reason=why)
    replicas = max(lowest, present - max(1, math.floor(present * limits.step_down)))
    return Plan(replicas=replicas, required=required, step=Step.DOWN, reason=f"{lowest:,} suffice")


def _step_up(present: int, goal: int, supply: Supply) -> int:
    """Return the replicas after one step towards the goal; from zero, the first step has no limit."""
    largest = math.ceil(present * supply.limits.step_up) if present else goal
    return min(goal, max(largest, present + 1))
