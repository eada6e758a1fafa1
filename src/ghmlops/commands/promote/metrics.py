"""Reads the metrics of a promotion in a thread of its own, so that a source that hangs delays no verdict on errors."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.commands.promote.source import DeferredPrometheus
from ghmlops.core.errors import GhmlopsError, PolicyError
from ghmlops.core.promotion.weights import CANDIDATE
from ghmlops.measure.telemetry import CounterLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.promote import Metric, Observe
    from ghmlops.core.promotion.metrics.judge import MetricJudge
    from ghmlops.measure.telemetry import MetricSource

    Values = Mapping[str, float | None]


@dataclass(slots=True, kw_only=True)
class MetricReader:
    """Values of all metrics, once per interval of each.

    Args:
        metrics: The metrics of the policy.
        source: Where they are read.
        names: Arm to its servers, as they stand in a query.
        note: Reports a value that is missing to the user.
    """

    metrics: tuple[Metric, ...]
    source: MetricSource
    names: Mapping[str, str]
    note: Callable[[str], None]
    _pool: ThreadPoolExecutor = field(init=False)
    _due: dict[str, float] = field(init=False, default_factory=dict)
    _pending: dict[str, tuple[Future[Values], bool, int]] = field(init=False, default_factory=dict)
    _problems: set[str] = field(init=False, default_factory=set)
    _rung: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")

    def check(self, arms: tuple[str, ...]) -> dict[str, Values]:
        """Return the values now, before any weight is changed.

        Raises:
            PolicyError: A query is malformed, or returns several series, or the variable with the token is not set.
            ServiceError: The source cannot be reached, and a metric of it is judged.
        """
        values = {}
        for metric in self.metrics:
            try:
                values[metric.name] = self._read(metric, arms)
            except PolicyError:
                raise
            except GhmlopsError as error:
                if not metric.dry_run:
                    raise
                self._report(metric, error)
                values[metric.name] = dict.fromkeys(arms)
        return values

    def start_rung(self, moment: float) -> None:
        """Begin a new rung: the first values are those of a whole interval after the weights took effect."""
        self._rung += 1
        self._due = {metric.name: moment + metric.interval for metric in self.metrics}

    def feed(self, judge: MetricJudge, moment: float, *, comparable: bool) -> None:
        """Add the values that have arrived to the judge, and ask for those that are due; never waits."""
        for metric in self.metrics:
            if (pending := self._pending.get(metric.name)) and pending[0].done():
                del self._pending[metric.name]
                self._add(judge, metric, *pending)
            if metric.name not in self._pending and moment >= self._due.get(metric.name, float("inf")):
                # Missed intervals are not made up for: their values would overlap.
                self._due[metric.name] = moment + metric.interval
                future = self._pool.submit(self._read, metric, (CANDIDATE, judge.reference))
                self._pending[metric.name] = (future, comparable, self._rung)

    def close(self) -> None:
        """Ask for nothing more, without waiting for a source that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _add(self, judge: MetricJudge, metric: Metric, future: Future[Values], comparable: bool, rung: int) -> None:
        if rung != self._rung:
            return  # values of the rung before
        try:
            values = future.result()
        except GhmlopsError as error:
            self._report(metric, error)
            values = {}
        judge.feed(metric.name, values, comparable=comparable)

    def _read(self, metric: Metric, arms: tuple[str, ...]) -> Values:
        return {arm: self.source.query(metric.prometheus.replace("{arm}", self.names[arm])) for arm in arms}

    def _report(self, metric: Metric, error: GhmlopsError) -> None:
        text = f"the metric {metric.name} has no value: {error.message}"
        if text not in self._problems:
            self._problems.add(text)
            self.note(text)


@contextlib.contextmanager
def open_counters(
    observe: Observe,
    names: Mapping[str, str],
    services: Services,
) -> Iterator[CounterLog | None]:
    """Yield the counters of the requests; `None` if an access log has them.

    Args:
        observe: The policy.
        names: Arm to its servers as they stand in a query.
        services: Services of the command.
    """
    if not observe.total:
        yield None
        return
    source = DeferredPrometheus(observe, services.environ)
    counters = CounterLog(observe, source, names, services.now, services.console.note)
    try:
        yield counters
    finally:
        counters.close()


@contextlib.contextmanager
def open_metrics(
    metrics: tuple[Metric, ...],
    observe: Observe,
    names: Mapping[str, str],
    environ: Mapping[str, str],
    note: Callable[[str], None],
) -> Iterator[MetricReader | None]:
    """Yield the reader of the metrics; `None` without metrics."""
    if not metrics:
        yield None
        return
    source = DeferredPrometheus(observe, environ)
    reader = MetricReader(metrics=metrics, source=source, names=names, note=note)
    try:
        yield reader
    finally:
        reader.close()
