"""Traffic and metrics of the arms of a promotion: one file per source, one line in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ghmlops.measure.telemetry.access_log import AccessLog, LogLine
from ghmlops.measure.telemetry.envoy_log import parse_envoy
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from ghmlops.measure.telemetry.json_log import parse_json
from ghmlops.measure.telemetry.prometheus import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "SOURCES", "AccessLog", "LogLine", "MetricSource"]


class MetricSource(Protocol):
    """Where the values of metrics are read."""

    def query(self, text: str) -> float | None:
        """Return the value of a query now; `None` if there is none.

        Raises:
            PolicyError: The query is malformed.
            ServiceError: The source cannot be reached.
        """


FORMATS: dict[str, Callable[[str], LogLine | None]] = {
    "haproxy": parse_haproxy,
    "jsonl": parse_json,
    "envoy-json": parse_envoy,
}
"""The table of formats of access logs: name in the policy to the parser of one line."""
SOURCES: dict[str, Callable[..., MetricSource]] = {
    "prometheus": PrometheusSource,
}
"""The table of sources of metrics: key of `promote.observe` to the source, made from its settings and the variables."""
