"""Follows the counters of all and of failed requests of each arm, which Prometheus holds."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, GhmlopsError
from ghmlops.core.promotion.traffic.counters import Counters, CounterSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ghmlops.core.policy.promote import Observe
    from ghmlops.core.promotion.observation import Traffic
    from ghmlops.measure.telemetry import MetricSource

MAX_MISSING = 4
"""Intervals without a complete reading after which there is no telemetry: one scrape may fail, and one be late."""


class CounterLog:
    """Requests per arm by their counters, read once per interval in a thread, so that nothing waits for the server.

    Args:
        observe: The queries and the interval.
        source: Where they are asked.
        names: Arm to its servers, as they stand in a query.
        now: The current time (UTC).
        note: Reports a reading that is missing to the user.
    """

    def __init__(
        self,
        observe: Observe,
        source: MetricSource,
        names: Mapping[str, str],
        now: Callable[[], datetime],
        note: Callable[[str], None],
    ) -> None:
        self._observe, self._source, self._names = observe, source, dict(names)
        self._now, self._note = now, note
        self._series = CounterSeries(names, observe.interval)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counters")
        self._pending: tuple[float, Future[dict[str, Counters]]] | None = None
        self._due = self._complete = now().timestamp()
        self._problems: set[str] = set()

    def check(self) -> dict[str, Counters]:
        """Read the counters before any weight is changed, and return those of each arm.

        Raises:
            PolicyError: A query is malformed, or returns several series.
            ServiceError: The server cannot be reached.
            DataError: A counter has no value, or its value is no whole number.
        """
        moment, values = self._now().timestamp(), self._query()
        if missing := self._series.missing(values):
            arm, name = missing
            value = getattr(values[arm], name)
            raise DataError(
                f"the counter `{name}` of the {arm} has "
                + ("no value" if value is None else f"the value {value:g}, which is no count of requests"),
                hint="a counter that starts with its first request needs `or vector(0)`; use no `rate` or `increase`",
                reason_code="no-telemetry",
            )
        self._series.feed(moment, values)
        self._complete, self._due = moment, moment + self._observe.interval
        return values

    def read(self) -> Traffic | None:
        """Return the requests of the reading that arrived since the last call, `None` if there is none; never waits.

        Raises:
            DataError: There was no complete reading for `MAX_MISSING` intervals.
        """
        moment, traffic = self._now().timestamp(), None
        if self._pending and self._pending[1].done():
            since, future = self._pending
            self._pending = None
            traffic = self._series.feed(since, self._result(future))
            if traffic is not None:
                self._complete = since
        if self._pending is None and moment >= self._due:
            self._due = moment + self._observe.interval
            self._pending = (moment, self._pool.submit(self._query))
        if moment - self._complete > MAX_MISSING * self._observe.interval:
            raise DataError(
                f"the counters of the requests were not complete for {moment - self._complete:.0f} s",
                hint="compare `promote.observe` with the expression browser of Prometheus",
                reason_code="no-telemetry",
            )
        return traffic

    def close(self) -> None:
        """Ask for nothing more, without waiting for a server that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[dict[str, Counters]]) -> dict[str, Counters]:
        try:
            return future.result()
        except GhmlopsError as error:
            text = f"the counters of the requests have no value: {error.message}"
            if text not in self._problems:
                self._problems.add(text)
                self._note(text)
            return {}

    def _query(self) -> dict[str, Counters]:
        def value(query: str, arm: str) -> float | None:
            return self._source.query(query.replace("{arm}", self._names[arm]))

        return {arm: Counters(value(self._observe.total, arm), value(self._observe.errors, arm)) for arm in self._names}
