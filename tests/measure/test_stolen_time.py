"""CPU time that other machines took, as the kernel reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.measure.stolen_time import read_cpu_times, stolen_share

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_line_of_proc_stat_is_read(tmp_path: Path) -> None:
    """The eighth field is stolen time; guest time, which user time includes, is not added again."""
    path = tmp_path / "stat"
    path.write_text("cpu  10 1 5 70 4 0 0 10 99 99\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert read_cpu_times(path) == (10, 100)


@pytest.mark.parametrize("content", ["", "cpu 1 2 3\n", "cpu a b c d e f g h\n", None])
def test_a_system_that_does_not_report_it_has_none(content: str | None, tmp_path: Path) -> None:
    """An unreadable or short file gives zeros, and no share."""
    path = tmp_path / "stat"
    if content is not None:
        path.write_text(content)
    assert read_cpu_times(path) == (0, 0)
    assert stolen_share((0, 0), (0, 0)) == 0.0


def test_the_share_is_of_the_time_between_two_readings() -> None:
    """3 of 100 ticks; counters that run backwards steal nothing."""
    assert stolen_share((10, 1000), (13, 1100)) == 0.03
    assert stolen_share((13, 1100), (10, 1000)) == 0.0
