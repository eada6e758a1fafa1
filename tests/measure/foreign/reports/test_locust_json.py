"""Statistics of Locust as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from foreign_results import SAMPLES, read_sample, read_text
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_file() -> None:
    """Locust 2.47.0: the histogram bounds every limit, within its rounding."""
    results = read_sample("locust.json")
    assert (results.tool, results.requests, results.failed, results.timed_failures) == (
        "locust-json",
        400,
        (8, 8),
        True,
    )
    assert results.values["p50"] == 1.0
    assert results.values["max"] == 27.854948999447515
    # 3 ms is between 2.5 and 3.5: nine of them may be longer than 3 ms.
    longer = 6 + 12 + 1 + 6 + 3 + 1 + 1 + 2 + 1 + 1 + 1 + 1
    assert slower_bounds(results, 3.0) == (longer, longer + 9)
    assert slower_bounds(results, 28.0) == (0, 0)


def test_inconsistent_counts(tmp_path: Path) -> None:
    """Times, failures and requests must agree; an empty list is an error."""
    (entry,) = json.loads((SAMPLES / "locust.json").read_text())
    for damage in (
        {"num_requests": 500},
        {"num_failures": 401},
        {"response_times": {"-1": 400}},
        {"response_times": {"x": 1}},
    ):
        with pytest.raises(DataError):
            read_text(tmp_path, json.dumps([entry | damage]))
    with pytest.raises(DataError):
        read_text(tmp_path, "[]", tool="locust-json")
