"""Results of GuideLLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_llm import guidellm_benchmark, guidellm_result
from foreign_results import read_text
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("old", [False, True])
def test_counts_and_times(tmp_path: Path, old: bool) -> None:
    """Both layouts; incomplete requests are a doubt; the response time is in seconds and the first token in ms."""
    results = read_text(tmp_path, guidellm_result(guidellm_benchmark(old=old)))
    assert (results.tool, results.requests, results.timed, results.failed) == ("guidellm", 995, 990, (5, 5))
    assert (results.values["p50"], results.values["p99"], results.values["p99.9"]) == (200.0, 600.0, 800.0)
    assert results.first_token is not None
    assert (results.first_token.values["p95"], results.first_token.timed) == (60.0, 990)
    assert [(doubt.count, doubt.total) for doubt in results.doubts] == [(5, 1000)]


def test_bad_files(tmp_path: Path) -> None:
    """Several rates in one file, none, missing counts, truncated JSON."""
    one = guidellm_benchmark()
    uncounted = {"metrics": {key: value for key, value in one["metrics"].items() if key != "request_totals"}}
    for damage in (
        guidellm_result(one, one),
        guidellm_result(uncounted),
        guidellm_result(one)[:-5],
        guidellm_result(guidellm_benchmark(successful=-1)),
    ):
        with pytest.raises(DataError):
            read_text(tmp_path, damage)
    with pytest.raises(DataError, match="0 benchmarks"):
        read_text(tmp_path, guidellm_result(), tool="guidellm")
