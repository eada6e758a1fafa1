"""File formats of recordings, and what makes a file unreadable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.requests import lines
from recordings import COMBINED, COMMON, access_log, read_parquet_recording, read_recording

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("line", [COMMON, COMBINED], ids=["common", "combined"])
def test_access_logs(tmp_path: Path, line: str) -> None:
    """Common and combined logs are detected by their first line; time zones are respected; other bytes are ignored."""
    content = access_log(
        "10/Oct/2000:13:55:36 -0700", "10/Oct/2000:13:55:38 -0700", "10/Oct/2000:22:55:41 +0200", line=line
    )
    result = read_recording(tmp_path, "access.log", content.encode("latin-1"))
    assert result.times.tolist() == [0.0, 2.0, 5.0]
    assert (result.first, result.last) == ("2000-10-10T20:55:36+00:00", "2000-10-10T20:55:41+00:00")
    assert (result.skipped, result.out_of_order, result.notes) == ({}, 0, ())
    assert result.fingerprint == fingerprint(tmp_path / "access.log")


@pytest.mark.parametrize(
    "column",
    [
        "to_timestamp(1700000000 + x)",
        "to_timestamp(1700000000 + x)::TIMESTAMP",
        "to_timestamp(1700000000 + x)::TIMESTAMP_NS",
        "1700000000 + x::DOUBLE",
        "(1700000000 + x)::DECIMAL(18, 6)",
        "((1700000000 + x) * 1000)::BIGINT",
        "((1700000000 + x::DECIMAL(18, 3)) * 1000000000)::BIGINT",
        "strftime(to_timestamp(1700000000 + x)::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f')",
    ],
)
def test_parquet(tmp_path: Path, column: str) -> None:
    """A column of TIMESTAMP, of numbers or of text is read; the other columns are ignored."""
    query = f'SELECT \'x\' AS path, {column} AS "t""s" FROM (VALUES (0), (0.25), (3)) v(x)'  # noqa: S608  (from the table above)
    result = read_parquet_recording(tmp_path, query, time='t"s')
    assert result.times.tolist() == [0.0, 0.25, 3.0]
    assert result.first == "2023-11-14T22:13:20+00:00"


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    """Each format suggests the most similar name."""
    for name, content in (("t.csv", "a,times\n1,2\n"), ("t.jsonl", '{"a": 1, "times": 2}')):
        with pytest.raises(DataError) as caught:
            read_recording(tmp_path, name, content)
        assert "`times`" in caught.value.hint
    with pytest.raises(DataError, match=r"t\.parquet: .*`time`") as caught:
        read_parquet_recording(tmp_path, "SELECT 1 AS times, 2 AS a")
    assert "`times`" in caught.value.hint


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("CASE WHEN i < 3 THEN i END", "null: 7, first in line 4"),
        ("CASE WHEN i < 3 THEN to_timestamp(i) ELSE 'infinity'::TIMESTAMPTZ END", "null or infinite: 7"),
        ("to_timestamp(i * 200000000)", "before 1990: 4, first in line 1"),
        ("CASE WHEN i < 3 THEN i::DOUBLE ELSE 'nan'::DOUBLE END", "not a finite number"),
        ("i::FLOAT", "`time` .*FLOAT"),
        ("DATE '2026-01-01'", "`time` .*DATE"),
        ("i > 3", "`time` .*BOOLEAN"),
        ("[i]", r"`time` .*BIGINT\[\]"),
    ],
)
def test_bad_parquet(tmp_path: Path, column: str, message: str) -> None:
    """Null, NaN, infinite and negative timestamps are unreadable; types without a time of day are refused."""
    with pytest.raises(DataError, match=message):
        read_parquet_recording(tmp_path, f"SELECT {column} AS time FROM range(10) t(i)")  # noqa: S608  (from the table above)


def test_truncated_parquet(tmp_path: Path) -> None:
    """Half of a file, and one with damaged pages, are errors that name the file."""
    read_parquet_recording(tmp_path, "SELECT 1700000000 + hash(i) / 1e18 AS time FROM range(20000) t(i)")
    content = (tmp_path / "t.parquet").read_bytes()
    damaged = content[:4] + b"\xff" * (len(content) // 2) + content[4 + len(content) // 2 :]
    for damage in (content[: len(content) // 2], damaged):
        with pytest.raises(DataError, match=r"^t\.parquet: .*Parquet"):
            read_recording(tmp_path, "t.parquet", damage)


def test_long_lines_are_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer line is truncated: an access log still has its time, JSON is unreadable."""
    monkeypatch.setattr(lines, "MAX_LINE", 64)
    stamps = ("10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:37 +0000")
    content = access_log(*stamps, line='::1 - - [{}] "GET /' + "x" * 500 + ' HTTP/1.1" 200 5\n')
    assert read_recording(tmp_path, "a.log", content).times.tolist() == [0.0, 1.0]
    rows = '{"time": 1.5}\n{"time": 2}\n' * 80 + '{"time": 2, "a": "' + "x" * 500 + '"}\n'
    assert read_recording(tmp_path, "t.jsonl", rows).skipped == {"not a JSON object": (1, 161)}


def test_the_format_of_the_policy_has_precedence(tmp_path: Path) -> None:
    """`format` has precedence over the name of the file."""
    assert len(read_recording(tmp_path, "t.parquet", "time\n1\n2.5\n", format="csv").times) == 2
    with pytest.raises(DataError, match="2 of 2 lines"):
        read_recording(tmp_path, "t.txt", '{"time": 1}\n{"time": 2}\n', format="combined")
