"""Recordings: every format, its gaps kept; every bad file an error of one line with a hint."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.policy.latency import Trace
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.requests import trace as module
from ghmlops.measure.requests import trace_formats
from ghmlops.measure.requests.trace import Recorded, read_trace

if TYPE_CHECKING:
    from pathlib import Path

COMMON = '127.0.0.1 - frank [{}] "GET /a.gif HTTP/1.0" 200 2326\n'
COMBINED = '::1 - - [{}] "POST /p HTTP/1.1" 200 5 "http://x/[a]" "M\xf6zilla [en] \\"q\\""\n'


def log(*stamps: str, line: str = COMMON) -> str:
    return "".join(line.format(stamp) for stamp in stamps)


def read(folder: Path, name: str, content: str | bytes, duration: float = 0.0, **fields: Any) -> Recorded:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_trace(path, name, Trace(file=name, **fields), duration)


def parquet(folder: Path, query: str, duration: float = 0.0, **fields: Any) -> Recorded:
    path = folder / "t.parquet"
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return read_trace(path, "t.parquet", Trace(file="t.parquet", **fields), duration)


@pytest.mark.parametrize("line", [COMMON, COMBINED], ids=["common", "combined"])
def test_access_logs(tmp_path: Path, line: str) -> None:
    """Common and combined logs are known by their first line; zones are kept apart; other bytes may be any."""
    content = log("10/Oct/2000:13:55:36 -0700", "10/Oct/2000:13:55:38 -0700", "10/Oct/2000:22:55:41 +0200", line=line)
    found = read(tmp_path, "access.log", content.encode("latin-1"))
    assert found.times.tolist() == [0.0, 2.0, 5.0]
    assert (found.first, found.last) == ("2000-10-10T20:55:36+00:00", "2000-10-10T20:55:41+00:00")
    assert (found.skipped, found.out_of_order, found.notes) == ({}, 0, ())
    assert found.fingerprint == fingerprint(tmp_path / "access.log")


def test_half_hour_zones(tmp_path: Path) -> None:
    """The minutes of a zone have its sign."""
    content = log("01/Jan/2026:00:00:00 -0330", "01/Jan/2026:09:00:01 +0530")
    assert read(tmp_path, "a.log", content).times.tolist() == [0.0, 1.0]


def test_requests_of_one_second_are_spread(tmp_path: Path) -> None:
    """Where all stamps are whole seconds, the requests of one second are spread evenly over it, and a note says so."""
    content = log(*["10/Oct/2000:13:55:36 +0000"] * 4, "10/Oct/2000:13:55:37 +0000", "10/Oct/2000:13:55:39 +0000")
    found = read(tmp_path, "a.log", content)
    assert found.times.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 3.0]
    assert "whole seconds" in found.notes[0]


def test_finer_stamps_keep_their_ties(tmp_path: Path) -> None:
    """Equal stamps of a finer clock are a burst, and stay one."""
    found = read(tmp_path, "t.csv", "time\n1700000000\n1700000000\n1700000000.5\n")
    assert (found.times.tolist(), found.notes) == ([0.0, 0.0, 0.5], ())


@pytest.mark.parametrize(
    "stamps",
    [
        ["1700000000", "1700000000.25", "1700000003"],
        ["1700000000000", "1700000000250", "1700000003000"],
        ["1700000000000000", "1700000000250000", "1700000003000000"],
        ["1700000000000000000", "1700000000250000000", "1700000003000000000"],
        ["0", "0.25", "3"],
        ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.250000000Z", "2023-11-14T23:13:23+01:00"],
        ["2023-11-14 22:13:20", "2023-11-14 22:13:20,25", "2023-11-14 22:13:23 UTC"],
    ],
)
def test_stamps(tmp_path: Path, stamps: list[str]) -> None:
    """Numbers since 1970 by their size, numbers from 0, ISO 8601 with a zone, without it UTC: in CSV and in JSONL."""
    rows = "".join(f'"GET, x",{stamp}\n' if "," not in stamp else f'x,"{stamp}"\n' for stamp in stamps)
    assert read(tmp_path, "t.csv", "\ufeffpath, time\n" + rows).times.tolist() == [0.0, 0.25, 3.0]
    lines = "".join(f'{{"time": "{stamp}"}}\n' for stamp in stamps)
    assert read(tmp_path, "t.jsonl", lines).times.tolist() == [0.0, 0.25, 3.0]
    if stamps[0].isdecimal():
        lines = "".join(f'{{"at": {stamp}, "b": [1]}}\n' for stamp in stamps)
        assert read(tmp_path, "t.txt", lines, time="at").times.tolist() == [0.0, 0.25, 3.0]


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
    """A column of TIMESTAMP, of numbers or of text; the file's other columns do not matter."""
    query = f'SELECT \'x\' AS path, {column} AS "t""s" FROM (VALUES (0), (0.25), (3)) v(x)'  # noqa: S608  (from the table above)
    found = parquet(tmp_path, query, time='t"s')
    assert found.times.tolist() == [0.0, 0.25, 3.0]
    assert found.first == "2023-11-14T22:13:20+00:00"


def test_disorder_is_sorted_and_told(tmp_path: Path) -> None:
    """Times out of order are sorted; how many stood behind a later one is counted, also in a file that is backwards."""
    found = read(tmp_path, "t.csv", "time\n10.5\n12\n11\n11.5\n13\n")
    assert (found.times.tolist(), found.out_of_order) == ([0.0, 0.5, 1.0, 1.5, 2.5], 2)
    assert found.notes == ("2 requests of the recording were out of order and were sorted.",)
    assert read(tmp_path, "t.csv", "time\n3.5\n2\n1\n").out_of_order == 2


def test_few_unreadable_lines_are_counted_by_kind(tmp_path: Path) -> None:
    """Up to 1 % of the lines may be unreadable; each kind is counted, with the line of its first, and told."""
    lines = [f'{{"time": {i / 4}}}' for i in range(1, 1000)]
    bad = [
        '{"time": ',
        '{"time": -1}',
        '{"t": 1}',
        '{"time": [1]}',
        '{"time": "nan"}',
        "\xff",
        '{"time": 1e12}',
        "[",
        "",
    ]
    found = read(tmp_path, "t.jsonl", "\n".join([*lines[:10], *bad, *lines[10:]]).encode("latin-1"))
    assert len(found.times) == 999
    assert found.skipped == {
        "not a JSON object": (3, 11),
        "negative": (1, 12),
        "null": (1, 13),
        "neither text nor a number": (1, 14),
        "not a finite number": (1, 15),
        "a number of another unit than the first": (1, 17),
    }
    assert found.notes[0].startswith(
        "8 lines of the recording could not be read and are left out (not a JSON object: 3"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.log", b"", "a.log: the recording is empty"),
        ("a.log", b"\n \n", "a.log: the recording is empty"),
        ("a.log", b"hello\nworld\n", "a.log: its format is not known"),
        ("a.log", log("10/Oct/2000:13:55:36 -0700"), "a.log: holds one request only"),
        ("a.log", log("10/Oct/2000:13:55:36 +0000", "40/Oct/2000:13:55:36 +0000"), "no such date or time: 1, "),
        ("a.log", log("10/Oct/2000:13:55:36 +0000", "10/Okt/2000:13:55:36 +0000"), "no such date or time"),
        ("a.log", log("10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:36 +9900"), "no such date or time"),
        ("a.log", gzip.compress(b"x", mtime=0), r"a.log: is compressed \(gzip\)"),
        ("t.csv", "time\n1\n2\n".encode("utf-16"), "t.csv: not UTF-8"),
        ("t.csv", "tme,path\n1,a\n2,b\n", "t.csv: no column `time`"),
        ("t.csv", "time,time\n1,1\n2,2\n", "t.csv: twice the column `time`"),
        ("t.csv", "time\n", "t.csv: the recording is empty"),
        ("t.csv", "time\n1\nnan\n", "not a finite number: 1, first in line 3"),
        ("t.csv", "time\n1\ninf\n", "not a finite number"),
        ("t.csv", "time\n1\n-2\n", "negative"),
        ("t.csv", "time\n1\n1e30\n", "too large a number"),
        ("t.csv", "time\n1\n\xff\n".encode("latin-1"), "not a time"),
        ("t.csv", "time\n1\n2024-01-01\n", "not a time"),
        ("t.csv", "time\n1\n1969-12-31T23:59:59Z\n", "before 1970"),
        ("t.csv", "time,a\n1,b\n2\n", "not as many fields as the header: 1, first in line 3"),
        ("t.csv", 'time,a\n1,"b\n2,c\n3,d\n', "not as many fields as the header: 3, first in line 2"),
        ("t.csv", "time\n5\n5\n5.0\n5.5\n" + "9e4\n" * 2 + "9e5\n", "nothing between .* more than a day"),
        ("t.csv", "time\n5.5\n5.5\n5.5\n", "all 3 requests have the same time"),
        ("t.jsonl", '{"tim": 1}\n', "t.jsonl:1: no key `time`"),
        ("t.jsonl", '{"time": true}\n{"time": 2}', "neither text nor a number"),
        ("t.jsonl", "[" * 100_000, "not a JSON object"),
        ("t.parquet", b"PAR1" + b"x" * 100, "t.parquet: cannot be read as Parquet"),
        ("t.parquet", b"", "t.parquet: cannot be read as Parquet"),
    ],
)  # fmt: skip
def test_bad_recordings(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    """Each is a DataError of one line with a hint, and none is replayed in part."""
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, name, content)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    """In every format."""
    for name, content in (("t.csv", "a,times\n1,2\n"), ("t.jsonl", '{"a": 1, "times": 2}')):
        with pytest.raises(DataError) as caught:
            read(tmp_path, name, content)
        assert "did you mean `times`?" in caught.value.hint
    with pytest.raises(DataError, match=r"t\.parquet: no column `time`") as caught:
        parquet(tmp_path, "SELECT 1 AS times, 2 AS a")
    assert "did you mean `times`?" in caught.value.hint


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("CASE WHEN i < 3 THEN i END", "null: 7, first in line 4"),
        ("CASE WHEN i < 3 THEN to_timestamp(i) ELSE 'infinity'::TIMESTAMPTZ END", "null or infinite: 7"),
        ("to_timestamp(i - 5)", "before 1970: 5, first in line 1"),
        ("CASE WHEN i < 3 THEN i::DOUBLE ELSE 'nan'::DOUBLE END", "not a finite number"),
        ("i::FLOAT", "holds FLOAT, which is no time stamp"),
        ("DATE '2026-01-01'", "holds DATE, which is no time stamp"),
        ("i > 3", "holds BOOLEAN"),
        ("[i]", r"holds BIGINT\[\], which"),
    ],
)
def test_bad_parquet(tmp_path: Path, column: str, message: str) -> None:
    """Null, NaN, infinite and negative stamps are unreadable; types that hold no time of day are refused."""
    with pytest.raises(DataError, match=message):
        parquet(tmp_path, f"SELECT {column} AS time FROM range(10) t(i)")  # noqa: S608  (from the table above)


def test_truncated_parquet(tmp_path: Path) -> None:
    """Half a file, or one with damaged pages, is an error of one line."""
    parquet(tmp_path, "SELECT 1700000000 + hash(i) / 1e18 AS time FROM range(20000) t(i)")
    whole = (tmp_path / "t.parquet").read_bytes()
    damaged = whole[:4] + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :]
    for content in (whole[: len(whole) // 2], damaged):
        with pytest.raises(DataError, match=r"^t\.parquet: cannot be read as Parquet"):
            read(tmp_path, "t.parquet", content)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    """A missing file and a folder."""
    with pytest.raises(DataError, match="x: no such file"):
        read_trace(tmp_path / "x", "x", Trace(file="x"))
    with pytest.raises(DataError, match="d: is no regular file"):
        read_trace(tmp_path, "d", Trace(file="d"))


def test_duration_cuts_the_run(tmp_path: Path) -> None:
    """`duration` is time of the run: at speed 2 it covers twice as much of the recording."""
    content = "time\n" + "".join(f"{i / 2}\n" for i in range(1, 100))
    assert read(tmp_path, "t.csv", content, 2.0).times.tolist() == [0.0, 0.5, 1.0, 1.5]
    found = read(tmp_path, "t.csv", content, 2.0, speed=2.0)
    assert (len(found.times), found.last) == (8, "1970-01-01T00:00:04+00:00")
    with pytest.raises(PolicyError, match=r"one request of t\.csv lies within"):
        read(tmp_path, "t.csv", content, 0.1)


def test_a_far_future_beyond_the_duration_does_no_harm(tmp_path: Path) -> None:
    """A stray stamp behind the part that is sent is cut off; one before it is an error."""
    assert read(tmp_path, "t.csv", "time\n1.5\n2\n3\n9e8\n", 10.0).times.tolist() == [0.0, 0.5, 1.5]
    with pytest.raises(DataError, match="nothing between"):
        read(tmp_path, "t.csv", "time\n0\n9e8\n900000001.5\n")


def test_hard_caps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too long or too many is an error of the policy that says which `speed` or `duration` mends it; they do."""
    long = "time\n" + "".join(f"{i * 100.5}\n" for i in range(1, 101))
    with pytest.raises(PolicyError, match=r"takes 9,950 s at speed 1, more than 7,200") as caught:
        read(tmp_path, "t.csv", long)
    assert caught.value.hint == "set `speed` to 1.39 or more, or `duration` to 7200s or less"
    assert len(read(tmp_path, "t.csv", long, speed=1.39).times) == 100
    assert len(read(tmp_path, "t.csv", long, 7200.0).times) == 72
    with pytest.raises(PolicyError, match="takes inf s"):
        read(tmp_path, "t.csv", long, speed=1e-307)
    monkeypatch.setattr(module, "MAX_REQUESTS", 30)
    many = "time\n" + "".join(f"{i / 10}\n" for i in range(1, 101))
    with pytest.raises(PolicyError, match="holds 100 requests, more than 30") as caught:
        read(tmp_path, "t.csv", many)
    assert caught.value.hint == "set `duration` to 3s or less"
    assert len(read(tmp_path, "t.csv", many, 3.0).times) == 30
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, "t.csv", many, speed=10.0)
    assert caught.value.hint == "cut a part out of the file"
    monkeypatch.setattr(module, "MAX_STAMPS", 50)
    with pytest.raises(DataError, match="more than 50 requests"):
        read(tmp_path, "t.csv", many)


def test_long_lines_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is one line: an access log still tells its time, JSON is unreadable there."""
    monkeypatch.setattr(trace_formats, "MAX_LINE", 64)
    stamps = ("10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:37 +0000")
    content = log(*stamps, line='::1 - - [{}] "GET /' + "x" * 500 + ' HTTP/1.1" 200 5\n')
    assert read(tmp_path, "a.log", content).times.tolist() == [0.0, 1.0]
    rows = '{"time": 1.5}\n{"time": 2}\n' * 80 + '{"time": 2, "a": "' + "x" * 500 + '"}\n'
    assert read(tmp_path, "t.jsonl", rows).skipped == {"not a JSON object": (1, 161)}


def test_a_given_format_wins(tmp_path: Path) -> None:
    """`format` is believed, not the name."""
    assert len(read(tmp_path, "t.parquet", "time\n1\n2.5\n", format="csv").times) == 2
    with pytest.raises(DataError, match="2 of 2 lines cannot be read"):
        read(tmp_path, "t.txt", '{"time": 1}\n{"time": 2}\n', format="combined")


def test_a_recording_of_garbage_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once more lines are unreadable than any recording may have, reading stops."""
    monkeypatch.setattr(module, "MAX_STAMPS", 1000)
    with pytest.raises(DataError, match="11 of 11 lines"):
        read(tmp_path, "a.log", "garbage\n" * 5000, format="common")
