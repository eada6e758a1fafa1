"""Samples of k6 as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import SAMPLES, read_sample, read_text
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_file_of_a_run_that_dropped_most_iterations() -> None:
    """k6 1.8.1: 77 of 101 iterations were never sent."""
    results = read_sample("k6-out-dropped.csv")
    assert (results.tool, results.requests, results.failed) == ("k6-csv", 24, (0, 0))
    assert results.load is not None
    assert (results.load.planned, results.load.unsent) == (101, 77)


def test_a_truncated_file(tmp_path: Path) -> None:
    """A row that ends early is an error."""
    content = (SAMPLES / "k6-out-dropped.csv").read_text()
    with pytest.raises(DataError, match="fields in line"):
        read_text(tmp_path, content[:-30])
    with pytest.raises(DataError, match="no HTTP request"):
        read_text(tmp_path, content.splitlines()[0] + "\n")
