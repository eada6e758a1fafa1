"""Autoscalers on a trace: the formulas of the HorizontalPodAutoscaler and of KEDA, and the plan of `scale`.

HorizontalPodAutoscaler: Kubernetes documentation, "Algorithm details": ceil(current x metric / target), tolerance 10 %,
every 15 s; at most 4 pods or 100 % more per 15 s; down after the highest recommendation of 300 s. On utilisation the
metric ends at 100 %, and pods that are not ready count as idle. KEDA's Prometheus scaler sets an external metric with
an average value per pod, here of the last minute.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.scalebench.traces import DAY, TICK
from ghmlops.core.scale.capacity import Curve
from ghmlops.core.scale.demand import Rules, Series, judge
from ghmlops.core.scale.plan import Circumstances, Supply, make_plan, need_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ghmlops.core.policy.production.scale import Demand, Limits

CAPACITY = 8.0
"""Requests per second of one replica."""
START = 120.0
"""Seconds until a replica that is started is ready."""
MINUTE = round(60.0 / TICK)


@dataclass(slots=True)
class Pods:
    """Replicas that are ready, and the times at which the others will be."""

    ready: int
    starting: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All replicas."""
        return self.ready + len(self.starting)

    def tick(self, place: int) -> None:
        """Make replicas ready whose time has come."""
        done = sum(moment <= place for moment in self.starting)
        self.ready += done
        self.starting = [moment for moment in self.starting if moment > place]

    def set(self, count: int, place: int) -> None:
        """Start or remove replicas; those that are not ready yet go first."""
        more = count - self.total
        if more > 0:
            self.starting += [place + round(START / TICK)] * more
            return
        while more < 0 and self.starting:
            self.starting.pop()
            more += 1
        self.ready += more


class Score(NamedTuple):
    """Seconds with more demand than ready replicas carry, and replica-hours."""

    violated: float
    hours: float


def simulate(rates: NDArray[np.float64], first: int, decide: Callable[[int, Pods], int]) -> Score:
    """Return the score of an autoscaler from a place of the trace on; it decides on what came before each tick."""
    pods = Pods(max(1, math.ceil(rates[first] / CAPACITY)))
    violated = hours = 0.0
    for place in range(first, len(rates)):
        pods.tick(place)
        violated += TICK * (rates[place] > pods.ready * CAPACITY)
        hours += pods.total * TICK / 3600.0
        count = decide(place, pods)
        if count != pods.total:
            pods.set(count, place)
    return Score(violated, hours)


class Hpa:
    """The HorizontalPodAutoscaler on utilisation, or with an external metric as KEDA uses it."""

    def __init__(self, rates: NDArray[np.float64], limits: Limits, target: float, *, external: bool) -> None:
        self._rates, self._limits, self._target, self._external = rates, limits, target, external
        self._recommended: deque[int] = deque(maxlen=round(300.0 / TICK))

    def decide(self, place: int, pods: Pods) -> int:
        """Return the number of replicas."""
        load = float(self._rates[max(0, place - MINUTE) : place].mean()) / CAPACITY if place else 0.0
        total = pods.total
        if self._external:
            ratio = load / self._target / total
        else:
            used = min(load, float(pods.ready))
            ratio = used / max(1, pods.ready) / self._target
            if ratio > 1.0 and pods.starting:
                ratio = max(1.0, used / total / self._target)
        count = total if abs(ratio - 1.0) <= 0.1 else math.ceil(total * ratio - 1e-9)
        self._recommended.append(count)
        count = min(max(count, total), max(2 * total, total + 4)) if count > total else max(self._recommended)
        if count < total or self._recommended[-1] > total:
            return min(max(count, self._limits.min), self._limits.max)
        return total


class Ours:
    """The plan of `scale`, made every `every` seconds from the demand per minute."""

    def __init__(
        self, rates: NDArray[np.float64], limits: Limits, demand: Demand, *, headroom: float, every: float
    ) -> None:
        self._minutes = rates[: len(rates) // MINUTE * MINUTE].reshape(-1, MINUTE).mean(axis=1)
        self._demand, self._every = demand, round(every / TICK)
        self._supply = Supply(curve=Curve(rate=CAPACITY), headroom=headroom, limits=limits)
        self._rules = Rules(step=60.0, period=demand.period, history=demand.history, stale=300.0, labels={})

    def decide(self, place: int, pods: Pods) -> int:
        """Return the number of replicas."""
        if place % self._every:
            return pods.total
        minutes = place // MINUTE
        past = self._minutes[max(0, minutes - round(self._demand.history / 60.0)) : minutes]
        series = judge(Series(end=minutes * 60.0, step=60.0, rates=past), self._rules, minutes * 60.0)
        need = need_of(self._demand, series, self._supply)
        return make_plan([need], self._supply, Circumstances(present=pods.total)).replicas or pods.total


def first_place(demand: Demand) -> int:
    """Return the place from which the whole history of a demand is there."""
    return round((demand.history + DAY) / TICK)
