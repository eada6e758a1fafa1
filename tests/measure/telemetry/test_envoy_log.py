"""Lines of Envoy's access log in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ghmlops.measure.telemetry.access_log import LogLine
from ghmlops.measure.telemetry.envoy_log import parse_envoy

# Written by Envoy 1.40: a request that no host answered.
REFUSED = (
    '{"duration":0,"response_code":503,"response_flags":"UF","start_time":"2026-11-28T22:50:31.060Z",'
    '"upstream_cluster":"v1"}'
)
GOOD = {
    "start_time": "2026-11-28T22:50:31.060Z",
    "upstream_cluster": "v2",
    "response_code": 200,
    "response_flags": "-",
    "duration": 12,
}


def changed(**changes: Any) -> str:
    """Return a line with changed fields; `...` removes one."""
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not ...})


def test_a_line_of_envoy() -> None:
    """Time with its zone, cluster, milliseconds and failure."""
    line = parse_envoy(REFUSED)
    assert line == LogLine(at=1795906231.06, server="v1", seconds=0.0, failed=True)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, False),
        ({"response_flags": ...}, False),
        ({"response_flags": None}, False),
        ({"response_code": 404}, False),
        ({"response_code": 500}, True),
        ({"response_code": 0}, True),
        ({"response_code": 0, "response_flags": "DC", "duration": 5000}, True),
        ({"response_code": 504, "response_flags": "UT", "duration": 5000}, True),
    ],
)
def test_failures(changes: dict[str, Any], *, failed: bool) -> None:
    """Statuses from 500, no status, and a client that gave up on a service that hangs."""
    line = parse_envoy(changed(**changes))
    assert line is not None
    assert line.failed is failed


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        '"text"',
        changed(response_code=0, response_flags="DC", duration=10),
        changed(upstream_cluster=None),
        changed(upstream_cluster=...),
        changed(response_code="200"),
        changed(response_code=True),
        changed(response_code=None),
        changed(start_time="2026-11-28T22:50:31"),
        changed(start_time=1795906231),
        changed(start_time="0001-01-01T00:00:00+23:59"),
        changed(start_time="9999-12-31T23:59:59-23:59"),
        changed(start_time=...),
        changed(duration=None),
        changed(duration=-1),
        changed(duration=float("nan")),
        changed(duration=float("inf")),
        changed(duration="soon"),
        changed(response_flags=7),
    ],
)
def test_what_is_no_request(line: str) -> None:
    """A field that is missing or has another type, and a client that went away at once."""
    assert parse_envoy(line) is None
