"""Logs in files: formats, times, statistics, and files that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.production.watch import Log
from ghmlops.measure.telemetry.log_files import LogInterval, read_log

START = 1_790_000_000 // 3600 * 3600
ROWS = "SELECT {start} + range * 600 AS t, range::DOUBLE AS v, range % 6 = 0 AS failed FROM range(12)"


def write(folder: Path, name: str, time: str = "t") -> None:
    """Write two hours of rows, one every ten minutes."""
    rows = duckdb.sql(f"SELECT {time} AS t, v, failed FROM ({ROWS.format(start=START)})")  # noqa: S608
    assert rows is not None
    if name.endswith(".parquet"):
        rows.write_parquet(str(folder / name))
    elif ".csv" in name:
        rows.write_csv(str(folder / name))
    else:
        duckdb.sql(f"COPY (SELECT * FROM rows) TO '{folder / name}' (FORMAT json)")  # noqa: S608


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "[a]*.parquet"])
@pytest.mark.parametrize(
    "time",
    ["t", "t * 1000", "to_timestamp(t)", "to_timestamp(t)::TIMESTAMP", "strftime(to_timestamp(t)::TIMESTAMP, '%c')"],
)
def test_formats_and_times(tmp_path: Path, name: str, time: str) -> None:
    """Each format and spelling of a time gives the same intervals; odd names are no patterns."""
    write(tmp_path, name, time.format(iso="'%Y-%m-%dT%H:%M:%S'"))
    log = Log(files=name.replace("[", "?").replace("]", "?"), time="t", value="v", failed="failed")
    content = read_log(tmp_path, log, START)
    assert content.intervals == [LogInterval(START, 6, 2.5, 1), LogInterval(START + 3600, 6, 8.5, 1)]
    assert content.undated == 0


@pytest.mark.parametrize(
    ("statistic", "values"),
    [("p50", [2.5, 8.5]), ("max", [5.0, 11.0]), ("count", [6.0, 6.0]), ("failed", [1 / 6, 1 / 6])],
)
def test_statistics(tmp_path: Path, statistic: str, values: list[float]) -> None:
    """Each statistic is that of the rows of an interval."""
    write(tmp_path, "a.parquet")
    log = Log(files="*.parquet", time="t", value="v", failed="failed", statistic=statistic)  # type: ignore[arg-type]
    assert [i.value for i in read_log(tmp_path, log, START).intervals] == pytest.approx(values)
    assert len(read_log(tmp_path, log, START + 3600).intervals) == 1


@pytest.mark.parametrize(
    ("files", "time", "content"),
    [
        ("none.csv", "t", None),
        ("a.txt", "t", "t,v\n1,2\n"),
        ("a.csv", "when", "t,v\n1790000000,2\n"),
        ("a.csv", "t", "t,v\n5,2\n6,3\n"),
        ("a.csv", "t", "t,v\n1790000000,2\n1790000000000,3\n"),
        ("a.parquet", "t", "no parquet"),
        ("a.jsonl", "t", '{"t": 1790000000, "v": 1}\n{"t": 17900'),
    ],
)
def test_bad_files(tmp_path: Path, files: str, time: str, content: str | None) -> None:
    """No file, an unknown format, a missing column, no or several units, damaged files."""
    if content is not None:
        (tmp_path / files).write_text(content)
    with pytest.raises(DataError):
        read_log(tmp_path, Log(files=files, time=time, value="v"), 0.0)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A log cannot name a file elsewhere."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_text("t,v\n1790000000,2\n")
    (tmp_path / "in/a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError):
        read_log(tmp_path / "in", Log(files="*.csv", time="t", value="v"), 0.0)


def test_rows_without_a_time_are_counted(tmp_path: Path) -> None:
    """They belong to no interval."""
    (tmp_path / "a.csv").write_text("t,v\n2026-10-01 10:00:00,2\nnever,3\n")
    content = read_log(tmp_path, Log(files="a.csv", time="t", value="v"), 0.0)
    assert (len(content.intervals), content.undated) == (1, 1)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl"])
@pytest.mark.parametrize("instead", ["0", "-1", "1e300", "'nan'::DOUBLE"])
def test_numbers_that_are_no_time_are_counted(tmp_path: Path, name: str, instead: str) -> None:
    """A logger that writes 0 or NaN without a time; the other rows stay."""
    if name.endswith("jsonl") and "nan" in instead:
        instead = "NULL"
    write(tmp_path, name, f"CASE WHEN range % 6 < 4 THEN t ELSE {instead} END".replace("range", "v::BIGINT"))
    content = read_log(tmp_path, Log(files=name, time="t", value="v"), 0.0)
    assert [interval.rows for interval in content.intervals] == [4, 4]
    assert content.undated == 4


@pytest.mark.parametrize("count", [8, 9, 400])
def test_many_small_files_need_no_more_memory(tmp_path: Path, count: int) -> None:
    """A file per hour for weeks; a column that comes late, or with other types, is that of all files."""
    for hour in range(count):
        rows: list[dict[str, object]] = [{"t": START + hour * 3600, "v": hour if hour % 2 else hour + 0.5}]
        if hour == count - 1:
            rows.append({"t": START + hour * 3600 + 1, "v": 7, "late": True, "nested": {"v": [1]}})
        (tmp_path / f"{hour:03}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = read_log(tmp_path, Log(files="*.jsonl", time="t", value="v", failed="late", statistic="max"), START)
    assert [(i.rows, i.failed) for i in content.intervals] == [(1, 0)] * (count - 1) + [(2, 1)]
    highest = [hour if hour % 2 else hour + 0.5 for hour in range(count)]
    assert [i.value for i in content.intervals] == [*highest[:-1], max(7.0, highest[-1])]


@pytest.mark.parametrize("text", ["2026-09-21T12:00:00Z", "2026-09-21T14:00:00+02:00", "2026-09-21 12:00:00"])
def test_times_as_texts_in_many_files(tmp_path: Path, text: str) -> None:
    """The spelling of a time means the same in one file and in twenty."""
    log = Log(files="*.jsonl", time="t", value="v")
    (tmp_path / "00.jsonl").write_text(json.dumps({"t": text, "v": 1.0}) + "\n")
    one = read_log(tmp_path, log, 0.0)
    for number in range(1, 20):
        (tmp_path / f"{number:02}.jsonl").write_text(json.dumps({"t": text, "v": 1.0}) + "\n")
    many = read_log(tmp_path, log, 0.0)
    assert [i.time for i in one.intervals] == [i.time for i in many.intervals] == [1_789_992_000]
    assert many.intervals[0].rows == 20


def test_a_damaged_file_among_many_is_named(tmp_path: Path) -> None:
    """The message has the name that a person knows."""
    for number in range(20):
        (tmp_path / f"day-{number:02}.jsonl").write_text(json.dumps({"t": START, "v": 1.0}) + "\n")
    (tmp_path / "day-17.jsonl").write_text('{"t": 1790000000, "v": 1}\n{"t": 17900')
    with pytest.raises(DataError, match=r"day-17\.jsonl"):
        read_log(tmp_path, Log(files="*.jsonl", time="t", value="v"), 0.0)
