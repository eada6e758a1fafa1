"""A search for capacity, put on the generator: probes, early stops, rest after an overload, progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.capacity.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.capacity.probe import Seen
    from ghmlops.core.capacity.search import Probe, State
    from ghmlops.core.details.capacity import CapacityGenerator
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.objectives import Share
    from ghmlops.measure.load.load import Recording
    from ghmlops.measure.load.target import Target

PARTS = 100
"""First part of the seed's streams that probes take."""
BLOCKS = 16
"""Blocks of a probe, at least 32 requests each: after each it may be stopped."""
REST = 30.0
"""Most seconds for which the service may recover from a probe that did not pass."""
CALM = 2.0
"""The service has recovered when it answers within this many times its best median, plus `CALM_FLOOR` seconds."""
CALM_FLOOR = 0.010


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRun:
    """A search that has ended, and the generator that it used."""

    state: State
    generator: CapacityGenerator


def search_capacity(job: Job, services: Services) -> CapacityRun:
    """Probe until the search is at its end.

    Raises:
        ServiceError: the address cannot be reached.
        KeyboardInterrupt: a signal asked to stop.
    """
    from ghmlops.commands.shared.load_source import reach
    from ghmlops.core.capacity import search as capacity
    from ghmlops.core.capacity.probe import judge_probe
    from ghmlops.core.capacity.search import State, Vote

    target = reach(job.target, "url", job.whole)
    state, crowded, notes = State(plan=job.plan), False, dict[str, Any]()
    while (probe := capacity.next_rate(state)) is not None:
        started = services.now()
        seen, notes = _measure(job, services, target, (probe, state))
        done = judge_probe(probe, seen, job.slo)
        alive = True
        if done.vote in (Vote.PASS, Vote.UNSURE):
            crowded = crowded or _full(job, notes)
        else:
            best = min((d.quantiles["p50"] for d in state.history if d.vote is Vote.PASS), default=0.0)
            alive = _rest(job, services, target, best)
        took = (services.now() - started).total_seconds()
        state = replace(capacity.feed(state, replace(done, took=took)), died=not alive)
        if not services.console.terminal:
            services.console.note(f"capacity: {probe.rate:g}/s for {probe.seconds:.1f} s: {done.vote.value}")
    return CapacityRun(state=state, generator=_generator(notes, crowded=crowded))


def _generator(notes: dict[str, Any], *, crowded: bool) -> CapacityGenerator:
    """Return the notes on the generator in the last probe, without those that differ between processes or arms."""
    from ghmlops.core.details.capacity import CapacityGenerator

    single = {name: value for name, value in notes.items() if isinstance(value, str | bool | int | float)}
    return CapacityGenerator(**single, crowded=crowded)


def _full(job: Job, notes: dict[str, Any]) -> bool:
    """True where requests waited for a free connection, all being busy."""
    waited: int = sum(notes.get("waited_for_a_connection", [0]))
    peak = int(max(notes.get("connections", [0])))
    return peak >= job.source.policy.connections and waited > 0


def _measure(job: Job, services: Services, target: Target, now: tuple[Probe, State]) -> tuple[Seen, dict[str, Any]]:
    import numpy as np

    from ghmlops.commands.latency.measure import make_load
    from ghmlops.commands.shared.load_source import generate
    from ghmlops.core.load.arrivals import schedule
    from ghmlops.core.policy.latency import Arrivals

    probe, state = now
    total = job.plan.warmup + probe.seconds
    arrivals = Arrivals(model="poisson", rate=probe.rate, duration=total, warmup=0.0)
    times = schedule(arrivals, total, job.source.seed, part=PARTS + len(state.history))
    warmup = int(np.searchsorted(times, job.plan.warmup))
    load = make_load(job.source, [target], times)
    load = replace(load, block=min(load.block, max(32, len(times) // BLOCKS)))
    watch = _Watch(job, warmup, len(times))

    def on_tick(_sent: int, seconds: float) -> None:
        if services.console.terminal:
            services.console.progress(_progress(job, (probe, state), seconds))

    recording = generate(load, job.source.policy, watch.feed, on_tick)
    return _seen(recording, load.timeout, warmup, stopped=watch.stopped), dict(recording.notes)


class _Watch:
    """Looks whether a probe has failed beyond doubt: at the sample floor, then whenever the count has doubled."""

    def __init__(self, job: Job, warmup: int, planned: int) -> None:
        self._slo, self._warmup, self._planned = job.slo, warmup, planned
        self._ended, self._look = 0, warmup + job.plan.floor
        self._counted: dict[str, Share] = {}
        self._responses: list[NDArray[np.float64]] = []
        self.stopped = False

    def feed(self, arms: Sequence[Answers]) -> bool:
        """Take the answers to one block; False stops the probe."""
        import numpy as np

        from ghmlops.core.capacity.probe import failing
        from ghmlops.core.latency.objectives import shares

        answers = arms[0]
        judged = self._ended >= self._warmup
        self._ended += len(answers)
        if judged:
            for name, share in shares(self._slo, answers).items():
                self._counted[name] = self._counted[name] + share if name in self._counted else share
            self._responses.append(np.where(answers.ok, answers.response, np.inf))
        if self._responses and self._look <= self._ended < self._planned:
            self._look = 2 * self._ended
            self.stopped = failing(self._counted, np.concatenate(self._responses), self._slo)
        return not self.stopped


def _seen(recording: Recording, timeout: float, warmup: int, *, stopped: bool) -> Seen:
    from ghmlops.core.capacity.probe import Seen

    answers = recording.arms[0]
    return Seen(
        answers=answers,
        dispatched=recording.dispatch_times,
        warmup=min(warmup, len(answers)),
        timeout=timeout,
        stopped=stopped,
        took=0.0,
        sent=int(recording.notes.get("requests_sent", len(answers))),
    )


def _rest(job: Job, services: Services, target: Target, best: float) -> bool:
    """Let the service work off what an overload left in it: until a few single requests are answered as at first.

    `best` is the service's best median in seconds, 0 where it never passed.

    Returns:
        False where it did answer before, and at the end of the rest answers nothing at all.
    """
    import numpy as np

    from ghmlops.commands.latency.measure import make_load
    from ghmlops.measure.load.engine import run_load

    until = services.now().timestamp() + REST
    load, alive = make_load(job.source, [target], np.linspace(0.0, 0.4, 5)), True
    while services.now().timestamp() < until:
        answers = run_load(load, lambda _arms: True).arms[0]
        times = np.where(answers.ok, answers.response, np.inf)
        if best == 0.0 or (len(times) and float(np.median(times)) <= CALM * best + CALM_FLOOR):
            return True
        alive = bool(answers.ok.any())
    return alive


def _progress(job: Job, now: tuple[Probe, State], seconds: float) -> str:
    from ghmlops.core.capacity.search import edges, levels

    probe, state = now
    low, high = edges(levels(state.history))
    between = f"between {0 if low is None else low:g} and {'?' if high is None else f'{high:g}'}/s"
    used = state.seconds + max(seconds, 0.0)
    return f"capacity: {between}; now {probe.rate:g}/s ({probe.purpose}), {used:.0f} of {job.plan.budget:g} s"
