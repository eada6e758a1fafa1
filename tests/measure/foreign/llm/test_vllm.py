"""Results of vLLM's benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_llm import vllm_result
from foreign_results import read_text
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_findings import findings, measurements
from ghmlops.core.model import Outcome
from ghmlops.core.policy.objectives import Objectives

if TYPE_CHECKING:
    from pathlib import Path


def test_objectives_on_the_first_token(tmp_path: Path) -> None:
    """The p99.9 of the first token, 95 ms, shows that the p99 is within 100 ms and the p50 beyond 20 ms."""
    results = read_text(tmp_path, vllm_result())
    assert (results.tool, results.requests, results.failed) == ("vllm", 1000, (0, 0))
    slo = Objectives(quantiles={"p99": 0.5}, first_token={"p99": 0.1, "p50": 0.02}, token_gap={"p99": 0.1})
    outcomes = {finding.id: finding.outcome for finding in findings(slo, results)}
    assert outcomes["objective-first-token-p99"] is Outcome.PASS
    assert outcomes["objective-first-token-p50"] is not Outcome.PASS
    assert outcomes["objective-token-gap-p99"] is Outcome.INCONCLUSIVE
    assert outcomes["guard-lateness"] is Outcome.PASS
    response, first = measurements(results)
    assert (response.values["p99"], response.values["p95"], response.values["max"]) == (900.0, None, None)
    assert (first.id, first.values["p50"], first.values["p99.9"]) == ("first-token", 35.0, 95.0)


def test_a_file_without_times_of_the_end(tmp_path: Path) -> None:
    """By default vLLM reports no `e2el`: objectives on the response time are inconclusive, never guessed."""
    content = vllm_result(mean_e2el_ms=None, median_e2el_ms=None, p99_e2el_ms=None)
    results = read_text(tmp_path, content)
    assert results.values == {}
    (finding,) = (f for f in findings(Objectives(quantiles={"p50": 10.0}), results) if f.id == "objective-p50")
    assert (finding.outcome, finding.candidate) == (Outcome.INCONCLUSIVE, None)


def test_prompts_that_were_not_completed(tmp_path: Path) -> None:
    """Without a count of failures they failed; with one, the rest was never sent."""
    assert read_text(tmp_path, vllm_result(completed=990, failed=None)).failed == (10, 10)
    load = read_text(tmp_path, vllm_result(completed=130, failed=0)).load
    assert load is not None
    assert (load.planned, load.unsent) == (1000, 870)


def test_bad_files(tmp_path: Path) -> None:
    """More completed than planned, times out of range, percentiles that contradict each other, truncated JSON."""
    for damage in (
        vllm_result(completed=1001),
        vllm_result(p99_ttft_ms=-1),
        vllm_result(p99_ttft_ms=1e9),
        vllm_result(p99_ttft_ms=200.0),
        vllm_result(p99_ttft_ms="fast"),
        vllm_result(completed=0, num_prompts=0),
        vllm_result()[:-5],
    ):
        with pytest.raises(DataError):
            read_text(tmp_path, damage)
