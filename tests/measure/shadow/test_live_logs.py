"""Logs of answers as files and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.shadow.test_logged import LINE
from ghmlops.core.errors import DataError
from ghmlops.measure.shadow import live_logs
from ghmlops.measure.shadow.live_logs import read_log


def test_lines_and_damaged_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers keep the number of their line; damaged lines are named; what is beyond the limit is reported."""
    (tmp_path / "log").write_text(f"{json.dumps(LINE)}\n\nrubbish\n{json.dumps(LINE)}\n")
    log = read_log(tmp_path / "log", "log", "id")
    assert ([row for row, _ in log.rows], list(log.unreadable), log.truncated) == ([1, 4], [3], False)
    monkeypatch.setattr(live_logs, "MAX_ROWS", 1)
    assert read_log(tmp_path / "log", "log", "id").truncated


@pytest.mark.parametrize("content", [None, "", "rubbish\n", "{}\n"])
def test_a_log_without_answers_is_refused(tmp_path: Path, content: str | None) -> None:
    """A missing, empty or foreign log is an error, never an empty comparison."""
    if content is not None:
        (tmp_path / "log").write_text(content)
    with pytest.raises(DataError):
        read_log(tmp_path / "log", "log", "id")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError):
        read_log(tmp_path / "folder", "folder", "id")
