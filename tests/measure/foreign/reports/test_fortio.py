"""Results of fortio, written by hand from its documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from foreign_results import read_text, unmeasured
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path


def result(**fields: Any) -> str:
    """Return a result of 1,000 requests."""
    buckets = [(0.0, 0.001, 900), (0.001, 0.002, 90), (0.005, 0.01, 10)]
    rows = [{"Start": low, "End": high, "Percent": 1.0, "Count": count} for low, high, count in buckets]
    histogram = {
        **{"Count": 1000, "Min": 0.0, "Max": 0.008, "Sum": 1.0, "Avg": 0.001, "StdDev": 0.1, "Data": rows},
        "Percentiles": [{"Percentile": 50, "Value": 0.0005}, {"Percentile": 99.9, "Value": 0.0078}],
    }
    base = {
        **{"RunType": "HTTP", "RequestedQPS": "100", "RequestedDuration": "10s", "ActualQPS": 99.9},
        **{"DurationHistogram": histogram, "RetCodes": {"200": 998, "-1": 1, "503": 1}},
    }
    return json.dumps(base | fields)


def test_buckets_bound_every_limit(tmp_path: Path) -> None:
    """A limit within a bucket gives a range; percentiles are those that fortio reports."""
    results = read_text(tmp_path, result())
    assert (results.tool, results.requests, results.failed) == ("fortio", 1000, (2, 2))
    bounds = [slower_bounds(results, limit) for limit in (0.5, 1.0, 3.0, 6.0, 8.0)]
    assert bounds == [(100, 1000), (10, 100), (10, 10), (1, 10), (0, 0)]
    assert (results.values["p50"], results.values["p99.9"], results.values["max"]) == (0.5, 7.8, 8.0)
    assert "exact percentiles" in unmeasured(results)


@pytest.mark.parametrize(
    ("rate", "duration", "planned"),
    [
        ("100", "10s", 1000),
        ("100", "1m20s", 8000),
        ("0.5", "1h0m0s", 1800),
        ("max", "10s", None),
        ("10", "exactly", None),
    ],
)
def test_the_planned_load(tmp_path: Path, rate: str, duration: str, planned: int | None) -> None:
    """Rate times duration; a run without either has no planned load."""
    load = read_text(tmp_path, result(RequestedQPS=rate, RequestedDuration=duration)).load
    assert (load.planned if load else None) == planned
    assert load is None or load.unsent == max(0, load.planned - 1000)


def test_bad_files(tmp_path: Path) -> None:
    """Truncated JSON and counts that differ are errors."""
    for damage in (result()[:-5], result(RetCodes={"200": 5}), result().replace('"Count": 900', '"Count": 901')):
        with pytest.raises(DataError):
            read_text(tmp_path, damage)


def test_grpc(tmp_path: Path) -> None:
    """The health check of gRPC has names in place of statuses, also in the type of the run."""
    codes = {"SERVING": 990, "Error 14": 10}
    results = read_text(tmp_path, result(RunType="GRPC Health Check", RetCodes=codes))
    assert results.failed == (10, 10)
    assert read_text(tmp_path, result(RetCodes=codes)).failed == (1000, 1000)
