"""Ending a preview that outlived its step, and finding the process whose life it shares."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.measure.preview.launch import GRACE, MODULE, PREFIX, log_tail
from ghmlops.measure.preview.supervisor import KILL_SECONDS, LOG, STATE

MAX_PID = 2**22
"""Beyond this Linux numbers no process."""
_PASSING = re.compile(
    r"(ba|da|z|k|fi)?sh|pwsh|python[0-9.]*|uvx?|ghmlops|env|timeout|nice|sudo|setsid|time", re.IGNORECASE
)
"""Names of processes that only hand a command on; the first ancestor with another name is the runner or a terminal."""


class Stopped(NamedTuple):
    """How a preview ended: `now`, `gone`, or what its supervisor recorded before (`lifetime`, `service-ended` ...)."""

    how: str
    status: int | None = None
    """Exit status of a service that ended by itself."""
    tail: str = ""
    """End of its log, where it ended by itself."""


def runner_process() -> int | None:
    """Return the process that a preview shares its life with: Runner.Worker, act, a terminal; `None` without one."""
    for parent in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if not _PASSING.fullmatch(parent.name().lstrip("-")):
                return parent.pid if parent.pid > 1 else None
    return None


def stop(text: str, temp: str) -> Stopped:
    """End the preview whose supervisor is the process `text`, and wait until all of it is gone.

    A process that is not a supervisor of ours is never touched: its arguments must name the supervisor's module and a
    folder of ours, and the record in that folder must name the process. Ending twice is fine: the record stays.

    Raises:
        InputError: not a process id, or of a process that is not and was not a preview.
        ServiceError: it does not end.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text.strip(), re.ASCII) or int(text) > MAX_PID:
        raise InputError(f"input `stop`: {text!r} is not a process id", hint="give the output `pid` of the preview")
    pid = int(text)
    try:
        process = psutil.Process(pid)
        ours = _folder_of(process)
        if ours is not None and process.status() != psutil.STATUS_ZOMBIE:
            process.terminate()
            process.wait(GRACE + KILL_SECONDS + 10.0)
            return Stopped("now")
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise InputError(f"input `stop`: process {pid} belongs to another user", hint="stop it as that user") from None
    except psutil.TimeoutExpired:
        raise ServiceError(f"the preview {pid} does not end", hint=f"kill -9 {pid}") from None
    if (before := _recorded(pid, temp)) is not None:
        return before  # ours ended; its number may belong to another process by now
    raise InputError(
        f"input `stop`: process {pid} is not a preview, and none with this number is recorded",
        hint="give the output `pid` of the preview, with the same RUNNER_TEMP or TMPDIR",
    )


def _folder_of(process: psutil.Process) -> Path | None:
    """Return the folder of a supervisor of ours; `None` for any other process."""
    try:
        words = process.cmdline()
    except psutil.AccessDenied:
        return None
    if MODULE not in words[:-1]:
        return None
    folder = Path(words[words.index(MODULE) + 1])
    return folder if folder.name.startswith(PREFIX) and _read(folder).get("pid") == process.pid else None


def _recorded(pid: int, temp: str) -> Stopped | None:
    for folder in Path(temp or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        state = _read(folder)
        if state.get("pid") == pid:
            status = state.get("status")
            if isinstance(status, int):
                return Stopped(str(state["ended"]), status, log_tail(folder / LOG))
            return Stopped(str(state.get("ended") or "gone"))
    return None


def _read(folder: Path) -> dict[str, object]:
    try:
        found = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
