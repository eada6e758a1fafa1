"""Results of vegeta, one JSON object per line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from foreign_results import SAMPLES, read_sample, read_text, unmeasured, vegeta_result
from ghmlops.core.latency.external_results import slower_bounds
from ghmlops.measure.foreign.supplement import Supplement

if TYPE_CHECKING:
    from pathlib import Path


def test_times_of_successes_are_exact() -> None:
    """The histogram contains the successes only, each time to three digits; the failures are counted."""
    rows = [json.loads(line) for line in (SAMPLES / "vegeta-results.jsonl").read_text().splitlines()]
    successes = [row["latency"] for row in rows if row["code"] == 200]
    results = read_sample("vegeta-results.jsonl")
    assert results.histogram is not None
    assert (len(rows), len(successes)) == (results.requests, results.histogram.total)
    assert (len(rows) - len(successes),) * 2 == results.failed
    expected = sum(latency > 500_000 for latency in successes)
    low, high = slower_bounds(results, 0.5)
    assert low <= expected <= high <= low + 1


def test_failures_are_counted_by_the_policys_statuses(tmp_path: Path) -> None:
    """Errors and statuses that the policy does not expect are failures; several endpoints are listed as pooled."""
    text = vegeta_result() + vegeta_result(code=0, error="EOF") + vegeta_result(code=302)
    text += vegeta_result(code=201, url="http://a/y")
    assert read_text(tmp_path, text).failed == (2, 2)
    assert read_text(tmp_path, text, Supplement(statuses=(201,))).failed == (3, 3)
    assert "response times by endpoint" in unmeasured(read_text(tmp_path, text))
    one_endpoint = vegeta_result() + vegeta_result(url="http://a/x?k=2")
    assert "response times by endpoint" not in unmeasured(read_text(tmp_path, one_endpoint))
