"""The process that owns one service: `python -m ghmlops.measure.preview.supervisor FOLDER [--detach]`.

It reads one line of JSON (`Order`) from standard input, starts the service, tells what happens as lines of JSON on
standard output, and ends the service with everything below it as soon as one of these is true: standard input is
closed (whoever started it has gone, or is done), SIGTERM, the lifetime is over, the watched process has gone, or the
service ended by itself. After the line `release` on standard input it stays when its starter goes.

As a "child subreaper" it inherits every orphan of the service, so that double-forked processes are found too.
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
"""Seconds between looks at the clock and at the watched process; an end of the service is seen at once."""
KILL_SECONDS = 10.0
STATE, LOG = "state.json", "log"
_libc = ctypes.CDLL(None, use_errno=True)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to start, and how long to keep it."""

    words: list[str]
    cwd: str
    environ: dict[str, str]
    lifetime: float
    """Seconds."""
    grace: float
    """Seconds between SIGTERM and SIGKILL."""
    watch: int | None = None
    """Process whose end ends the service."""


class Stop(Exception):
    """A signal asked for the end."""


def main(folder: Path, *, detach: bool) -> int:
    """Own one service until its end."""
    if detach and os.fork():
        os._exit(0)  # the child belongs to nobody, and its starter need not wait for it
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, _stop)
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    status: dict[str, Any] = {"pid": os.getpid(), "ended": "", "status": None}
    order = None
    try:
        with open(0, "rb", buffering=0, closefd=False) as control:
            order = msgspec.json.decode(control.readline(), type=Order)
        service = _spawn(order, folder / LOG)
        tell({"event": "started", "pid": os.getpid()})
        write_state(folder, status)
        status["ended"], status["status"] = _watch(service.pid, order, wake)
        if status["status"] is not None:
            tell({"event": "exited", "status": status["status"]})
    except Stop:
        status["ended"] = "stopped"
    except msgspec.DecodeError:
        status["ended"] = "starter-gone"
    except OSError as error:
        tell({"event": "failed", "why": error.strerror or str(error)})
        status["ended"] = "failed"
    finally:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        end_children(order.grace if order else 0.0)
        write_state(folder, status)
        if status["ended"] == "starter-gone":  # nobody is left who could read the log
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stop


def _spawn(order: Order, log: Path) -> subprocess.Popen[bytes]:
    """Start the service in a session of its own. Should the supervisor be killed, the kernel kills the service."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            order.words,
            cwd=order.cwd,
            env=order.environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_supervisor,  # noqa: PLW1509  (this process has one thread)
        )


def _die_with_supervisor() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(service: int, order: Order, wake: int) -> tuple[str, int | None]:
    """Wait for a reason to end; return it, and the exit status of the service where that is the reason."""
    end = time.monotonic() + order.lifetime
    watched = _process(order.watch)
    held = [wake, 0]
    while True:
        ready, _, _ = select.select(held, [], [], max(0.0, min(TICK, end - time.monotonic())))
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready:
            if os.read(0, 4096) == b"":
                return "starter-gone", None
            held = [wake]  # released
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        ended = reap()
        if service in ended:
            return "service-ended", ended[service]
        if time.monotonic() >= end:
            return "lifetime", None
        if order.watch is not None and not _runs(watched):
            return "runner-gone", None


def _process(pid: int | None) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid) if pid is not None else None
    return None


def _runs(process: psutil.Process | None) -> bool:
    """True where exactly this process (not another one with its number) still runs."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def reap() -> dict[int, int]:
    """Collect ended children and adopted orphans; return process id to exit status (negative: a signal)."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def end_children(grace: float) -> None:
    """End everything below this process: SIGTERM, after `grace` seconds SIGKILL until nothing is left."""
    me = psutil.Process()
    _signal_all(me, signal.SIGTERM)
    end = time.monotonic() + grace
    while me.children() and time.monotonic() < end:
        reap()
        time.sleep(0.01)
    end = time.monotonic() + KILL_SECONDS
    while me.children() and time.monotonic() < end:
        _signal_all(me, signal.SIGKILL)
        reap()
        time.sleep(0.01)


def _signal_all(me: psutil.Process, how: signal.Signals) -> None:
    for child in me.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(how)


def tell(event: dict[str, Any]) -> None:
    """Write one line to the starter, who may have gone."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(event).encode() + b"\n")


def write_state(folder: Path, status: dict[str, Any]) -> None:
    """Write `state.json`, so that `--stop` knows how it ended; the folder may have been removed."""
    temporary = folder / f".{STATE}"
    with contextlib.suppress(FileNotFoundError):
        temporary.write_text(json.dumps(status), encoding="utf-8")
        temporary.replace(folder / STATE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), detach="--detach" in sys.argv[2:]))
