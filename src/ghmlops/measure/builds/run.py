"""Runs the user's build in a fresh folder: without a shell, with bounded time and output, leaving no process behind."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.text.secret_variables import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.measure.preview.launch import SupervisorHandle

MAX_SECONDS = 6 * 3600.0
"""Maximum time of one build in seconds; it equals the maximum time of a job on GitHub."""
MAX_OUTPUT = 16 * 1024 * 1024
"""Size in bytes above which the output is truncated to its end."""
_TAIL_BYTES = 64 * 1024
"""Number of bytes that a truncated output keeps."""
_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""
PREFIX = "ghmlops-rebuild-"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """How a build ended.

    Attributes:
        problem: A clause such as "ended with exit status 3"; empty if the exit status was 0.
        timed_out: Whether the build was terminated at its time limit.
        tail: End of its output, as one printable line.
        seconds: Duration in seconds.
    """

    problem: str
    timed_out: bool
    tail: str
    seconds: float


def split_command(command: str) -> list[str]:
    """Split a command into words as a shell does, without a shell.

    Raises:
        InputError: The command is empty or has an unclosed quotation.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"input `rebuild`: {error}: {command[:200]!r}", hint="close the quotation") from None
    if not words or not words[0] or "\x00" in command:
        raise InputError("input `rebuild` is empty", hint='--rebuild "python predict.py"')
    return words


def build_environment(environ: Mapping[str, str], temp: Path) -> dict[str, str]:
    """Return the environment of a build: that of the step without tokens, with a separate temporary folder.

    HOME is preserved, because packages and models are cached there. PYTHONHASHSEED is not set, unless the step sets
    it: a build that depends on the order of a set is not reproducible, which is to be detected.
    """
    from ghmlops.measure.preview.launch import service_environment

    variables = service_environment(environ, 0)
    if "PORT" in environ:
        variables["PORT"] = environ["PORT"]
    else:
        variables.pop("PORT", None)  # Services receive a port; a build does not.
    return variables | dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temp))


def run_build(  # noqa: PLR0913  (keywords only; the caller has these values one by one)
    words: list[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    temp: str = "",
    limit: float = MAX_SECONDS,
    progress: Callable[[str], None] = lambda _: None,
    log: Path | None = None,
) -> BuildResult:
    """Run a build; all processes that it started have ended when this function returns or raises.

    Args:
        words: Command line.
        cwd: Working directory.
        environ: Environment of the step, from which `build_environment` derives that of the build.
        temp: Parent folder of temporary files; empty for the default of the system.
        limit: Time limit in seconds.
        progress: Receives progress messages.
        log: File that receives its output, truncated to its end if it is long; `None` if only the tail is needed.

    Raises:
        InputError: No temporary folder can be created, or psutil is not installed.
    """
    if importlib.util.find_spec("psutil") is None:
        raise InputError("--rebuild needs psutil", hint="install the extra: `pip install 'ghmlops[preview]'`")
    try:
        home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temp or None)).resolve()
    except OSError as error:
        raise InputError(
            f"no temporary folder can be created: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR"
        ) from None
    try:
        build_temp = home / "tmp"
        build_temp.mkdir()
        request = {
            "words": words,
            "cwd": str(cwd),
            "environ": build_environment(environ, build_temp),
            "lifetime": limit,
            "grace": _GRACE,
        }
        result = _supervise(request, home / "supervisor", limit, progress)
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(home / "supervisor" / "log", log)
        return result
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _supervise(
    request: Mapping[str, object], folder: Path, limit: float, progress: Callable[[str], None]
) -> BuildResult:
    """Run a build under a supervisor, which terminates all its descendants when the build, or this process, ends."""
    from ghmlops.measure.preview.launch import log_tail, start_supervisor
    from ghmlops.measure.temporary import deferred_signals

    started = time.monotonic()
    folder.mkdir()
    # The build can read the environment of its parent, so the supervisor has no variable that the build has not.
    supervisor = start_supervisor(folder, without_secrets(os.environ))
    try:
        supervisor.send(request)
        exit_reason = _wait(supervisor, started, progress)
    finally:
        with deferred_signals():
            supervisor.terminate()
            supervisor.close()
    problem, timed_out = _problem(supervisor, exit_reason, limit)
    seconds = round(time.monotonic() - started, 1)
    return BuildResult(problem=problem, timed_out=timed_out, tail=log_tail(folder / "log"), seconds=seconds)


def _wait(supervisor: SupervisorHandle, started: float, progress: Callable[[str], None]) -> str:
    """Wait for the end of the build, and return the reason that the supervisor reports."""
    exit_reason = ""
    while not supervisor.closed:
        # Continue to poll after the first reason, so that all events are read.
        latest = supervisor.poll(0.5)
        exit_reason = exit_reason or latest
        progress(f"building for {time.monotonic() - started:.0f} s")
        _truncate_log(supervisor.folder / "log")
    return exit_reason


def _truncate_log(log: Path) -> None:
    """Truncate a long output to its end; the build opened the file for appending, so that it continues after it."""
    if log.stat().st_size <= MAX_OUTPUT:
        return
    with log.open("r+b") as stream:
        stream.seek(-_TAIL_BYTES, os.SEEK_END)
        tail = stream.read()
        stream.truncate(0)
    with log.open("ab") as stream:
        stream.write(tail)


def _problem(supervisor: SupervisorHandle, exit_reason: str, limit: float) -> tuple[str, bool]:
    """Return a clause that states what went wrong (empty if nothing did), and whether the time limit was reached."""
    try:
        state = json.loads((supervisor.folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "lost its supervisor", False
    if state.get("ended") == "lifetime":
        return f"did not end within {limit:,.0f} s", True
    if any(event["event"] == "exited" and event["status"] == 0 for event in supervisor.events):
        return "", False
    return exit_reason.removesuffix(" before it was ready") or f"was ended ({state.get('ended')})", False
