"""Small result files of benchmarks of language models, written by hand from the documentation of the tools."""

from __future__ import annotations

import json
from typing import Any


def vllm_result(**fields: Any) -> str:
    """Return a result of `vllm bench serve --save-result --percentile-metrics ttft,tpot,itl,e2el`."""
    base: dict[str, Any] = {
        "date": "20260102-030405",
        "backend": "vllm",
        "model_id": "m",
        "num_prompts": 1000,
        "request_rate": 10.0,
        "duration": 100.0,
        "completed": 1000,
        "failed": 0,
        "total_input_tokens": 1,
        "total_output_tokens": 1,
        "mean_ttft_ms": 40.0,
        "median_ttft_ms": 35.0,
        "std_ttft_ms": 3.0,
        "p99_ttft_ms": 90.0,
        "p99.9_ttft_ms": 95.0,
        "p99_itl_ms": 9.0,
        "mean_e2el_ms": 500.0,
        "median_e2el_ms": 450.0,
        "p99_e2el_ms": 900.0,
    }
    return json.dumps({key: value for key, value in (base | fields).items() if value is not None})


def aiperf_result(**fields: Any) -> str:
    """Return a `profile_export_aiperf.json`."""
    base: dict[str, Any] = {
        "request_throughput": {"unit": "requests/sec", "avg": 9.9},
        "request_latency": {
            "unit": "ms",
            "avg": 500.0,
            "p50": 450.0,
            "p99": 900.0,
            "min": 1.0,
            "max": 950.0,
            "std": 3.0,
        },
        "request_count": {"unit": "requests", "avg": 990.0},
        "error_request_count": {"unit": "requests", "avg": 10.0},
        "time_to_first_token": {"unit": "ms", "avg": 40.0, "p50": 35.0, "p99": 90.0, "max": 120.0},
        "was_cancelled": False,
    }
    return json.dumps({key: value for key, value in (base | fields).items() if value is not None})


def guidellm_benchmark(*, old: bool = False, **counts: int) -> dict[str, Any]:
    """Return one benchmark of GuideLLM; `old` is the layout up to version 0.3."""

    def distribution(p50: float, scale: float) -> dict[str, Any]:
        percentiles = {"p001": 0.1, "p50": p50, "p95": 2 * p50, "p99": 3 * p50, "p999": 4 * p50}
        rows = {name: value * scale for name, value in percentiles.items()}
        row = {"mean": p50 * scale, "max": 5 * p50 * scale, "count": 990, "percentiles": rows}
        return {"successful": row, "errored": None}

    totals = {"successful": 990, "errored": 5, "incomplete": 5, "total": 1000} | counts
    metrics: dict[str, Any] = {
        "request_latency": distribution(200, 1e-3),
        "time_to_first_token_ms": distribution(30, 1),
    }
    if old:
        return {"metrics": metrics, "run_stats": {"requests_made": totals}}
    return {"metrics": metrics | {"request_totals": totals}}


def guidellm_result(*benchmarks: dict[str, Any]) -> str:
    """Return a `benchmarks.json`."""
    return json.dumps({"metadata": {"guidellm_version": "0.5.0"}, "benchmarks": list(benchmarks)})
