"""Timestamps of recordings, in each supported notation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from recordings import access_log, read_recording

if TYPE_CHECKING:
    from pathlib import Path


def test_half_hour_zones(tmp_path: Path) -> None:
    """The minutes of a time zone have the sign of its hours."""
    content = access_log("01/Jan/2026:00:00:00 -0330", "01/Jan/2026:09:00:01 +0530")
    assert read_recording(tmp_path, "a.log", content).times.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "stamps",
    [
        ["1700000000", "1700000000.25", "1700000003"],
        ["1700000000000", "1700000000250", "1700000003000"],
        ["1700000000000000", "1700000000250000", "1700000003000000"],
        ["1700000000000000000", "1700000000250000000", "1700000003000000000"],
        ["0", "0.25", "3"],
        ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.250000000Z", "2023-11-14T23:13:23+01:00"],
        ["2023-11-14 22:13:20", "2023-11-14 22:13:20,25", "2023-11-14 22:13:23"],
        ["2023-11-14 22:13:20 UTC", "2023-11-14 22:13:20.25+00:00", "2023-11-14 22:13:23Z"],
    ],
)
def test_formats_of_timestamps(tmp_path: Path, stamps: list[str]) -> None:
    """Numbers since 1970 or from 0, and ISO 8601 with and without a zone, are read from CSV and JSONL."""
    rows = "".join(f'"GET, x",{stamp}\n' if "," not in stamp else f'x,"{stamp}"\n' for stamp in stamps)
    assert read_recording(tmp_path, "t.csv", "\ufeffpath, time\n" + rows).times.tolist() == [0.0, 0.25, 3.0]
    lines = "".join(f'{{"time": "{stamp}"}}\n' for stamp in stamps)
    assert read_recording(tmp_path, "t.jsonl", lines).times.tolist() == [0.0, 0.25, 3.0]
    if stamps[0].isdecimal():
        lines = "".join(f'{{"at": {stamp}, "b": [1]}}\n' for stamp in stamps)
        assert read_recording(tmp_path, "t.txt", lines, time="at").times.tolist() == [0.0, 0.25, 3.0]


@pytest.mark.parametrize(
    ("stamp", "message"),
    [
        ("20260102030405", "2026-01-02T03:04:05"),  # Read as milliseconds it would be the year 2612.
        ("20260102", "2026-01-02T00:00:00"),
        ("2026010203", "2026-01-02T03:00:00"),  # Also 2034 in seconds.
        ("2601020304", "2026-01-02T03:04:00"),  # Two digits of the year; also 2052 in seconds.
        ("202601020304", "2026-01-02T03:04:00"),
        ("260102030405", "2026-01-02T03:04:05"),
        ("20260102030405678", "2026-01-02T03:04:05"),
        ("20260102030405678901", "2026-01-02T03:04:05"),
        ("1700000000000000000000", "no unit"),
        ("17000000000", "no unit"),  # Tenths of a second.
        ("170000000000000", "no unit"),
        ("133457348050000000", "no unit"),  # Windows: 100 ns since 1601.
        ("639029000000000000", "ticks"),  # .NET: 100 ns since the year 1; also 1990 in nanoseconds.
        ("1e30", "no unit"),
    ],
)
def test_numbers_of_no_certain_unit_are_refused(tmp_path: Path, stamp: str, message: str) -> None:
    """A number that is no time from 1990 to 2100 in exactly one unit is an error with the line and the value."""
    with pytest.raises(DataError, match=rf"^t\.csv:2: {re.escape(stamp)[:2]}") as caught:
        read_recording(tmp_path, "t.csv", f"time\n{stamp}\n{stamp}\n")
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("stamps", "line"),
    [
        (["1700000000", "1700000000.5", "1700000001000"], 4),
        (["1700000000000", "1700000001"], 3),
        (["1700000000000", "1700000000001", "0"], 4),
        (["0", "1", "1700000000"], 4),
        (["1700000000", "2023-11-14T22:13:20Z"], 3),
        (["2023-11-14T22:13:20Z", "1700000000"], 3),
        (["2023-11-14T22:13:20Z", "2023-11-14T22:13:21"], 3),
    ],
)
def test_a_mix_of_units_is_refused(tmp_path: Path, stamps: list[str], line: int) -> None:
    """All times of a file have one unit or notation: the first other one is an error, even if it is 1 of 1,000."""
    filler = [stamps[0]] * 1000
    for rows, number in ((stamps, line), ([*filler, *stamps], line + 1000)):
        with pytest.raises(DataError, match=rf"^t\.csv:{number}: "):
            read_recording(tmp_path, "t.csv", "time\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize(
    "text", ["01/02/2026 03:04:05", "02.01.2026 03:04:05", "26-01-02 03:04:05", "1_000", "3:04 PM"]
)
def test_dates_of_uncertain_order_are_unreadable(tmp_path: Path, text: str) -> None:
    """Two-digit years and dates whose day and month can be exchanged are not read; the message quotes the value."""
    with pytest.raises(DataError, match=rf"not a time: 2, .* 2 \(the value '{text}'\)"):
        read_recording(tmp_path, "t.csv", f"time\n{text}\n{text}\n")


def test_dates_beyond_the_plausible_years_are_unreadable(tmp_path: Path) -> None:
    """Years before 1990 and after 2100 are counted by reason."""
    with pytest.raises(DataError, match=r"before 1990: 1, .* 2 .*after 2100: 1, .* 3"):
        read_recording(tmp_path, "t.csv", "time\n0001-01-01T00:00:00Z\n2612-01-08T00:00:00Z\n")


def test_days_of_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    """46024.5 is a date in 2026 for a spreadsheet: an hour would be replayed within 0.04 s."""
    with pytest.raises(DataError, match=r"46024\.5 to 46024\.54"):
        read_recording(tmp_path, "t.csv", "time\n46024.5\n46024.52\n46024.54\n")
