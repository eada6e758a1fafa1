"""Results of hey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import read_sample, read_text
from ghmlops.core.errors import DataError, InputError
from ghmlops.core.latency.external_results import slower_bounds
from ghmlops.measure.foreign.supplement import Supplement

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
ROW = "{},0.0001,0.0000,0.0001,0.0001,0.0000,{},0.0005\n"


def test_a_real_file() -> None:
    """Requests without an answer are not in the file: their number is unknown unless the user supplies it."""
    results = read_sample("hey.csv")
    assert (results.tool, results.requests, results.timed, results.failed) == ("hey", 200, 196, (4, None))
    supplied = read_sample("hey.csv", Supplement(failed=3))
    assert (supplied.requests, supplied.failed) == (203, (7, 7))


def test_times_are_rounded_to_a_tenth_of_a_millisecond(tmp_path: Path) -> None:
    """0.0004 s is between 0.35 and 0.45 ms."""
    results = read_text(tmp_path, HEADER + ROW.format("0.0004", 200) * 7 + ROW.format("0.0100", 200))
    assert [slower_bounds(results, limit) for limit in (0.34, 0.4, 0.46, 10.1)] == [(8, 8), (1, 8), (1, 1), (0, 0)]
    assert (results.values["p50"], results.values["max"]) == (0.4, 10.0)
    assert "p99.9" not in results.values


def test_bad_files(tmp_path: Path) -> None:
    """A truncated row, a damaged time, an empty file and a superfluous unit are errors."""
    for damage in ("0.0004,0.1\n", ROW.format("fast", 200), ROW.format("-1", 200), ROW.format("nan", 200), ""):
        with pytest.raises(DataError):
            read_text(tmp_path, HEADER + damage)
    with pytest.raises(InputError, match="unit"):
        read_text(tmp_path, HEADER, Supplement(unit="s"))
