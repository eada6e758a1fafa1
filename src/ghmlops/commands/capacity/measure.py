"""Runs a capacity search on the generator: probes, early stops, recovery after an overload, progress."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ghmlops.core.capacity.constants import (
    BLOCKS_PER_PROBE,
    MIN_PROBE_BLOCK,
    RECOVERED_FACTOR,
    RECOVERED_MARGIN,
    RECOVERY_SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.capacity.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.capacity.probe import ProbeRecording
    from ghmlops.core.capacity.search_state import Probe, SearchState
    from ghmlops.core.details.capacity import CapacityGenerator
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.objectives import Share
    from ghmlops.measure.load.load import Recording
    from ghmlops.measure.load.target import Target

FIRST_STREAM = 100
"""First of the random streams of the seed that the probes use, one per probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRun:
    """A search that has ended, and the generator that it used."""

    state: SearchState
    generator: CapacityGenerator


def search_capacity(job: Job, services: Services) -> CapacityRun:
    """Probe until the search ends.

    Raises:
        InputError: The address leads to a host that may not be loaded.
        ServiceError: The address cannot be reached.
        KeyboardInterrupt: A signal requested to stop.
    """
    from ghmlops.commands.shared.load.load_source import reach
    from ghmlops.core.capacity.probe import judge_probe
    from ghmlops.core.capacity.search import add_result, next_probe
    from ghmlops.core.capacity.search_state import SearchState, Vote

    target = reach(job.target, "url", job.hosts)
    state, crowded, notes = SearchState(plan=job.plan), False, dict[str, Any]()
    while (probe := next_probe(state)) is not None:
        started = time.monotonic()
        recording, notes = _measure(job, services, target, (probe, state))
        result = judge_probe(probe, recording, job.slo)
        alive = True
        if result.vote in (Vote.PASS, Vote.UNSURE):
            crowded = crowded or _is_crowded(job, notes)
        else:
            best = min((r.quantiles["p50"] for r in state.history if r.vote is Vote.PASS), default=0.0)
            alive = _recover(job, target, best)
        took = time.monotonic() - started
        state = replace(add_result(state, replace(result, took=took)), service_died=not alive)
        if not services.console.terminal:
            services.console.note(f"capacity: {probe.rate:g}/s for {probe.seconds:.1f} s: {result.vote.value}")
    return CapacityRun(state=state, generator=_generator(notes, crowded=crowded))


def _generator(notes: dict[str, Any], *, crowded: bool) -> CapacityGenerator:
    """Return the notes on the generator in the last probe, without those that differ between processes or arms."""
    from ghmlops.core.details.capacity import CapacityGenerator

    single: dict[str, Any] = {
        name: value for name, value in notes.items() if isinstance(value, str | bool | int | float)
    }
    return CapacityGenerator(**single, crowded=crowded)


def _is_crowded(job: Job, notes: dict[str, Any]) -> bool:
    """Return whether requests waited for a free connection because all were busy."""
    waited: int = sum(notes.get("waited_for_a_connection", [0]))
    peak = int(max(notes.get("connections", [0])))
    return peak >= job.source.policy.connections and waited > 0


def _measure(
    job: Job, services: Services, target: Target, step: tuple[Probe, SearchState]
) -> tuple[ProbeRecording, dict[str, Any]]:
    import numpy as np

    from ghmlops.commands.shared.load.load_source import generate
    from ghmlops.core.load.arrivals import schedule
    from ghmlops.core.policy.latency import Arrivals

    probe, state = step
    total = job.plan.warmup + probe.seconds
    arrivals = Arrivals(model="poisson", rate=probe.rate, duration=total, warmup=0.0)
    times = schedule(arrivals, total, job.source.seed, part=FIRST_STREAM + len(state.history))
    warmup = int(np.searchsorted(times, job.plan.warmup))
    load = job.source.load([target], times)
    load = replace(load, block=min(load.block, max(MIN_PROBE_BLOCK, len(times) // BLOCKS_PER_PROBE)))
    early_stop = _EarlyStop(job, warmup, len(times))

    def on_tick(_sent: int, seconds: float) -> None:
        if services.console.terminal:
            services.console.progress(_progress(job, step, seconds))

    recording = generate(load, job.source.policy, early_stop.feed, on_tick)
    return _probe_recording(recording, load.timeout, warmup, stopped=early_stop.stopped), dict(recording.notes)


class _EarlyStop:
    """Stops a probe that has certainly failed; tested at the sample floor, then whenever the count has doubled."""

    def __init__(self, job: Job, warmup: int, planned: int) -> None:
        self._slo, self._warmup, self._planned = job.slo, warmup, planned
        self._answered, self._next_test = 0, warmup + job.plan.sample_floor
        self._shares: dict[str, Share] = {}
        self._responses: list[NDArray[np.float64]] = []
        self.stopped = False

    def feed(self, arms: Sequence[Answers]) -> bool:
        """Add the answers to one block; return False to stop the probe."""
        import numpy as np

        from ghmlops.core.capacity.probe import has_failed
        from ghmlops.core.latency.objectives import shares

        answers = arms[0]
        judged = self._answered >= self._warmup
        self._answered += len(answers)
        if judged:
            for name, share in shares(self._slo, answers).items():
                self._shares[name] = self._shares[name] + share if name in self._shares else share
            self._responses.append(np.where(answers.ok, answers.response, np.inf))
        if self._responses and self._next_test <= self._answered < self._planned:
            self._next_test = 2 * self._answered
            self.stopped = has_failed(self._shares, np.concatenate(self._responses), self._slo)
        return not self.stopped


def _probe_recording(recording: Recording, timeout: float, warmup: int, *, stopped: bool) -> ProbeRecording:
    from ghmlops.core.capacity.probe import ProbeRecording

    answers = recording.arms[0]
    return ProbeRecording(
        answers=answers,
        dispatched=recording.dispatch_times,
        warmup=min(warmup, len(answers)),
        timeout=timeout,
        stopped=stopped,
        took=0.0,
        sent=int(recording.notes.get("requests_sent", len(answers))),
    )


def _recover(job: Job, target: Target, best: float) -> bool:
    """Wait until the service has worked off an overload: until a few single requests are answered as before.

    Args:
        job: the search.
        target: address of the service.
        best: best median of the service in seconds; 0 if no probe passed.

    Returns:
        False if the service answered before, and answers nothing at the end of the recovery time.
    """
    import numpy as np

    from ghmlops.measure.load.engine import run_load

    until = time.monotonic() + RECOVERY_SECONDS
    load, alive = job.source.load([target], np.linspace(0.0, 0.4, 5)), True
    while time.monotonic() < until:
        answers = run_load(load, lambda _arms: True).arms[0]
        times = np.where(answers.ok, answers.response, np.inf)
        if best == 0.0 or (len(times) and float(np.median(times)) <= RECOVERED_FACTOR * best + RECOVERED_MARGIN):
            return True
        alive = bool(answers.ok.any())
    return alive


def _progress(job: Job, step: tuple[Probe, SearchState], seconds: float) -> str:
    from ghmlops.core.capacity.votes import edges, standings_by_rate

    probe, state = step
    low, high = edges(standings_by_rate(state.history))
    interval = f"between {0 if low is None else low:g} and {'?' if high is None else f'{high:g}'}/s"
    used = state.seconds + max(seconds, 0.0)
    return f"capacity: {interval}; now {probe.rate:g}/s ({probe.purpose}), {used:.0f} of {job.plan.budget:g} s"
