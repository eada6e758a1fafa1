"""Reads vegeta's results as CSV (`vegeta encode --to csv`): they contain every time in nanoseconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.measure.foreign.limitations import LATE_SENDS
from ghmlops.measure.foreign.rows.csv_rows import number, read_rows, status
from ghmlops.measure.foreign.rows.requests import Requests
from ghmlops.measure.foreign.vegeta import SequenceNumbers

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

MAX_NS = 3_600_000_000_000
"""Upper bound of a time in nanoseconds (one hour); a longer one is damaged data."""
_COLUMNS = (
    *("timestamp", "code", "latency", "bytes_out", "bytes_in", "error"),
    *("body", "attack", "seq", "method", "url", "headers"),
)
_FIRST = re.compile(rb"\d{16,20},\d{1,3},\d+,\d+,\d+,")


def recognises(head: bytes) -> bool:
    """Return whether the first line is a result of vegeta."""
    return _FIRST.match(head.lstrip()) is not None


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all results.

    Raises:
        DataError: A row is not a result, such as the last row of a truncated file, or there is none.
    """
    supplement.require_unset("vegeta")
    requests, sequence = Requests(), SequenceNumbers()
    for line, row in read_rows(data, "vegeta", (), _COLUMNS):
        success = not row["error"] and supplement.is_success(status(row["code"]))
        endpoint = f"{row['method']} {row['url'].partition('?')[0]}"
        requests.add(int(number(row, "latency", line, MAX_NS)), success=success, endpoint=endpoint)
        sequence.add(row["attack"], int(number(row, "seq", line, 1e15)))
    return requests.results("vegeta-csv", not_measured=(LATE_SENDS,), doubts=sequence.doubts())
