"""Reads wrk2's report with its detailed spectrum (`wrk2 --latency`): times in ms from the scheduled send.

wrk2 calibrates itself during the first ten seconds and discards their times. The spectrum includes answers of any
status; statuses other than 2xx and 3xx, and socket errors, are counted over the entire run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import MAX_REQUESTS, ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.hdr import decode_text, read_table
from ghmlops.measure.foreign.limitations import NO_ENDPOINTS, TOOL_RULE

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

_SPECTRUM = re.compile(
    r"Detailed Percentile spectrum:[ \t\r]*\n[ \t]*Value[ \t]+Percentile[ \t]+TotalCount[ \t]+1/\(1-Percentile\)"
)
_REQUESTS = re.compile(r"^[ \t]*([0-9]{1,18}) requests in ", re.MULTILINE)
_LAST_LINE = re.compile(r"^[ \t]*Requests/sec:", re.MULTILINE)
"""Follows the failures: a report without this line may lack them."""
_STATUSES = re.compile(r"Non-2xx or 3xx responses: ([0-9]{1,18})")
_SOCKETS = re.compile(
    r"Socket errors: connect ([0-9]{1,15}), read ([0-9]{1,15}), write ([0-9]{1,15}), timeout ([0-9]{1,15})"
)
_PERCENTILE = re.compile(
    r"^[ \t]*([0-9]{1,3}\.[0-9]{3})%[ \t]+([0-9]{1,12}\.[0-9]{2})(us|ms|s|m|h)[ \t]*\r?$", re.MULTILINE
)
_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}


def recognises(head: bytes) -> bool:
    """Return whether the file is a report of wrk2 with its spectrum."""
    return b"Detailed Percentile spectrum:" in head and b"Latency Distribution (HdrHistogram" in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a report.

    Raises:
        DataError: The spectrum or the number of requests is missing or damaged.
    """
    supplement.require_unset("wrk2")
    text = decode_text(data)
    spectrum, requests = _SPECTRUM.search(text), _REQUESTS.search(text)
    if spectrum is None or requests is None or not _LAST_LINE.search(text, requests.end()):
        raise DataError("wrk2's report is truncated", hint="run `wrk2 --latency`, and keep its complete output")
    # The first spectrum is measured from the scheduled send; with `-U` a second one from the actual send follows.
    table = read_table(text[spectrum.end() :])
    answered = int(requests[1])
    statuses = int(match[1]) if (match := _STATUSES.search(text)) else 0
    sockets = sum(int(count) for count in match.groups()) if (match := _SOCKETS.search(text)) else 0
    if not table.total <= answered <= MAX_REQUESTS or statuses > answered:
        raise DataError(
            f"wrk2 counts {answered:,} answers, of which {table.total:,} were timed and {statuses:,} failed",
            hint="the report is damaged or was edited",
        )
    return ExternalResults(
        tool="wrk2",
        timed=table.total,
        timed_failures=True,
        requests=answered + sockets,
        failed=(statuses + sockets, statuses + sockets),
        points=table.points(1.0),
        values=table.values(1.0) | _printed_percentiles(text[: spectrum.start()]),
        not_measured=(NO_ENDPOINTS, TOOL_RULE, *_limitations(answered - table.total, sockets)),
    )


def _printed_percentiles(text: str) -> dict[str, float | None]:
    """Return the percentiles that wrk2 prints above the spectrum, in ms."""
    times = {float(percent): float(value) * _UNITS_MS[unit] for percent, value, unit in _PERCENTILE.findall(text)}
    return {name: times[percent] for name, percent in _PERCENTS.items() if percent in times}


def _limitations(untimed: int, sockets: int) -> list[NotMeasured]:
    rows = []
    if untimed:
        why = "wrk2 discards the times of its calibration"
        rows.append(NotMeasured(what=f"response times of {untimed:,} answers", why=why))
    if sockets:
        why = "they ended in a socket error; wrk2 may count a request twice that timed out and was answered later"
        rows.append(NotMeasured(what=f"response times of {sockets:,} requests", why=why))
    return rows
