"""Reads hey's results (`hey -o csv`): response times in seconds with four decimals, and statuses.

Requests that got no answer are not in the file, and hey lists at most 1,000,000 requests. hey is a closed loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Doubt, ExternalResults
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, NO_ENDPOINTS
from ghmlops.measure.foreign.rows.csv_rows import number, read_rows, status
from ghmlops.measure.foreign.time_counts import TimeCounts

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

ROUNDING_MS = 0.05
"""Maximum rounding error of a time."""
MAX_ROWS = 1_000_000
"""Number of requests beyond which hey drops results."""


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of hey."""
    return head.startswith(b"response-time,DNS+dialup,")


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all results; the input `failed` is the number of requests without an answer.

    Raises:
        InputError: The input `unit` is set.
        DataError: The file is truncated or was not written by hey, or contains no request.
    """
    supplement.require_unit_unset("hey")
    times, failed = TimeCounts(), 0
    for line, row in read_rows(data, "hey", ("response-time", "status-code")):
        seconds = number(row, "response-time", line, 3600)
        if supplement.is_success(status(row["status-code"])):
            times.add(round(seconds * 1e3, 1))
        else:
            failed += 1
    answers = times.total + failed
    if not answers:
        raise DataError("the file of hey contains no answer", hint="check that the run was completed")
    unanswered = supplement.failed
    truncated = Doubt(count=answers, total=answers, why="are the first of a longer run: hey writes no more")
    return ExternalResults(
        tool="hey",
        timed=times.total,
        timed_failures=False,
        requests=answers + (unanswered or 0),
        failed=(failed + (unanswered or 0), None if unanswered is None else failed + unanswered),
        points=times.points(ROUNDING_MS),
        values=times.values(),
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP),
        doubts=(truncated,) if answers >= MAX_ROWS else (),
    )
