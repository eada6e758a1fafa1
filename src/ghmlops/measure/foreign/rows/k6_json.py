"""Reads k6's samples as JSON, one object per line (`k6 run --out json=FILE`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from ghmlops.measure.foreign.bounded_json import fit, parse
from ghmlops.measure.foreign.rows.csv_rows import status
from ghmlops.measure.foreign.rows.k6_samples import K6Samples

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

_METRICS = frozenset({"http_req_duration", "dropped_iterations", "iterations", "checks"})


class _Line(msgspec.Struct):
    metric: str
    type: str
    data: dict[str, Any]


class _Point(msgspec.Struct):
    value: Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
    tags: dict[str, str] | None = None


def recognises(head: bytes) -> bool:
    """Return whether the first line is a metric or a sample of k6."""
    first = head.lstrip().split(b"\n", 1)[0]
    is_k6 = b'"type":"Metric"' in first or b'"type":"Point"' in first
    return first[:1] == b"{" and is_k6 and b'"metric":' in first and b'"data":' in first


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all samples.

    Raises:
        DataError: A line is not a sample, such as the last line of a truncated file, or there is no HTTP request.
    """
    supplement.require_unset("k6")
    samples = K6Samples(supplement)
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        entry = parse(line, _Line, f"k6 (line {number})")
        if entry.type == "Point" and entry.metric in _METRICS:
            point = fit(entry.data, _Point, f"k6 (line {number})")
            tags = point.tags or {}
            samples.add(entry.metric, point.value, status(tags.get("status", "")), tags.get("name", ""))
    return samples.results("k6-json")
