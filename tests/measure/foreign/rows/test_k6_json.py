"""Samples of k6 as JSON, one per request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from foreign_results import read_sample, read_text, unmeasured
from ghmlops.core.errors import DataError
from ghmlops.measure.foreign.supplement import Supplement

if TYPE_CHECKING:
    from pathlib import Path


def sample(metric: str = "http_req_duration", value: float = 5.0, **tags: Any) -> str:
    """Return one line."""
    data = {"time": "2026-01-01T00:00:00Z", "value": value, "tags": {"status": "200", "name": "/a"} | tags}
    return json.dumps({"metric": metric, "type": "Point", "data": data}, separators=(",", ":")) + "\n"


def test_a_real_file() -> None:
    """k6 1.8.1 (gzip): every time and every status."""
    results = read_sample("k6-out.json.gz")
    assert (results.tool, results.requests, results.timed, results.failed) == ("k6-json", 61, 58, (3, 3))
    assert results.histogram is not None
    assert results.histogram.total == 58
    assert (results.doubts, results.load) == ((), None)


def test_hops_of_redirects_are_not_requests(tmp_path: Path) -> None:
    """An answer with status 302 is a hop unless the policy expects it; hops are a doubt with their share."""
    content = sample() * 3 + sample(status="302") * 2 + sample(status="404") + sample(status="0")
    results = read_text(tmp_path, content)
    assert (results.requests, results.failed) == (5, (2, 2))
    assert [(doubt.count, doubt.total) for doubt in results.doubts] == [(2, 7)]
    expected = read_text(tmp_path, content, Supplement(statuses=(200, 302)))
    assert (expected.requests, expected.failed, expected.doubts) == (7, (2, 2), ())


def test_dropped_iterations_and_checks(tmp_path: Path) -> None:
    """Dropped iterations are unsent load; failed checks may be failed requests."""
    content = sample() * 4 + sample("iterations", 1.0) * 4 + sample("dropped_iterations", 3.0) + sample("checks", 0.0)
    results = read_text(tmp_path, content)
    assert results.load is not None
    assert (results.load.planned, results.load.unsent, results.failed) == (7, 3, (0, 1))
    assert any("1 failed checks" in what for what in unmeasured(results))


@pytest.mark.parametrize(
    "damage", [sample()[:-9], sample(value=-1), sample(value=1e12), '{"type":"Point","metric":"x","data":5}']
)
def test_damaged_lines(tmp_path: Path, damage: str) -> None:
    """A truncated line, or a time that is negative or longer than an hour, is an error that names the line."""
    with pytest.raises(DataError, match="line 2"):
        read_text(tmp_path, sample() + damage)
