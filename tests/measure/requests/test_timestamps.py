"""Timestamps of recordings, in each supported notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
        ["2023-11-14 22:13:20", "2023-11-14 22:13:20,25", "2023-11-14 22:13:23 UTC"],
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
