"""Reads the JSON of GuideLLM (`guidellm benchmark --output-path benchmarks.json`): percentiles of successful requests.

The file contains one benchmark per rate; only a file with a single one is a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Doubt, Times
from ghmlops.measure.foreign.bounded_json import Count, fit, parse
from ghmlops.measure.foreign.llm.percentiles import llm_results, times_of

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

_PERCENTILES = {"p50": "p50", "p75": "p75", "p90": "p90", "p95": "p95", "p99": "p99", "p999": "p99.9"}
"""GuideLLM's names of percentiles; others are not used."""


class _Counts(msgspec.Struct):
    successful: Count
    errored: Count
    incomplete: Count = 0


class _Distribution(msgspec.Struct):
    mean: float
    max: float
    count: Count
    percentiles: dict[str, float]


class _ByStatus(msgspec.Struct):
    successful: _Distribution | None = None


class _Metrics(msgspec.Struct):
    request_latency: _ByStatus
    time_to_first_token_ms: _ByStatus | None = None
    request_totals: _Counts | None = None


class _RunStats(msgspec.Struct):
    requests_made: _Counts


class _Benchmark(msgspec.Struct):
    metrics: _Metrics
    run_stats: _RunStats | None = None
    """Up to version 0.3; later versions count in `metrics.request_totals`."""


class _Content(msgspec.Struct):
    benchmarks: list[dict[str, Any]]


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with GuideLLM's benchmarks."""
    marks = (b'"guidellm', b'"request_latency"', b'"time_to_first_token_ms"')
    return head.lstrip()[:1] == b"{" and b'"benchmarks"' in head and any(mark in head for mark in marks)


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read the only benchmark of a file; requests that were incomplete at its end are no results.

    Raises:
        DataError: The file is not from GuideLLM, contains several benchmarks, or no request.
    """
    supplement.require_unset("guidellm")
    benchmarks = parse(data, _Content, "guidellm").benchmarks
    if len(benchmarks) != 1:
        raise DataError(
            f"GuideLLM's file contains {len(benchmarks)} benchmarks, each with a rate of its own",
            hint="run one rate: `--rate-type constant --rate N`",
        )
    benchmark = fit(benchmarks[0], _Benchmark, "guidellm")
    counts = benchmark.metrics.request_totals
    if counts is None and benchmark.run_stats is not None:
        counts = benchmark.run_stats.requests_made
    if counts is None:
        raise DataError("GuideLLM's file does not count requests", hint="check that the file is complete")
    total = counts.successful + counts.errored + counts.incomplete
    why = "were incomplete when the benchmark ended"
    first = benchmark.metrics.time_to_first_token_ms
    return llm_results(
        "guidellm",
        counts=(counts.successful, counts.errored),
        response=_times(benchmark.metrics.request_latency, 1e3),
        first_token=_times(first, 1.0) if first is not None else None,
        doubts=(Doubt(count=counts.incomplete, total=total, why=why),) if counts.incomplete else (),
    )


def _times(metric: _ByStatus, ms: float) -> Times:
    rows = metric.successful
    if rows is None:
        return Times(timed=0, points=(), values={})
    values = {"mean": rows.mean, "max": rows.max}
    values |= {_PERCENTILES[key]: value for key, value in rows.percentiles.items() if key in _PERCENTILES}
    return times_of({name: value * ms for name, value in values.items()}, rows.count, "guidellm")
