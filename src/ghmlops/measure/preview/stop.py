"""Terminates a preview that outlived its step, and finds the process whose end terminates a preview."""

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
"""Upper bound of process ids on Linux."""
_WRAPPERS = re.compile(
    r"(ba|da|z|k|fi)?sh|pwsh|python[0-9.]*|uvx?|ghmlops|env|timeout|nice|sudo|setsid|time", re.IGNORECASE
)
"""Names of processes that only run a command; the first ancestor with another name is the runner or a terminal."""


class StopResult(NamedTuple):
    """How a preview ended.

    Attributes:
        reason: `now` if this command terminated it; otherwise what its supervisor recorded before (`lifetime`,
            `service-ended`, ...), or `gone` if it recorded nothing.
        status: Exit status of a service that exited by itself; otherwise `None`.
        tail: End of the log of a service that exited by itself; otherwise empty.
    """

    reason: str
    status: int | None = None
    tail: str = ""


def runner_process() -> int | None:
    """Return the id of the process whose end terminates a preview: Runner.Worker, act or a terminal.

    Returns:
        The process id; `None` if there is no such ancestor.
    """
    for parent in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if not _WRAPPERS.fullmatch(parent.name().lstrip("-")):
                return parent.pid if parent.pid > 1 else None
    return None


def stop_preview(pid_text: str, temp: str) -> StopResult:
    """Terminate a preview by the process id of its supervisor, and wait until its process tree has ended.

    No other process is ever signalled: the arguments of the process must name the module and the folder of a
    supervisor, and the state in that folder must name the process. A preview can be stopped twice, because its state
    remains.

    Args:
        pid_text: Process id as the user passed it.
        temp: Parent folder of the folders of previews; empty for the default of the system.

    Raises:
        InputError: The text is not a process id, or not one of a current or former preview.
        ServiceError: The preview does not end.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,6}", pid_text.strip(), re.ASCII) or int(pid_text) > MAX_PID:
        raise InputError(f"input `stop`: {pid_text!r} is not a process id", hint="pass the output `pid` of the preview")
    pid = int(pid_text)
    try:
        process = psutil.Process(pid)
        if _is_supervisor(process) and process.status() != psutil.STATUS_ZOMBIE:
            process.terminate()
            process.wait(GRACE + KILL_SECONDS + 10.0)
            return StopResult("now")
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise InputError(f"input `stop`: process {pid} belongs to another user", hint="stop it as that user") from None
    except psutil.TimeoutExpired:
        raise ServiceError(f"the preview {pid} does not end", hint=f"kill -9 {pid}") from None
    # The preview may have ended, and its process id may belong to another process now.
    if (record := _recorded_end(pid, temp)) is not None:
        return record
    raise InputError(
        f"input `stop`: process {pid} is not a preview, and none with this number is recorded",
        hint="pass the output `pid` of the preview, with the same RUNNER_TEMP or TMPDIR",
    )


def _is_supervisor(process: psutil.Process) -> bool:
    """Return whether the process is the supervisor of a preview."""
    try:
        words = process.cmdline()
    except psutil.AccessDenied:
        return False
    if MODULE not in words[:-1]:
        return False
    folder = Path(words[words.index(MODULE) + 1])
    return folder.name.startswith(PREFIX) and _read_state(folder).get("pid") == process.pid


def _recorded_end(pid: int, temp: str) -> StopResult | None:
    for folder in Path(temp or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        state = _read_state(folder)
        if state.get("pid") == pid:
            status = state.get("status")
            if isinstance(status, int):
                return StopResult(str(state["ended"]), status, log_tail(folder / LOG))
            return StopResult(str(state.get("ended") or "gone"))
    return None


def _read_state(folder: Path) -> dict[str, object]:
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
