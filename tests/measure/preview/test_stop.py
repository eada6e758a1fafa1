"""Stopping a preview: a recorded end is reported, and no other process is touched."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.preview.stop import MAX_PID, StopResult, stop_preview

if TYPE_CHECKING:
    from pathlib import Path


def record(temp: Path, **state: object) -> None:
    """Write the state and the log that a supervisor with the largest process id leaves."""
    folder = temp / "ghmlops-preview-x"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps({"pid": MAX_PID, "status": None, **state}))
    (folder / "log").write_text("loading\nno model\n")


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ({"ended": "lifetime"}, StopResult("lifetime")),
        ({"ended": "service-ended", "status": 3}, StopResult("service-ended", 3, "loading | no model")),
        ({"ended": ""}, StopResult("gone")),
    ],
)
def test_a_recorded_end_is_reported(tmp_path: Path, state: dict[str, object], result: StopResult) -> None:
    """The result has the recorded reason; if the service exited by itself, its status and the end of its log."""
    record(tmp_path, **state)
    assert stop_preview(str(MAX_PID), str(tmp_path)) == result


@pytest.mark.parametrize("pid", [str(MAX_PID), str(os.getpid())], ids=["unused", "other"])
def test_a_process_without_a_record_is_refused(tmp_path: Path, pid: str) -> None:
    """Neither an unused process id nor that of another process is a preview; the message names it."""
    with pytest.raises(InputError, match=f"process {pid} "):
        stop_preview(pid, str(tmp_path))


@pytest.mark.parametrize("text", ["", "abc", "-1", "0", "1.5", str(MAX_PID + 1), "٣"])
def test_a_text_that_is_not_a_process_id(tmp_path: Path, text: str) -> None:
    """Only a positive decimal number up to the maximum is accepted."""
    with pytest.raises(InputError, match="`stop`"):
        stop_preview(text, str(tmp_path))
