"""One line of HAProxy's `option httplog`, as a file, with or without the head of syslog.

    haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- ...

Source: HAProxy configuration manual, section 8.2.3 (HTTP log format).
"""

from __future__ import annotations

import re
from datetime import datetime

from ghmlops.measure.telemetry.access_log import MAX_SESSION_CHARACTERS, LogLine

PATIENCE_SECONDS = 1.0
"""Seconds from which a client that ended its request is taken to have given up, so that a service that hangs fails."""
_FAILURES = "SsPRID"
"""First letters of a termination state in which the server or the proxy failed."""
_LINE = re.compile(
    r" \[(?P<date>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}\.\d{3})\] \S+ (?P<backend>[^\s/]+)/(?P<server>\S+) "
    r"(?:-?\d+/){3}(?P<response>-?\d{1,15})/\+?(?P<total>-?\d{1,15}) (?P<status>-?\d{1,3}) \+?\d+ "
    r"(?P<request_cookie>\S+) (?P<response_cookie>\S+) (?P<end>\S{4})"
    r"(?:$| (?:\S+ \S+ \{(?P<header>[^|}]*))?)"
)
_BY_COOKIE = "V"
"""Third letter of a termination state: the persistence cookie named a server that runs."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_haproxy(line: str, session: str = "") -> LogLine | None:
    """Return the request of a line; `None` if the line is no request.

    The accept date has no time zone: it is that of the machine, which HAProxy and this process share. A client that
    ends a request before the server answered (termination state `C`) went away if it waited for less than
    `PATIENCE_SECONDS`, and gave up on the server otherwise. The third letter of the state is `V` if the client brought
    the persistence cookie of a running server, to which the request then went whatever the weights are.

    Args:
        line: The line.
        session: What names the session: `cookie` (`capture cookie`), `header` (the first captured request header), or
            empty.
    """
    match = _LINE.search(line)
    if match is None:
        return None
    status, end = int(match["status"]), match["end"]
    seconds = max(0, int(match["total"])) / 1000
    gave_up = end[0] in "cC" and int(match["response"]) < 0
    if gave_up and seconds < PATIENCE_SECONDS:
        return None
    try:
        at = _local_time(match["date"])
    except (ValueError, OverflowError):
        return None
    failed = gave_up or status >= 500 or status < 100 or end[0] in _FAILURES
    return LogLine(
        at=at,
        server=match["server"],
        seconds=seconds,
        failed=failed,
        session=_session(match, session)[:MAX_SESSION_CHARACTERS],
        pinned=end[2] == _BY_COOKIE,
        route=match["backend"],
    )


def _session(match: re.Match[str], session: str) -> str:
    if session == "header":
        return match["header"] or ""
    if session == "cookie":  # a new session has it in the response only
        return next((c for c in (match["request_cookie"], match["response_cookie"]) if c != "-"), "")
    return ""


def _local_time(text: str) -> float:
    return datetime(  # noqa: DTZ001  (the log has no time zone, see above)
        int(text[7:11]),
        _MONTHS.index(text[3:6]) + 1,
        int(text[:2]),
        int(text[12:14]),
        int(text[15:17]),
        int(text[18:20]),
        int(text[21:24]) * 1000,
    ).timestamp()
