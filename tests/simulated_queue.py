"""A simulated M/M/c queue, and the capacity search on it: seconds of load are simulated in milliseconds."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.capacity.probe import ProbeRecording, judge_probe
from ghmlops.core.capacity.search import add_result, next_probe
from ghmlops.core.capacity.search_state import SearchState
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.capacity.search_state import Probe, SearchPlan
    from ghmlops.core.policy.objectives import Objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A first-come, first-served queue; service times of the `workers` are exponential with mean `mean` in seconds."""

    workers: int
    mean: float

    def answer(self, probe: Probe, warmup: float, rng: np.random.Generator) -> ProbeRecording:
        """Return the recording of a probe by a generator that is never late; the queue is empty at its start."""
        total = warmup + probe.seconds
        scheduled = np.sort(rng.uniform(0, total, int(probe.rate * total)))
        times = rng.exponential(self.mean, len(scheduled))
        free = [0.0] * self.workers
        done = np.empty(len(scheduled))
        for index, (arrival, time) in enumerate(zip(scheduled, times, strict=True)):
            end = max(arrival, heapq.heappop(free)) + time
            heapq.heappush(free, end)
            done[index] = end
        return recording_of(scheduled, done, warmup=int(np.searchsorted(scheduled, warmup)), took=total)


def recording_of(
    scheduled: NDArray[np.float64], done: NDArray[np.float64], *, warmup: int = 0, took: float = 10.0
) -> ProbeRecording:
    """Return the recording of successful requests sent on time; times in seconds, shape (n,)."""
    n = len(scheduled)
    answers = Answers(
        scheduled=scheduled,
        sent=scheduled,
        first=done,
        done=done,
        status=np.full(n, 200, np.uint16),
        kind=np.full(n, Kind.OK, np.uint8),
    )
    return ProbeRecording(
        answers=answers, dispatched=scheduled, warmup=warmup, timeout=10.0, stopped=False, took=took, sent=n
    )


def search(queue: Queue, plan: SearchPlan, slo: Objectives, seed: int) -> SearchState:
    """Return the completed search of one queue."""
    rng, state = np.random.default_rng(seed), SearchState(plan=plan)
    while (probe := next_probe(state)) is not None:
        state = add_result(state, judge_probe(probe, queue.answer(probe, plan.warmup, rng), slo))
    return state
