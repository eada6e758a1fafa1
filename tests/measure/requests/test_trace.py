"""Recordings: their gaps are preserved, and each unusable one is an error of one line with a hint."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.policy.latency import Trace
from ghmlops.measure.requests import trace, trace_checks
from ghmlops.measure.requests.trace import read_trace
from recordings import access_log, read_recording

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_of_one_second_are_spread(tmp_path: Path) -> None:
    """If all timestamps are whole seconds, the requests of a second are spread evenly over it, with a note."""
    content = access_log(
        *["10/Oct/2000:13:55:36 +0000"] * 4, "10/Oct/2000:13:55:37 +0000", "10/Oct/2000:13:55:39 +0000"
    )
    result = read_recording(tmp_path, "a.log", content)
    assert result.times.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 3.0]
    assert len(result.notes) == 1
    assert "whole seconds" in result.notes[0]


def test_equal_timestamps_of_a_finer_clock_stay_equal(tmp_path: Path) -> None:
    """Equal timestamps of a finer clock are a burst and remain one."""
    result = read_recording(tmp_path, "t.csv", "time\n1700000000\n1700000000\n1700000000.5\n")
    assert (result.times.tolist(), result.notes) == ([0.0, 0.0, 0.5], ())


def test_timestamps_out_of_order_are_sorted(tmp_path: Path) -> None:
    """Times out of order are sorted, and the number of those after a later one is reported."""
    result = read_recording(tmp_path, "t.csv", "time\n10.5\n12\n11\n11.5\n13\n")
    assert (result.times.tolist(), result.out_of_order) == ([0.0, 0.5, 1.0, 1.5, 2.5], 2)
    assert result.notes[0].startswith("2 requests")
    assert "arbitrary origin" in result.notes[1]
    assert read_recording(tmp_path, "t.csv", "time\n3.5\n2\n1\n").out_of_order == 2


def test_few_unreadable_lines_are_counted_by_reason(tmp_path: Path) -> None:
    """Up to 1 % of the lines may be unreadable: they are counted by reason, with the first line, and reported."""
    lines = [f'{{"time": {i / 4}}}' for i in range(1, 1000)]
    bad = [
        '{"time": ',
        '{"time": -1}',
        '{"t": 1}',
        '{"time": [1]}',
        '{"time": "nan"}',
        "\xff",
        '{"time": "1/2/26"}',
        "[",
        "",
    ]
    result = read_recording(tmp_path, "t.jsonl", "\n".join([*lines[:10], *bad, *lines[10:]]).encode("latin-1"))
    assert len(result.times) == 999
    assert result.skipped == {
        "not a JSON object": (3, 11),
        "negative": (1, 12),
        "null": (1, 13),
        "neither text nor a number": (1, 14),
        "not a finite number": (1, 15),
        "not a time": (1, 17),
    }
    assert result.notes[0].startswith("8 ")
    assert re.search("JSON object: 3, .* line 11", result.notes[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.log", b"", "a.log: .*empty"),
        ("a.log", b"\n \n", "a.log: .*empty"),
        ("a.log", b"hello\nworld\n", "a.log: .*format"),
        ("a.log", access_log("10/Oct/2000:13:55:36 -0700"), "a.log: .*single request"),
        ("a.log", access_log("10/Oct/2000:13:55:36 +0000", "40/Oct/2000:13:55:36 +0000"), "no such date or time: 1, "),
        ("a.log", access_log("10/Oct/2000:13:55:36 +0000", "10/Okt/2000:13:55:36 +0000"), "no such date or time"),
        ("a.log", access_log("10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:36 +9900"), "no such date or time"),
        ("a.log", gzip.compress(b"x", mtime=0), r"a.log: .*format"),
        ("a.log", gzip.compress(b"x" * 100, mtime=0)[:-9], r"a.log: .*truncated"),
        ("a.log", b"BZh91AY", r"a.log: .*\(bzip2\)"),
        ("t.csv", "time\n1\n2\n".encode("utf-16"), "t.csv: .*UTF-8"),
        ("t.csv", "tme,path\n1,a\n2,b\n", "t.csv: .*`time`"),
        ("t.csv", "time,time\n1,1\n2,2\n", "t.csv: more than one column `time`"),
        ("t.csv", "time\n", "t.csv: .*empty"),
        ("t.csv", "time\n1\nnan\n", "not a finite number: 1, first in line 3"),
        ("t.csv", "time\n1\ninf\n", "not a finite number"),
        ("t.csv", "time\n1\n-2\n", "negative"),
        ("t.csv", "time\n1\n1e30\n", r"t.csv:3: 1e\+30 is of another unit"),
        ("t.csv", "time\n1\n\xff\n".encode("latin-1"), "not a time"),
        ("t.csv", "time\n1\n2024-01-01\n", "not a time"),
        ("t.csv", "time\n1969-12-31T23:59:59Z\n", "before 1990"),
        ("t.csv", "time\n1\n1969-12-31T23:59:59Z\n", "t.csv:3: '1969-12-31T23:59:59Z' is a date"),
        ("t.csv", "time,a\n1,b\n2\n", "not as many fields as the header: 1, first in line 3"),
        ("t.csv", 'time,a\n1,"b\n2,c\n3,d\n', "not as many fields as the header: 3, first in line 2"),
        ("t.csv", "time\n5\n5\n5.0\n5.5\n" + "9e4\n" * 2 + "9e5\n", "1970-.* and 1970-.* day"),
        ("t.csv", "time\n5.5\n5.5\n5.5\n", "all 3 requests"),
        ("t.jsonl", '{"tim": 1}\n', "t.jsonl:1: .*`time`"),
        ("t.jsonl", '{"time": true}\n{"time": 2}', "neither text nor a number"),
        ("t.jsonl", "[" * 100_000, "not a JSON object"),
        ("t.parquet", b"PAR1" + b"x" * 100, "t.parquet: .*Parquet"),
        ("t.parquet", b"", "t.parquet: .*Parquet"),
    ],
)  # fmt: skip
def test_bad_recordings(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    """Each is a DataError of one line with a hint; none is replayed partially."""
    with pytest.raises(DataError, match=message) as caught:
        read_recording(tmp_path, name, content)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_paths_that_are_not_regular_files(tmp_path: Path) -> None:
    """A missing file and a folder are errors."""
    with pytest.raises(DataError, match="x: no such file"):
        read_trace(tmp_path / "x", "x", Trace(file="x"))
    with pytest.raises(DataError, match=r"^d: is not a regular"):
        read_trace(tmp_path, "d", Trace(file="d"))


def test_duration_truncates_the_recording(tmp_path: Path) -> None:
    """`duration` is the time of the run: at speed 2 it covers twice as much of the recording."""
    content = "time\n" + "".join(f"{i / 2}\n" for i in range(1, 100))
    assert read_recording(tmp_path, "t.csv", content, 2.0).times.tolist() == [0.0, 0.5, 1.0, 1.5]
    result = read_recording(tmp_path, "t.csv", content, 2.0, speed=2.0)
    assert (len(result.times), result.last) == (8, "1970-01-01T00:00:04+00:00")
    with pytest.raises(PolicyError, match=r"one request of t\.csv .*`duration`"):
        read_recording(tmp_path, "t.csv", content, 0.1)


def test_a_far_future_beyond_the_duration_is_ignored(tmp_path: Path) -> None:
    """A stray timestamp after the part that is sent is dropped; one before it is an error."""
    assert read_recording(tmp_path, "t.csv", "time\n1.5\n2\n3\n9e6\n", 10.0).times.tolist() == [0.0, 0.5, 1.5]
    with pytest.raises(DataError, match=r"1970-.* and 1970-.* day"):
        read_recording(tmp_path, "t.csv", "time\n0\n9e6\n9000001.5\n")


def test_maximum_duration_and_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many seconds or requests are an error whose hint gives a `speed` or `duration` that is accepted."""
    long = "time\n" + "".join(f"{i * 100.5}\n" for i in range(1, 101))
    with pytest.raises(PolicyError, match=r"9,950 s at speed 1,.* 7,200") as caught:
        read_recording(tmp_path, "t.csv", long)
    assert all(part in caught.value.hint for part in ("`speed` to 1.39", "`duration` to 7200s"))
    assert len(read_recording(tmp_path, "t.csv", long, speed=1.39).times) == 100
    assert len(read_recording(tmp_path, "t.csv", long, 7200.0).times) == 72
    with pytest.raises(PolicyError, match=" inf s"):
        read_recording(tmp_path, "t.csv", long, speed=1e-307)
    monkeypatch.setattr(trace_checks, "MAX_REQUESTS", 30)
    many = "time\n" + "".join(f"{i / 10}\n" for i in range(1, 101))
    with pytest.raises(PolicyError, match=r" 100 requests,.* 30$") as caught:
        read_recording(tmp_path, "t.csv", many)
    assert "`duration` to 3s" in caught.value.hint
    assert len(read_recording(tmp_path, "t.csv", many, 3.0).times) == 30
    with pytest.raises(PolicyError) as caught:
        read_recording(tmp_path, "t.csv", many, speed=10.0)
    assert "`duration`" not in caught.value.hint
    monkeypatch.setattr(trace, "MAX_STAMPS", 50)
    with pytest.raises(DataError, match=" 50 requests"):
        read_recording(tmp_path, "t.csv", many)


def test_an_unreadable_recording_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops once more lines are unreadable than any recording may have."""
    monkeypatch.setattr(trace, "MAX_STAMPS", 1000)
    with pytest.raises(DataError, match="11 of 11 lines"):
        read_recording(tmp_path, "a.log", "garbage\n" * 5000, format="common")
