"""Reads the JSON of NVIDIA's AIPerf (`profile_export_aiperf.json`): percentiles of successful requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Doubt, Times
from ghmlops.measure.foreign.bounded_json import fit, parse
from ghmlops.measure.foreign.llm.percentiles import llm_results, times_of

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

_UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}
_PERCENTILE = re.compile(r"p\d{1,2}(?:\.\d{1,6})?")
_NAMES = {"avg": "mean", "max": "max"}
_MAX_COUNT = 1e15


class _Content(msgspec.Struct):
    request_latency: dict[str, Any]
    request_count: dict[str, Any]
    error_request_count: dict[str, Any] | None = None
    time_to_first_token: dict[str, Any] | None = None
    was_cancelled: bool | None = None


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with AIPerf's metrics."""
    return head.lstrip()[:1] == b"{" and b'"request_latency"' in head and b'"request_count"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a result; a run that was cancelled passes nothing.

    Raises:
        DataError: The file is not a result of AIPerf, or contains no request.
    """
    supplement.require_unset("aiperf")
    content = parse(data, _Content, "aiperf")
    succeeded, failed = (_count(row) for row in (content.request_count, content.error_request_count))
    total = succeeded + failed
    first = None
    if content.time_to_first_token is not None:
        first = _times(content.time_to_first_token, succeeded)
    cancelled = Doubt(count=total, total=total, why="are those of a run that was cancelled")
    return llm_results(
        "aiperf",
        counts=(succeeded, failed),
        response=_times(content.request_latency, succeeded),
        first_token=first,
        doubts=(cancelled,) if content.was_cancelled else (),
    )


def _count(metric: dict[str, Any] | None) -> int:
    """Return a count, which AIPerf writes as an average."""
    if metric is None:
        return 0
    value = fit(metric.get("avg"), float, "aiperf")
    if not 0 <= value <= _MAX_COUNT or value != int(value):
        raise DataError(f"a number of requests of AIPerf is {value:g}", hint="the file is damaged or was edited")
    return int(value)


def _times(metric: dict[str, Any], n: int) -> Times:
    unit = metric.get("unit")
    if not isinstance(unit, str) or unit not in _UNITS:
        raise DataError(f"AIPerf states the unit {str(unit)[:20]!r}", hint=f"expected one of {', '.join(_UNITS)}")
    values = {
        _NAMES.get(key, key): fit(raw, float, "aiperf") * _UNITS[unit]
        for key, raw in metric.items()
        if key in _NAMES or _PERCENTILE.fullmatch(key)
    }
    return times_of(values, n, "aiperf")
