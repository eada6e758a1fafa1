"""Traffic and metrics of the arms of a promotion: one file per source, one line in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ghmlops.measure.telemetry.access_log import AccessLog, LogLine
from ghmlops.measure.telemetry.counters import CounterLog
from ghmlops.measure.telemetry.envoy_log import parse_envoy
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from ghmlops.measure.telemetry.json_log import parse_json
from ghmlops.measure.telemetry.prometheus import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.promotion.observation import Traffic

__all__ = ["FORMATS", "SOURCES", "AccessLog", "CounterLog", "LogLine", "MetricSource", "TrafficSource"]


class MetricSource(Protocol):
    """Where the values of metrics are read."""

    def query(self, text: str) -> float | None:
        """Return the value of a query now; `None` if there is none.

        Raises:
            PolicyError: The query is malformed.
            ServiceError: The source cannot be reached.
        """


class TrafficSource(Protocol):
    """Where the requests of the arms are read."""

    def read(self) -> Traffic | None:
        """Return the requests since the last call; `None` if the source has nothing to read yet; never waits.

        Raises:
            DataError: The source has disappeared.
        """


class Parser(Protocol):
    """Reads one line of an access log; `session` is the part of it that names the session, see `observe.session`."""

    def __call__(self, line: str, session: str = "") -> LogLine | None:
        """Return the request of the line; `None` if it is none."""


FORMATS: dict[str, Parser] = {
    "haproxy": parse_haproxy,
    "jsonl": parse_json,
    "envoy-json": parse_envoy,
}
"""The table of formats of access logs: name in the policy to the parser of one line."""
SOURCES: dict[str, Callable[..., MetricSource]] = {
    "prometheus": PrometheusSource,
}
"""The table of sources of metrics: key of `promote.observe` to the source, made from its settings and the variables."""
