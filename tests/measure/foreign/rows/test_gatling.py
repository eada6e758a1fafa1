"""Gatling: `simulation.log` as text, and the statistics of its report; written by hand from its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import read_text
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path

START = "RUN\tcomputers.Basic\tbasic\t1700000000000\t \t3.9.5\nUSER\tscn\tSTART\t1700000000000\n"


def request(ms: int = 20, name: str = "home", status: str = "OK", first: str = "") -> str:
    """Return one line; `first` is the user of versions before 3.3."""
    return f"REQUEST\t{first}\t{name}\t1700000000000\t{1700000000000 + ms}\t{status}\t \n"


def test_simulation_log(tmp_path: Path) -> None:
    """Times of successful requests to the millisecond; KO counts as failed; hops of redirects are a doubt."""
    lines = (
        request() * 5 + request(100) + request(status="KO") + request(5, name="home Redirect 1") + "USER\tscn\tEND\t5\n"
    )
    results = read_text(tmp_path, START + lines)
    assert (results.tool, results.requests, results.timed, results.failed) == ("gatling", 8, 7, (1, 1))
    assert [(doubt.count, doubt.total) for doubt in results.doubts] == [(1, 8)]
    assert slower_bounds(results, 50.0) == (1, 1)
    old = START + request(first="1\t").replace("\t\t", "\t") * 3
    assert read_text(tmp_path, old).requests == 3


@pytest.mark.parametrize(
    "line",
    [request()[:-9], request(-5), request(10**9), request().replace("OK", "MAYBE"), request().replace("1700", "x")],
)
def test_damaged_lines(tmp_path: Path, line: str) -> None:
    """Each is an error that names the line."""
    with pytest.raises(DataError, match="line 3"):
        read_text(tmp_path, START + line)
