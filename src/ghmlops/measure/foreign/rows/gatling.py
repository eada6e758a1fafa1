"""Reads Gatling's `simulation.log` as text (up to Gatling 3.10): start and end of each request in milliseconds.

Gatling lists the hops of a redirect as requests of their own, named `NAME Redirect 1`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults
from ghmlops.measure.foreign.bounded_json import MAX_MS
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, TOOL_RULE, pooled_endpoints
from ghmlops.measure.foreign.rows.requests import MAX_ENDPOINTS, hop_doubt
from ghmlops.measure.foreign.time_counts import TimeCounts

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

ROUNDING_MS = 1.0
"""Maximum error of a time: both ends are whole milliseconds."""
_HOP = re.compile(r".* Redirect \d+")
_HINT = "import the complete simulation.log, or `js/stats.json` of the report"


def recognises(head: bytes) -> bool:
    """Return whether the first line is that of a run of Gatling."""
    return head.startswith(b"RUN\t")


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all requests.

    Raises:
        DataError: The file is not UTF-8 text of Gatling, a line is malformed, or it contains no request.
    """
    supplement.require_unset("gatling")
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"the file of Gatling is not UTF-8 at byte {error.start}", hint=_HINT) from None
    times, failed, hops, names = TimeCounts(), 0, 0, set[str]()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("REQUEST\t"):
            continue
        name, elapsed, success = _request(line, number)
        hops += _HOP.fullmatch(name) is not None
        if success:
            times.add(elapsed)
        else:
            failed += 1
        if len(names) < MAX_ENDPOINTS:
            names.add(name)
    n = times.total + failed
    if not n:
        raise DataError("the file of Gatling contains no request", hint=_HINT)
    notes = [CLOSED_LOOP, TOOL_RULE, *([pooled_endpoints(len(names), "names")] if len(names) > 1 else [])]
    return ExternalResults(
        tool="gatling",
        timed=times.total,
        timed_failures=False,
        requests=n,
        failed=(failed, failed),
        points=times.points(ROUNDING_MS),
        values=times.values(),
        not_measured=tuple(notes),
        doubts=(hop_doubt(hops, n),) if hops else (),
    )


def _request(line: str, number: int) -> tuple[str, float, bool]:
    """Return name, time in ms and success of a request; the fields before the name differ between versions."""
    fields = line.rstrip("\r").split("\t")
    if len(fields) >= 7 and fields[-2] in ("OK", "KO"):
        name, start, end, success = fields[-5], fields[-4], fields[-3], fields[-2] == "OK"
        if start.isdecimal() and end.isdecimal() and len(start) < 16 and len(end) < 16:
            elapsed = int(end) - int(start)
            if 0 <= elapsed <= MAX_MS:
                return name, float(elapsed), success
    raise DataError(f"line {number} is not a request of Gatling: it is truncated or was edited", hint=_HINT)
