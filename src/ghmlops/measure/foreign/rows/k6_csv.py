"""Reads k6's samples as CSV (`k6 run --out csv=FILE`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.foreign.rows.csv_rows import number, read_rows, status
from ghmlops.measure.foreign.rows.k6_samples import K6Samples

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

MAX_VALUE = 3_600_000
"""Maximum of a sample: an hour in ms."""
_METRICS = frozenset({"http_req_duration", "dropped_iterations", "iterations", "checks"})
_COLUMNS = ("metric_name", "metric_value", "status")


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of k6."""
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"metric_name,timestamp,metric_value,")


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all samples.

    Raises:
        DataError: The file is truncated or was not written by k6, or there is no HTTP request.
    """
    supplement.require_unset("k6")
    samples = K6Samples(supplement)
    for line, row in read_rows(data, "k6", _COLUMNS):
        if row["metric_name"] in _METRICS:
            value = number(row, "metric_value", line, MAX_VALUE)
            samples.add(row["metric_name"], value, status(row["status"]), row.get("name", ""))
    return samples.results("k6-csv")
