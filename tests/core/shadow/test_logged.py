"""Answers of log lines and of traces."""

from __future__ import annotations

import base64
import json

import pytest

from ghmlops.core.answers.answer import AnswerKind
from ghmlops.core.shadow.logged import LoggedAnswer, parse_logged

LINE = {"id": "a", "method": "POST", "path": "/p", "status": 200, "content_type": "application/json; x=y"}


def parse(row: object) -> LoggedAnswer | str:
    """Return the answer of a row."""
    return parse_logged(json.dumps(row).encode(), "id")


@pytest.mark.parametrize(
    ("more", "body", "has_body"),
    [
        ({}, b"", False),
        ({"response_body": '{"x":1}'}, b'{"x":1}', True),
        ({"response_body": {"x": 1}}, b'{"x":1}', True),
        ({"response_body_base64": base64.b64encode(b"\xff").decode()}, b"\xff", True),
        ({"response_body": ""}, b"", True),
        ({"response_body_base64": "-"}, b"", False),
        ({"response_body": "-"}, b"", False),
        ({"response_body_base64": "-", "content_length": "0"}, b"", True),
        ({"response_body_base64": "-", "content_length": 0}, b"", True),
        ({"response_body": "-", "content_length": 0}, b"", True),
        ({"response_body_base64": "-", "content_length": "-"}, b"", False),
        ({"response_body_base64": "-", "content_length": "40000"}, b"", False),
        ({"response_body_base64": "-", "content_length": False}, b"", False),
        ({"response_body_base64": "-", "status": 204}, b"", True),
        ({"response_body_base64": "-", "method": "HEAD", "content_length": "700"}, b"", True),
        ({"response_body_base64": "W10=", "content_length": "2"}, b"[]", True),
        ({"response_body_base64": "W10=", "content_length": "3"}, b"", False),
        ({"response_body_base64": "", "method": "HEAD", "content_length": 9}, b"", True),
        ({"response_body_base64": "W10=", "content_length": "9" * 5000}, b"[]", True),
        ({"response_body_base64": "W10=", "content_length": "²"}, b"[]", True),
        ({"status": 204}, b"", False),
    ],
)
def test_a_line_has_a_body_or_not(more: dict[str, object], body: bytes, has_body: bool) -> None:
    """Text, values and base64 are bodies; a line without one has an unknown body, not an empty one."""
    logged = parse(LINE | more)
    assert isinstance(logged, LoggedAnswer)
    assert (logged.answer.body, logged.has_body, logged.answer.media_type) == (body, has_body, "application/json")


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({}, 0.0),
        ({"seconds": 0.25}, 0.25),
        ({"seconds": 0}, 0.0),
        ({"milliseconds": 250}, 0.25),
        ({"milliseconds": 0}, 0.0005),
        ({"milliseconds": -1}, 0.0),
        ({"seconds": True, "milliseconds": "7"}, 0.0),
        ({"seconds": 10**400}, 0.0),
    ],
)
def test_a_line_may_have_a_service_time(more: dict[str, object], seconds: float) -> None:
    """HAProxy rounds down to whole milliseconds, and writes -1 for an answer that never came."""
    logged = parse(LINE | more)
    assert isinstance(logged, LoggedAnswer)
    assert logged.answer.seconds == pytest.approx(seconds)


def test_a_prefix_of_syslog_is_skipped() -> None:
    """The line of a syslog server has text before the object."""
    assert not isinstance(parse_logged(b"<134>Nov 29 haproxy[7]: " + json.dumps(LINE).encode(), "id"), str)


@pytest.mark.parametrize("status", [0, -1])
def test_a_request_without_an_answer_is_a_failure(status: int) -> None:
    """Routers log 0 or -1 if the service gave no answer."""
    logged = parse(LINE | {"status": status})
    assert isinstance(logged, LoggedAnswer)
    assert logged.answer.kind is AnswerKind.RESET


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"{",
        b"\xff{}",
        b'{"id": 3}',
        b"{" * 100_000,
        *(
            json.dumps(LINE | more).encode()
            for more in (
                {"id": ""},
                {"id": "-"},
                {"id": "x" * 300},
                {"status": True},
                {"path": "x"},
                {"response_body_base64": "*"},
            )
        ),
        b'{"http_buffered_trace": {"request": [], "response": {"headers": [3]}}}',
    ],
)
def test_anything_else_is_named(data: bytes) -> None:
    """Damaged lines have a reason, and nothing raises."""
    assert isinstance(parse_logged(data, "id"), str)


def test_a_truncated_trace_has_an_unknown_body() -> None:
    """Envoy's tap filter buffers a part of a long body; a part is no answer to compare."""
    request = {"headers": [{"key": k, "value": v} for k, v in ((":method", "POST"), (":path", "/p"), ("id", "a"))]}
    for truncated in (False, True):
        body = {"as_bytes": base64.b64encode(b"[1]").decode(), "truncated": truncated}
        response = {"headers": [{"key": ":status", "value": "200"}], "body": body}
        logged = parse({"http_buffered_trace": {"request": request, "response": response}})
        assert isinstance(logged, LoggedAnswer)
        assert (logged.has_body, logged.answer.status) == (not truncated, 200)
