"""Retry rules: what a rate limit is, and how long it is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.clients.retry import is_rate_limit, rate_limit_delay

RESPONSES = [
    # status, headers, message, is a rate limit
    (429, {}, "", True),
    (403, {"retry-after": "5"}, "", True),
    (403, {"x-ratelimit-remaining": "0"}, "", True),
    (403, {}, "You have exceeded a secondary Rate Limit.", True),
    (403, {}, "Resource not accessible by integration", False),
    (403, {"x-ratelimit-remaining": "10"}, "", False),
    (404, {"retry-after": "5"}, "rate limit", False),
    (503, {"retry-after": "5"}, "", False),
]


@pytest.mark.parametrize(("status", "headers", "message", "expected"), RESPONSES)
def test_rate_limits_are_recognised(status: int, headers: dict[str, str], message: str, expected: bool) -> None:
    """A 429 is a rate limit, and a 403 is one if its headers or its message say so."""
    assert is_rate_limit(status, headers, message) is expected


DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
DATE_SECONDS = 1767225600
DELAYS: list[tuple[dict[str, Any], int, float]] = [
    # headers, earlier rate limits, seconds
    ({"retry-after": "7"}, 3, 7.0),
    ({"retry-after": "soon"}, 0, 60.0),
    ({}, 0, 60.0),
    ({}, 2, 240.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(DATE_SECONDS + 30), "date": DATE}, 0, 31.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(DATE_SECONDS - 30), "date": DATE}, 0, 1.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(DATE_SECONDS), "date": "yesterday"}, 2, 60.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(DATE_SECONDS)}, 2, 60.0),
    ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": str(DATE_SECONDS + 30), "date": DATE}, 1, 120.0),
]


@pytest.mark.parametrize(("headers", "attempt", "seconds"), DELAYS)
def test_delay_after_a_rate_limit(headers: dict[str, Any], attempt: int, seconds: float) -> None:
    """`retry-after` comes first, then the reset time relative to the date of the response, then a back-off."""
    assert rate_limit_delay(headers, attempt) == seconds
