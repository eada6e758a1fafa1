"""The supervisor process of one service: `python -m ghmlops.measure.preview.supervisor FOLDER [--detach]`.

It reads a launch request (one line of JSON) from standard input, starts the service, and reports events as lines of
JSON on standard output. It terminates the service and all its descendants as soon as one of these happens: standard
input is closed (the starter has ended, or no longer needs the service), a SIGTERM, the end of the lifetime, the end of
the watched process, or the end of the service itself. After the line `release` on standard input it outlives its
starter.

As a "child subreaper" it adopts every orphan of the service, so that double-forked processes are its descendants, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

if TYPE_CHECKING:
    from types import FrameType

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TICK = 0.25
"""Seconds between two checks of the clock and of the watched process; the end of the service is noticed at once."""
KILL_SECONDS = 10.0
"""Seconds for which SIGKILL is sent to descendants that still run."""
STATE, LOG = "state.json", "log"
_libc = ctypes.CDLL(None, use_errno=True)


class LaunchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A service to start, and when to terminate it.

    Attributes:
        words: Command line.
        cwd: Working directory.
        environ: Environment.
        lifetime: Time after which the service is terminated, in seconds.
        grace: Time between SIGTERM and SIGKILL, in seconds.
        watch: Id of a process whose end terminates the service; `None` for no such process.
    """

    words: list[str]
    cwd: str
    environ: dict[str, str]
    lifetime: float
    grace: float
    watch: int | None = None


class StopSignal(Exception):
    """Raised by the handler of SIGTERM, SIGINT and SIGHUP."""


def main(folder: Path, *, detach: bool) -> int:
    """Supervise one service until its end, and record the end in `folder`."""
    if detach and os.fork():
        os._exit(0)  # The child is adopted by init, so that its starter does not need to reap it.
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, _raise_stop)
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    state: dict[str, Any] = {"pid": os.getpid(), "ended": "", "status": None}
    request = None
    try:
        with open(0, "rb", buffering=0, closefd=False) as control:
            request = msgspec.json.decode(control.readline(), type=LaunchRequest)
        service = _spawn(request, folder / LOG)
        send_event({"event": "started", "pid": os.getpid()})
        write_state(folder, state)
        state["ended"], state["status"] = _watch(service.pid, request, wake)
        if state["status"] is not None:
            send_event({"event": "exited", "status": state["status"]})
    except StopSignal:
        state["ended"] = "stopped"
    except msgspec.DecodeError:
        state["ended"] = "starter-gone"
    except OSError as error:
        send_event({"event": "failed", "why": error.strerror or str(error)})
        state["ended"] = "failed"
    finally:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        terminate_descendants(request.grace if request else 0.0)
        write_state(folder, state)
        if state["ended"] == "starter-gone":  # No process is left that could read the log.
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _raise_stop(_signal: int, _frame: FrameType | None) -> None:
    raise StopSignal


def _spawn(request: LaunchRequest, log: Path) -> subprocess.Popen[bytes]:
    """Start the service in a separate session; the kernel kills it if the supervisor is killed."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            request.words,
            cwd=request.cwd,
            env=request.environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_supervisor,  # noqa: PLW1509  (this process has one thread)
        )


def _die_with_supervisor() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(service: int, request: LaunchRequest, wake: int) -> tuple[str, int | None]:
    """Wait for a reason to terminate the service.

    Returns:
        The reason, and the exit status of the service if it exited by itself.
    """
    deadline = time.monotonic() + request.lifetime
    watched = _process(request.watch)
    descriptors = [wake, 0]
    while True:
        ready, _, _ = select.select(descriptors, [], [], max(0.0, min(TICK, deadline - time.monotonic())))
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready:
            if os.read(0, 4096) == b"":
                return "starter-gone", None
            # Released: the end of the starter no longer matters.
            descriptors = [wake]
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        statuses = reap()
        if service in statuses:
            return "service-ended", statuses[service]
        if time.monotonic() >= deadline:
            return "lifetime", None
        if request.watch is not None and not _is_running(watched):
            return "runner-gone", None


def _process(pid: int | None) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid) if pid is not None else None
    return None


def _is_running(process: psutil.Process | None) -> bool:
    """Return whether this process still runs; another process that reuses its id does not count."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def reap() -> dict[int, int]:
    """Reap ended children and adopted orphans.

    Returns:
        The exit status of each process id; negative for the number of a signal.
    """
    statuses: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            statuses[pid] = os.waitstatus_to_exitcode(status)
    return statuses


def terminate_descendants(grace: float) -> None:
    """Send SIGTERM to all descendants, and after `grace` seconds SIGKILL until none is left."""
    this_process = psutil.Process()
    _signal_descendants(this_process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while this_process.children() and time.monotonic() < deadline:
        reap()
        time.sleep(0.01)
    deadline = time.monotonic() + KILL_SECONDS
    while this_process.children() and time.monotonic() < deadline:
        _signal_descendants(this_process, signal.SIGKILL)
        reap()
        time.sleep(0.01)


def _signal_descendants(process: psutil.Process, number: signal.Signals) -> None:
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(number)


def send_event(event: dict[str, Any]) -> None:
    """Write one event to the starter, which may have ended."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(event).encode() + b"\n")


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Write `state.json` atomically, from which `--stop` reads how the preview ended; the folder may be gone."""
    temporary = folder / f".{STATE}"
    with contextlib.suppress(FileNotFoundError):
        temporary.write_text(json.dumps(state), encoding="utf-8")
        temporary.replace(folder / STATE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), detach="--detach" in sys.argv[2:]))
