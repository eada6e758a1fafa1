"""Lines of HAProxy's HTTP log."""

from __future__ import annotations

from datetime import datetime

import pytest

from ghmlops.measure.telemetry.haproxy_log import parse_haproxy

DATE = "06/Feb/2009:12:14:14.655"
AT = datetime(2009, 2, 6, 12, 14, 14, 655_000).timestamp()  # noqa: DTZ001  (a log in local time)


def line(server: str = "srv1", times: str = "10/0/30/69/109", status: str = "200", end: str = "----") -> str:
    """Return a line as HAProxy writes it."""
    return f'10.0.1.2:33317 [{DATE}] http-in scorer/{server} {times} {status} 2750 - - {end} 1/1/1/1/0 0/0 "GET /"'


@pytest.mark.parametrize("head", ["", "Feb  6 12:14:14 localhost haproxy[14389]: ", "<134>"])
def test_a_request(head: str) -> None:
    """With and without the head of syslog: time of arrival, server, total time in seconds."""
    request = parse_haproxy(head + line())
    assert request is not None
    assert (request.at, request.server, request.seconds, request.failed) == (AT, "srv1", 0.109, False)


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ({"status": "404"}, False),
        ({"status": "500"}, True),
        ({"status": "503", "end": "SC--"}, True),
        ({"status": "504", "end": "sH--"}, True),
        ({"status": "-1", "end": "SH--", "times": "0/0/1/-1/9"}, True),
        ({"status": "200", "end": "SD--"}, True),
        ({"status": "200", "end": "CD--"}, False),
        ({"status": "-1", "end": "CH--", "times": "0/0/0/-1/5000"}, True),
        ({"times": "10/0/30/69/+109"}, False),
    ],
)
def test_failed_requests(fields: dict[str, str], failed: bool) -> None:
    """Statuses from 500 on, requests that the server or the proxy ended, and clients that gave up waiting."""
    request = parse_haproxy(line(**fields))
    assert request is not None
    assert request.failed is failed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Proxy shop started.",
        line(end="CH--", times="0/0/0/-1/5"),
        line().replace("Feb", "Fbe"),
        line().replace("06/Feb", "36/Feb"),
        line().replace("200 2750", "abc 2750"),
        line(times=f"10/0/30/69/{'9' * 5000}"),
        line(times=f"10/0/30/-{'9' * 400}/109"),
        "[" * 1000,
    ],
)
def test_lines_that_are_no_request_of_a_server(text: str) -> None:
    """Notes, damaged lines, and a client that went away at once."""
    assert parse_haproxy(text) is None


@pytest.mark.parametrize(
    ("cookies", "headers", "session", "expected"),
    [
        ("SID=abc -", "", "cookie", "SID=abc"),
        ("- SID=new", "", "cookie", "SID=new"),
        ("- -", "", "cookie", ""),
        ("SID=abc -", "", "", ""),
        ("- -", "{u-17|curl/8}", "header", "u-17"),
        ("- -", "{}", "header", ""),
        ("- -", "", "header", ""),
    ],
)
def test_sessions(cookies: str, headers: str, session: str, expected: str) -> None:
    """A captured cookie of the request or, for a new session, of the response; or the first captured header."""
    text = (
        line().replace(" 2750 - - ", f" 2750 {cookies} ").replace(' "GET', f' {headers} "GET' if headers else ' "GET')
    )
    request = parse_haproxy(text, session)
    assert request is not None
    assert request.session == expected


@pytest.mark.parametrize(("end", "pinned"), [("----", False), ("--NI", False), ("--VN", True), ("--DI", False)])
def test_requests_that_a_cookie_routed(end: str, pinned: bool) -> None:
    """The persistence cookie of a server that runs; of one that is down, the weights count."""
    request = parse_haproxy(line(end=end))
    assert request is not None
    assert request.pinned is pinned
