"""One line of a log in JSON: `{"at": 1795890000.25, "arm": "candidate", "seconds": 0.012, "status": 200}`."""

from __future__ import annotations

import json
import math
from typing import TypeGuard

from ghmlops.measure.telemetry.access_log import LogLine, session_text


def parse_json(line: str, session: str = "") -> LogLine | None:
    """Return the request of a line; `None` if a key is missing or has a value that is no number.

    `at` are seconds since the epoch, `arm` is candidate, twin or baseline, and `seconds` is the response time. A
    `status` of 500 and above, or of 0 if there was no answer, is a failed request.

    Args:
        line: The line.
        session: Key whose text names the session; empty: none.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    at, seconds, status = row.get("at"), row.get("seconds"), row.get("status")
    if not (_is_number(at) and _is_number(seconds) and _is_number(status) and isinstance(row.get("arm"), str)):
        return None
    return LogLine(
        at=float(at),
        server=row["arm"],
        seconds=max(0.0, float(seconds)),
        failed=status >= 500 or status < 100,
        session=session_text(row, session),
        route=session_text(row, "route"),
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)
