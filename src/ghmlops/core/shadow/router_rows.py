"""Requests in access logs of routers, in the form of a recording: lines with a request body, traces of Envoy's tap."""

from __future__ import annotations

import base64
import binascii
from typing import Any

TRACE = "http_buffered_trace"
"""Key of a trace that Envoy's tap filter writes as JSON."""
_UNKNOWN = "-"
"""What routers write for a variable without a value."""


def recorded_row(row: dict[str, Any]) -> dict[str, Any] | str:
    """Return a row with `method`, `path`, `headers` and `body`; text says why its request cannot be sent again.

    A line of a log has `request_body`, or `request_body_base64`, if a router can only write base64.
    """
    trace = row.get(TRACE)
    if isinstance(trace, dict):
        return _from_trace(trace.get("request"))
    if "body" in row or not any(key in row for key in ("request_body", "request_body_base64")):
        return row
    encoded, body = row.get("request_body_base64"), row.get("request_body")
    if isinstance(encoded, str) and encoded != _UNKNOWN:
        decoded = _decoded(encoded)
        return "its body is not base64" if decoded is None else {**row, "body": decoded}
    return {**row, "body": None if body == _UNKNOWN else body}


def _from_trace(request: object) -> dict[str, Any] | str:
    if not isinstance(request, dict):
        return "the trace has no request"
    pairs = request.get("headers")
    rows = [pair for pair in pairs if isinstance(pair, dict)] if isinstance(pairs, list) else []
    headers = {str(row.get("key", "")).lower(): row.get("value") for row in rows}
    result: dict[str, Any] = {
        "method": headers.get(":method"),
        "path": headers.get(":path"),
        "headers": {name: value for name, value in headers.items() if not name.startswith(":")},
        "body": None,
    }
    body = request.get("body")
    if not isinstance(body, dict):
        return result
    if body.get("truncated") is True:
        return "its body was not recorded completely"
    text, encoded = body.get("as_string"), body.get("as_bytes")
    if isinstance(text, str):
        return {**result, "body": text}
    if isinstance(encoded, str):
        decoded = _decoded(encoded)
        return "its body is not base64" if decoded is None else {**result, "body": decoded}
    return result


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
