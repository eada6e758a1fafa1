"""wrk2's report with its detailed spectrum (`wrk2 --latency`): times from the due send, in ms, of every answer.

The first ten seconds calibrate wrk2 and are in no time. The spectrum counts answers of any status; those that are not
2xx or 3xx, and socket errors, are counted over the whole run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import MAX_REQUESTS, ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import NO_ENDPOINTS, OWN_RULE
from ghmlops.measure.foreign.hdr import decoded, read_table

if TYPE_CHECKING:
    from ghmlops.measure.foreign.given import Given

_SPECTRUM = re.compile(
    r"Detailed Percentile spectrum:[ \t\r]*\n[ \t]*Value[ \t]+Percentile[ \t]+TotalCount[ \t]+1/\(1-Percentile\)"
)
_REQUESTS = re.compile(r"^[ \t]*([0-9]{1,18}) requests in ", re.MULTILINE)
_LAST = re.compile(r"^[ \t]*Requests/sec:", re.MULTILINE)
"""Stands below the failures: without it they may be cut off."""
_STATUS = re.compile(r"Non-2xx or 3xx responses: ([0-9]{1,18})")
_SOCKET = re.compile(
    r"Socket errors: connect ([0-9]{1,15}), read ([0-9]{1,15}), write ([0-9]{1,15}), timeout ([0-9]{1,15})"
)
_SHARE = re.compile(r"^[ \t]*([0-9]{1,3}\.[0-9]{3})%[ \t]+([0-9]{1,12}\.[0-9]{2})(us|ms|s|m|h)[ \t]*\r?$", re.MULTILINE)
_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}


def recognises(head: bytes) -> bool:
    """Return whether this is wrk2's report with its spectrum."""
    return b"Detailed Percentile spectrum:" in head and b"Latency Distribution (HdrHistogram" in head


def read(data: bytes, given: Given) -> ExternalResults:
    """Read a report.

    Raises:
        DataError: the spectrum or the number of requests is missing or damaged.
    """
    given.nothing_given("wrk2")
    text = decoded(data)
    spectrum, requests = _SPECTRUM.search(text), _REQUESTS.search(text)
    if spectrum is None or requests is None or not _LAST.search(text, requests.end()):
        raise DataError("wrk2's report is truncated", hint="run `wrk2 --latency`, and keep its whole output")
    table = read_table(text[spectrum.end() :])  # the first one: corrected; `-U` prints another after it
    answered = int(requests[1])
    statuses = int(found[1]) if (found := _STATUS.search(text)) else 0
    sockets = sum(int(count) for count in found.groups()) if (found := _SOCKET.search(text)) else 0
    if not table.total <= answered <= MAX_REQUESTS or statuses > answered:
        raise DataError(
            f"wrk2 counts {answered:,} answers, of which {table.total:,} were timed and {statuses:,} failed",
            hint="is the report damaged?",
        )
    shown = {float(share): float(value) * _MS[unit] for share, value, unit in _SHARE.findall(text[: spectrum.start()])}
    named = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
    values = table.values(1.0) | {name: shown[share] for name, share in named.items() if share in shown}
    return ExternalResults(
        tool="wrk2",
        timed=table.total,
        timed_failures=True,
        requests=answered + sockets,
        failed=(statuses + sockets, statuses + sockets),
        points=table.points(1.0),
        values=values,
        not_measured=(NO_ENDPOINTS, OWN_RULE, *_notes(answered - table.total, sockets)),
    )


def _notes(untimed: int, sockets: int) -> list[NotMeasured]:
    rows = []
    if untimed:
        why = "wrk2 discards the times of its calibration"
        rows.append(NotMeasured(what=f"response times of {untimed:,} answers", why=why))
    if sockets:
        why = "wrk2 counts their socket errors, a late answer to one that timed out possibly a second time"
        rows.append(NotMeasured(what=f"response times of {sockets:,} requests", why=why))
    return rows
