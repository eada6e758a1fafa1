"""Answers in logs of live traffic: one line of a log in JSON, or one trace of Envoy's tap filter.

A line in JSON, written by the formats of `actions/shadow/README.md`:

    {"x-request-id": "8c1f...", "method": "POST", "path": "/predict", "status": 200,
     "content_type": "application/json", "content_length": 12, "response_body": "{\\"label\\": 1}", "milliseconds": 12}

`response_body_base64` replaces `response_body` where a router can only write base64. A line without either has a
status and a content type, and its body is unknown; so is one that a router wrote as `-`, unless the length of 0, the
status or the method says that there is none.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from ghmlops.core.answers.answer import Answer, AnswerKind

_UNKNOWN = "-"
"""What routers write for a variable without a value: an empty body, or one that they did not buffer."""
_STATUSES_WITHOUT_BODY = (204, 205, 304)
_MAX_DIGITS = 18
MAX_ID = 200
"""Characters of a request id; longer ones are no id."""
_MAX_TIME = 1e9
"""Longest service time in either unit; a larger number is none."""


class LoggedAnswer(NamedTuple):
    """An answer of a log: the id of its request, method, path, the answer, and whether the log has its body."""

    request_id: str
    method: str
    path: str
    answer: Answer
    has_body: bool


def parse_logged(data: bytes, id_name: str) -> LoggedAnswer | str:
    """Return the answer of a line or trace; text says why it is none.

    Args:
        data: the line; text before the first brace (the prefix of syslog) is skipped.
        id_name: key of a line, or header of a trace, with the id of the request.
    """
    start = data.find(b"{")
    if start < 0:
        return "no JSON"
    try:
        row = msgspec.json.decode(data[start:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "no JSON"
    if not isinstance(row, dict):
        return "no JSON object"
    trace = row.get("http_buffered_trace")
    return _from_trace(trace, id_name) if isinstance(trace, dict) else _from_line(row, id_name)


def _from_line(row: dict[str, object], id_name: str) -> LoggedAnswer | str:
    encoded, body = row.get("response_body_base64"), row.get("response_body")
    data: bytes | None = None
    if _UNKNOWN in (encoded, body):
        data = b"" if _has_no_body(row) else None
    elif isinstance(encoded, str):
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return "its body is not base64"
        if len(data) < _length(row) and not _has_no_body(row):
            data = None  # A part of a body is unknown, not different.
    elif isinstance(body, str):
        data = body.encode("utf-8", "surrogatepass")
    elif body is not None:
        data = msgspec.json.encode(body)
    media_type, status = row.get("content_type"), row.get("status")
    return _logged(row.get(id_name), row.get("method"), row.get("path"), status, media_type, _seconds(row), data)


def _seconds(row: dict[str, object]) -> float:
    """Return the service time of a line; 0 if it is unknown. HAProxy writes -1 for an answer that never came."""
    for name, unit in (("seconds", 1.0), ("milliseconds", 1e-3)):
        value = row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_TIME:
            # A whole number of milliseconds is rounded down: 0 is half of one, and no missing time.
            return (float(value) or (0.5 if name == "milliseconds" else 0.0)) * unit
    return 0.0


def _has_no_body(row: dict[str, object]) -> bool:
    """Return whether the answer of a line has an empty body, by its length, its status or the method."""
    method = row.get("method")
    head = isinstance(method, str) and method.upper() == "HEAD"
    return head or _length(row) == 0 or row.get("status") in _STATUSES_WITHOUT_BODY


def _length(row: dict[str, object]) -> int:
    """Return the length of a body as its answer states it; -1 if it does not."""
    length = row.get("content_length")
    if isinstance(length, str):
        return int(length) if length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS else -1
    return length if isinstance(length, int) and not isinstance(length, bool) else -1


def _from_trace(trace: dict[str, object], id_name: str) -> LoggedAnswer | str:
    request, response = trace.get("request"), trace.get("response")
    sent, received = _headers(request), _headers(response)
    body = response.get("body") if isinstance(response, dict) else None
    data: bytes | None = b""
    if isinstance(body, dict):
        if body.get("truncated") is True:
            data = None  # A part of a body is unknown, not different.
        elif isinstance(text := body.get("as_string"), str):
            data = text.encode()
        elif isinstance(encoded := body.get("as_bytes"), str):
            try:
                data = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                return "its body is not base64"
    status = received.get(":status", "")
    number = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 0
    media_type = received.get("content-type", "")
    return _logged(sent.get(id_name), sent.get(":method"), sent.get(":path"), number, media_type, 0.0, data)


def _headers(message: object) -> dict[str, str]:
    pairs = message.get("headers") if isinstance(message, dict) else None
    rows = [pair for pair in pairs if isinstance(pair, dict)] if isinstance(pairs, list) else []
    return {str(row.get("key", "")).lower(): str(row.get("value", "")) for row in rows}


def _logged(  # noqa: PLR0913, PLR0917  (the fields of a line)
    request_id: object,
    method: object,
    path: object,
    status: object,
    media_type: object,
    seconds: float,
    body: bytes | None,
) -> LoggedAnswer | str:
    if not isinstance(request_id, str) or not 0 < len(request_id) <= MAX_ID or request_id == _UNKNOWN:
        return "it has no request id"
    if not isinstance(method, str) or not isinstance(path, str) or not path.startswith("/"):
        return "it has no method and path"
    if isinstance(status, bool) or not isinstance(status, int):
        return "it has no status"
    has_response = 100 <= status <= 999
    answer = Answer(
        kind=AnswerKind.ANSWERED if has_response else AnswerKind.RESET,
        status=status if has_response else 0,
        media_type=media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else "",
        body=body or b"",
        seconds=seconds,
    )
    return LoggedAnswer(request_id, method.upper()[:20], path, answer, body is not None)
