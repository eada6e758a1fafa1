# ruff: noqa: S608  (every name in the SQL is ours)
"""Drift in logs: null rates, values that are new, distributions, and the accuracy without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest

from ghmlops.core.policy.production.watch import Log
from ghmlops.measure.telemetry.log_files import read_log

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
START = 1_790_000_000 // DAY * DAY
COUNT = 20
"""Days; from the sixteenth one on, the rows differ."""
ROWS = f"""
    SELECT {START} + day * {DAY} + row * 60 AS t,
        CASE WHEN day >= 15 AND row % 5 = 0 THEN NULL ELSE (row * 37 % 100)::DOUBLE END AS age,
        (row * 37 % 100) + CASE WHEN day >= 15 THEN 40 ELSE 0 END AS shifted,
        CASE WHEN day >= 15 AND row % 4 = 0 THEN 'new' WHEN row % 2 = 0 THEN 'it''s' ELSE 'b' END AS kind,
        CASE WHEN day >= 15 THEN 0.6 ELSE 0.1 END AS score
    FROM range({COUNT}) AS d(day), range(400) AS r(row)
"""


@pytest.fixture(params=["rows.parquet", "rows.csv"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """Return a folder with the rows, and the name of the file."""
    rows = duckdb.sql(ROWS)
    assert rows is not None
    if request.param.endswith("parquet"):
        rows.write_parquet(str(tmp_path / request.param))
    else:
        rows.write_csv(str(tmp_path / request.param))
    return tmp_path, request.param


def values(log: tuple[Path, str], statistic: str, column: str) -> list[float]:
    """Return the statistic of each day that has one."""
    settings = Log(files=log[1], time="t", every=DAY, statistic=statistic, value=column)  # type: ignore[arg-type]
    return [row.value for row in read_log(log[0], settings, START).intervals if row.value is not None]


def test_null_rates(log: tuple[Path, str]) -> None:
    """One in five rows of the last days; a text column has null values too."""
    assert values(log, "nulls", "age") == [0.0] * 15 + [pytest.approx(0.2)] * 5
    assert values(log, "nulls", "kind") == [0.0] * COUNT


def test_values_that_the_older_half_does_not_have(log: tuple[Path, str]) -> None:
    """A quarter of the rows; text with quotes is a value like others."""
    assert values(log, "unseen", "kind") == [0.0] * 5 + [0.25] * 5


def test_distributions(log: tuple[Path, str]) -> None:
    """Without drift the index is about 0; shifted numbers, other texts and null values raise it beyond .1."""
    for column in ("shifted", "kind", "age"):
        before, after = values(log, "drift", column)[:5], values(log, "drift", column)[5:]
        assert max(before) < 0.01
        assert min(after) > 0.1


def test_the_accuracy_without_labels(log: tuple[Path, str]) -> None:
    """Scores of .1 are right in 90 %, scores of .6 in 60 %; numbers beyond 0 and 1 are no scores."""
    assert values(log, "estimated-accuracy", "score") == [pytest.approx(0.9)] * 15 + [pytest.approx(0.6)] * 5
    assert all(value <= 1.0 for value in values(log, "estimated-accuracy", "shifted"))


def test_a_log_without_rows_in_time(log: tuple[Path, str]) -> None:
    """Nothing is compared."""
    settings = Log(files=log[1], time="t", every=DAY, statistic="unseen", value="kind")
    assert read_log(log[0], settings, START + 100 * DAY).intervals == []


@pytest.mark.parametrize("statistic", ["unseen", "drift"])
def test_rows_after_the_time_of_evaluation_change_nothing(log: tuple[Path, str], statistic: str) -> None:
    """The halves are those of the rows until then, as in a log that ends there; one wrong clock moves no half."""
    settings = Log(files="*" + log[1][-4:], time="t", every=DAY, statistic=statistic, value="kind")  # type: ignore[arg-type]
    until = START + 12 * DAY
    intervals = read_log(log[0], settings, START, until).intervals
    assert [i.time for i in intervals] == [START + day * DAY for day in range(6, COUNT)]
    assert [i.value > 0.1 for i in intervals if i.value is not None] == [False] * 9 + [True] * 5
    (log[0] / "short").mkdir()
    rows = duckdb.sql(f"SELECT * FROM ({ROWS}) WHERE t < {until}")
    assert rows is not None
    rows.write_csv(str(log[0] / "short/rows.csv"))
    short = read_log(log[0] / "short", msgspec.structs.replace(settings, files="rows.csv"), START, until).intervals
    assert [(i.time, i.value) for i in short] == [(i.time, i.value) for i in intervals[:6]]
    assert read_log(log[0], settings, START, START).intervals == []
