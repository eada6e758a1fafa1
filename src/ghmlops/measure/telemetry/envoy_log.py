"""One line of an access log of Envoy in JSON, with the operators of its documentation under these keys:

    {"start_time": "2026-11-28T22:50:31.060Z", "upstream_cluster": "v2", "response_code": 200,
     "response_flags": "-", "duration": 12}

Source: Envoy documentation, "Access logging", command operators and response flags.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ghmlops.measure.telemetry.access_log import LogLine, session_text
from ghmlops.measure.telemetry.haproxy_log import PATIENCE_SECONDS

_CLIENT_LEFT = "DC"
"""Response flag: the client ended the connection."""


def parse_envoy(line: str, session: str = "") -> LogLine | None:
    """Return the request of a line; `None` if the line is no request that reached a cluster.

    A client that ends a request before the answer went away if it waited for less than `PATIENCE_SECONDS`, and gave up
    on the service otherwise. A request without a code is one that got no answer.

    Args:
        line: The line.
        session: Key whose text names the session; empty: none.
    """
    try:
        row = json.loads(line)
        start = datetime.fromisoformat(row["start_time"])
        at = start.astimezone(UTC).timestamp()
        cluster, code = row["upstream_cluster"], row["response_code"]
        flags, seconds = row.get("response_flags") or "", float(row["duration"]) / 1000
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    if start.tzinfo is None or not isinstance(cluster, str) or isinstance(code, bool) or not isinstance(code, int):
        return None
    if not (isinstance(flags, str) and 0.0 <= seconds < 1e9):
        return None
    gave_up = _CLIENT_LEFT in flags.split(",")
    if gave_up and seconds < PATIENCE_SECONDS:
        return None
    failed = gave_up or code >= 500 or code < 100
    return LogLine(
        at=at,
        server=cluster,
        seconds=seconds,
        failed=failed,
        session=session_text(row, session),
        route=session_text(row, "route_name"),
    )
