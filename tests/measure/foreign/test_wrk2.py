"""Reports of wrk2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foreign_results import read_text, unmeasured, wrk2_report

if TYPE_CHECKING:
    from pathlib import Path


def test_times_and_failures(tmp_path: Path) -> None:
    """Times are ms; unexpected statuses and socket errors are failures; answers of the calibration have no times."""
    failures = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 12\n"
    results = read_text(tmp_path, wrk2_report(failures))
    assert (results.tool, results.timed, results.requests, results.failed) == ("wrk2", 3000, 4507, (19, 19))
    assert tuple(results.values[name] for name in ("p50", "p99", "max")) == (1.47, 7.56, 27.754)
    assert {"response times of 1,500 answers", "response times of 7 requests"} <= set(unmeasured(results))
    assert read_text(tmp_path, wrk2_report()).failed == (0, 0)
