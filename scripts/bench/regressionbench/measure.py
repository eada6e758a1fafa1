"""A whole process: its wall time, processor time and peak memory, as the kernel counted them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..loadbench.child import BenchError, end

CORES = 2
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A process that has ended.

    Attributes:
        wall: seconds from its start to its end.
        cpu: seconds of processor time, user and system.
        peak: most resident memory in bytes, of it or of the largest process that it waited for.
    """

    code: int
    out: str
    err: str
    wall: float
    cpu: float
    peak: int


def two_cores() -> None:
    """Keep this process and all its children on the first two cores that it may use.

    Raises:
        BenchError: there are no two, or the system cannot do that.
    """
    if not hasattr(os, "sched_setaffinity") or not hasattr(os, "pidfd_open"):
        raise BenchError("Linux is needed")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < CORES:
        raise BenchError(f"{CORES} cores are needed, this process may use {len(allowed)}")
    os.sched_setaffinity(0, allowed[:CORES])


def measured(command: Sequence[str], *, timeout: float, cwd: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run `command` to its end; the exit code is not judged here.

    Its peak memory is `ru_maxrss`, which begins at what this process held when it started the other: so nothing large
    is imported or read here.

    Args:
        command: program and arguments.
        timeout: seconds.
        cwd: where it runs.
        environment: all of its variables; those of this process where it is left out.

    Raises:
        BenchError: it cannot be started, did not end in time, or was ended by a signal, as by a lack of memory.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        try:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise BenchError(f"{Path(command[0]).name} cannot be started: {error.strerror}") from None
        try:
            if not _ended(child.pid, timeout):
                raise BenchError(f"did not end within {timeout:g} s")
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.monotonic() - begin
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if child.returncode is None:
                end(child)
        for file in (out, err):
            file.seek(0)
        run = Run(
            code=child.returncode,
            out=out.read().decode("utf-8", "replace"),
            err=err.read().decode("utf-8", "replace"),
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * 1024,
        )
    if run.code < 0:
        why = ", as the kernel does where memory runs out" if run.code == -signal.SIGKILL else ""
        raise BenchError(f"ended by {signal.Signals(-run.code).name} after {run.wall:.0f} s{why}")
    return run


def _ended(pid: int, timeout: float) -> bool:
    """Wait until a child ends, without polling: a poll's period would be part of the wall time."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(descriptor)


def last_words(run: Run) -> str:
    """Return the last line that a process said before it failed."""
    said = (run.err or run.out).strip().splitlines()[-1:] or ["no word"]
    return said[0][:200]
