"""An M/M/c queue without a process or a socket, and the search for capacity on it: seconds of load in milliseconds."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.capacity import search as capacity
from ghmlops.core.capacity.probe import Seen, judge_probe
from ghmlops.core.capacity.search import State
from ghmlops.core.latency.answers import Answers, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.capacity.search import Plan, Probe
    from ghmlops.core.policy.objectives import Objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """`workers`, each busy for exponential times of `mean` seconds; one line, first come, first served."""

    workers: int
    mean: float

    def answer(self, probe: Probe, warmup: float, rng: np.random.Generator) -> Seen:
        """Return what a generator that is never late records of a probe; the queue is empty before it."""
        total = warmup + probe.seconds
        scheduled = np.sort(rng.uniform(0, total, int(probe.rate * total)))
        times = rng.exponential(self.mean, len(scheduled))
        free = [0.0] * self.workers
        done = np.empty(len(scheduled))
        for place, (arrival, time) in enumerate(zip(scheduled, times, strict=True)):
            end = max(arrival, heapq.heappop(free)) + time
            heapq.heappush(free, end)
            done[place] = end
        return seen_of(scheduled, done, warmup=int(np.searchsorted(scheduled, warmup)), took=total)


def seen_of(scheduled: NDArray[np.float64], done: NDArray[np.float64], *, warmup: int = 0, took: float = 10.0) -> Seen:
    """Return requests that were sent on time and answered well; seconds, shape (n,)."""
    n = len(scheduled)
    answers = Answers(
        scheduled=scheduled,
        sent=scheduled,
        first=done,
        done=done,
        status=np.full(n, 200, np.uint16),
        kind=np.full(n, Kind.OK, np.uint8),
    )
    return Seen(answers=answers, dispatched=scheduled, warmup=warmup, timeout=10.0, stopped=False, took=took, sent=n)


def search(queue: Queue, plan: Plan, slo: Objectives, seed: int) -> State:
    """Return the whole search of one queue."""
    rng, state = np.random.default_rng(seed), State(plan=plan)
    while (probe := capacity.next_rate(state)) is not None:
        state = capacity.feed(state, judge_probe(probe, queue.answer(probe, plan.warmup, rng), slo))
    return state
