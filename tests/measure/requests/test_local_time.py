"""Times without a zone: a change of the clocks neither adds an hour nor removes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.errors import DataError, PolicyError
from recordings import read_parquet_recording, read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def local_log(*hours: str, step: int = 10) -> str:
    """Return a CSV with one time per `step` minutes in each hour, such as `2025-10-26T02`."""
    return "time\n" + "".join(f"{hour}:{minute:02}:00\n" for hour in hours for minute in range(0, 60, step))


BACK = local_log("2025-10-26T01", "2025-10-26T02", "2025-10-26T02", "2025-10-26T03")
FORWARD = local_log("2025-03-30T00", "2025-03-30T01", "2025-03-30T03")


def minutes(times: NDArray[np.float64]) -> list[float]:
    """Return the distinct gaps in minutes."""
    return sorted({float(gap) for gap in np.diff(times) / 60})


@pytest.mark.parametrize("content", [BACK, FORWARD], ids=["back", "forward"])
def test_a_jump_of_the_clock_is_refused_without_a_zone_and_resolved_with_one(tmp_path: Path, content: str) -> None:
    """Requests every 10 minutes across a change of the clocks are every 10 minutes in the replay, or refused."""
    with pytest.raises(DataError, match="clock was set") as caught:
        read_recording(tmp_path, "t.csv", content, speed=10.0)
    assert "`zone`" in caught.value.hint
    result = read_recording(tmp_path, "t.csv", content, speed=10.0, zone="Europe/Berlin")
    assert minutes(result.times) == [10.0]
    assert result.out_of_order == 0


def test_the_line_of_a_jump_back_is_named(tmp_path: Path) -> None:
    """The first line after the jump, with its time."""
    with pytest.raises(DataError, match=r"^t\.csv:14: .*2025-10-26T02:00:00 is 50 minutes before"):
        read_recording(tmp_path, "t.csv", BACK)


def test_times_in_utc_may_be_in_any_order_if_the_policy_states_so(tmp_path: Path) -> None:
    """`zone: UTC` makes a file whose times are out of order, or lack an hour, readable."""
    assert len(read_recording(tmp_path, "t.csv", FORWARD, speed=10.0, zone="UTC").times) == 18
    rows = "time\n2025-01-01T05:00:00\n2025-01-01T03:30:00\n2025-01-01T04:00:01\n"
    assert read_recording(tmp_path, "t.csv", rows, speed=10.0, zone="UTC").times.tolist() == [0.0, 1801.0, 5400.0]


def test_a_slightly_unordered_log_around_the_change(tmp_path: Path) -> None:
    """A line that was written late, just after the clock was set back, belongs to the first pass of the hour."""
    rows = "time\n" + "".join(
        f"2025-10-26T{time}\n"
        for time in ("02:30:00", "02:59:58.5", "02:00:01", "02:59:59.5", "02:00:02", "02:30:00", "02:59:59", "03:00:00")
    )
    rows = rows.replace("time\n", "time\n2025-10-26T01:59:59\n")
    result = read_recording(tmp_path, "t.csv", rows, speed=10.0, zone="Europe/Berlin")
    assert result.times.tolist() == [0.0, 1801.0, 3599.5, 3600.5, 3602.0, 3603.0, 5401.0, 7200.0, 7201.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time\n2025-03-30T02:30:00\n2025-03-30T02:30:01\n", r"t\.csv:2: .*does not exist in Europe/Berlin"),
        ("time\n2025-10-26T02:30:00\n2025-10-26T03:30:00\n", r"t\.csv:2: .*set back"),
        (local_log("2025-10-26T01", "2025-10-26T02", "2025-10-26T03"), r"t\.csv:14: .*set back"),
    ],
)
def test_an_hour_that_the_zone_cannot_resolve_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """A time that the zone skips, and a repeated hour of which the file contains one pass, are errors."""
    with pytest.raises(DataError, match=message):
        read_recording(tmp_path, "t.csv", content, zone="Europe/Berlin")


def test_parquet_timestamps_without_a_zone(tmp_path: Path) -> None:
    """TIMESTAMP is a local time as in text; TIMESTAMP WITH TIME ZONE is not affected."""
    times = "VALUES ('2025-10-26 02:00:00'), ('2025-10-26 02:50:00'), ('2025-10-26 02:00:30')"
    with pytest.raises(DataError, match=r"t\.parquet:3: .*49 minutes|t\.parquet:3: .*50 minutes"):
        read_parquet_recording(tmp_path, f"SELECT x::TIMESTAMP AS time FROM ({times}) v(x)")  # noqa: S608  (constants)
    result = read_parquet_recording(tmp_path, f"SELECT (x || '+00')::TIMESTAMPTZ AS time FROM ({times}) v(x)")  # noqa: S608  (constants)
    assert result.times.tolist() == [0.0, 30.0, 3000.0]


def test_an_assumed_zone_is_reported(tmp_path: Path) -> None:
    """Times without a zone are read as UTC, and a note states this; an unknown zone is an error of the policy."""
    rows = "time\n2025-01-01T05:00:00\n2025-01-01T05:30:00.5\n"
    assert any("UTC" in note for note in read_recording(tmp_path, "t.csv", rows).notes)
    assert read_recording(tmp_path, "t.csv", rows, zone="Europe/Berlin").first == "2025-01-01T04:00:00+00:00"
    with pytest.raises(PolicyError, match="Mars/Base"):
        read_recording(tmp_path, "t.csv", rows, zone="Mars/Base")


def test_a_sparse_log_shows_a_jump_back_by_more_than_five_minutes(tmp_path: Path) -> None:
    """Requests every 50 minutes: after the clock was set back by an hour, the next line is 10 minutes earlier."""
    rows = "time\n2025-10-26T02:50:00\n2025-10-26T02:40:00\n2025-10-26T03:30:00\n"
    with pytest.raises(DataError, match=r"^t\.csv:3: .* 10 minutes before"):
        read_recording(tmp_path, "t.csv", rows)
    near = "time\n2025-10-26T02:50:00\n2025-10-26T02:46:00\n2025-10-26T03:30:00\n"
    assert read_recording(tmp_path, "t.csv", near).out_of_order == 1
