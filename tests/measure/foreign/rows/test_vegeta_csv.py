"""Results of vegeta as CSV; its binary format and its plot are refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import SAMPLES, read_sample, read_text, vegeta_result
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_file() -> None:
    """vegeta 12.13.0: every time and every status."""
    results = read_sample("vegeta-results.csv")
    assert (results.tool, results.requests, results.failed, results.doubts) == ("vegeta-csv", 100, (2, 2), ())
    assert slower_bounds(results, 1000.0) == (0, 0)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_missing_sequence_numbers_are_requests_without_a_result(tmp_path: Path, kind: str) -> None:
    """10 of 100 results are missing: the file was cut short."""
    if kind == "csv":
        rows = (SAMPLES / "vegeta-results.csv").read_text().splitlines(keepends=True)
    else:
        rows = [vegeta_result(seq=index) for index in range(100)]
    (doubt,) = read_text(tmp_path, "".join(rows[:40] + rows[50:])).doubts
    assert (doubt.count, doubt.total) == (10, 100)
    assert read_text(tmp_path, "".join(rows)).doubts == ()


def test_a_truncated_row(tmp_path: Path) -> None:
    """A row that ends early is an error that names the line."""
    with pytest.raises(DataError, match=r"fields in line 100"):
        read_text(tmp_path, (SAMPLES / "vegeta-results.csv").read_text().rstrip()[:-150])
