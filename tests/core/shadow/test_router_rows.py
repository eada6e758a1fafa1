"""Requests in lines and traces of routers, hostile ones included."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.shadow.router_rows import TRACE, recorded_row

HEADERS = [{"key": ":method", "value": "POST"}, {"key": ":path", "value": "/p"}]


@pytest.mark.parametrize(
    ("row", "body"),
    [
        ({"body": "x", "request_body": "y"}, "x"),
        ({"request_body": {"x": 1}}, {"x": 1}),
        ({"request_body": "-"}, None),
        ({"request_body_base64": "eA=="}, b"x"),
        ({"request_body_base64": ""}, b""),
        ({"request_body_base64": "-"}, None),
        ({TRACE: {"request": {"headers": HEADERS, "body": {"as_string": "x"}}}}, "x"),
        ({TRACE: {"request": {"headers": HEADERS}}}, None),
        ({TRACE: {"request": {"headers": HEADERS, "body": {"as_bytes": 7}}}}, None),
    ],
)
def test_a_row_has_the_body_of_its_request(row: dict[str, Any], body: object) -> None:
    result = recorded_row(row)
    assert isinstance(result, dict)
    assert result["body"] == body
    if TRACE in row:
        assert (result["method"], result["path"], result["headers"]) == ("POST", "/p", {})


@pytest.mark.parametrize(
    "row",
    [
        {"request_body_base64": "?"},
        {TRACE: {}},
        {TRACE: {"request": []}},
        {TRACE: {"request": {"headers": HEADERS, "body": {"as_bytes": "?"}}}},
        {TRACE: {"request": {"headers": HEADERS, "body": {"as_string": "{", "truncated": True}}}},
    ],
)
def test_what_is_no_complete_request_says_why(row: dict[str, Any]) -> None:
    """A part of a body is another request."""
    assert isinstance(recorded_row(row), str)


def test_a_trace_without_headers_has_no_method() -> None:
    """The reader of recordings then names the row."""
    result = recorded_row({TRACE: {"request": {"headers": [3, {"key": ":path"}]}}})
    assert isinstance(result, dict)
    assert (result["method"], result["path"]) == (None, None)
