"""Retry rules for HTTP services: which responses are transient, which are rate limits, and how long to wait."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSIENT_STATUSES = (408, 500, 502, 503, 504)
"""HTTP statuses after which the same request may succeed."""
TRANSIENT_DELAYS = (1.0, 2.0, 4.0)
"""Seconds before each retry after a transient status, a broken connection or an unreadable response."""
NOT_FOUND_DELAYS = (1.0, 2.0)
"""Seconds before each retry after 404: a replica of the server may not know yet what another one has just written."""
SEARCH_DELAYS = (1.0, 2.0, 4.0)
"""Seconds before each search for the result of a write whose response was lost; lists lag behind writes."""
RATE_LIMIT_DELAY = 60.0
"""Initial back-off in seconds if the response names no time; doubled per retry, as GitHub advises."""
MAX_RATE_LIMIT_TRIES = 4


def is_rate_limit(status: int, headers: Mapping[str, Any], message: str) -> bool:
    """Return whether a response is a rate limit, primary or secondary."""
    if status == 429:
        return True
    exhausted = str(headers.get("x-ratelimit-remaining", "")) == "0"
    return status == 403 and ("retry-after" in headers or exhausted or "rate limit" in message.lower())


def rate_limit_delay(headers: Mapping[str, Any], attempt: int) -> float:
    """Return the seconds to wait after a rate limit.

    Uses `retry-after`, else the reset time, else an exponential back-off. The reset time is compared with the date of
    the response, so that a wrong local clock does not matter.

    Args:
        headers: Response headers, names in lower case.
        attempt: Number of rate limits met before this one, from 0.
    """
    retry_after = str(headers.get("retry-after", ""))
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    reset = str(headers.get("x-ratelimit-reset", ""))
    if str(headers.get("x-ratelimit-remaining", "")) == "0" and reset.isascii() and reset.isdigit():
        try:
            response_time = parsedate_to_datetime(str(headers["date"])).timestamp()
        except (KeyError, ValueError):
            return RATE_LIMIT_DELAY
        return max(1.0, float(reset) - response_time + 1.0)
    return RATE_LIMIT_DELAY * 2.0**attempt
