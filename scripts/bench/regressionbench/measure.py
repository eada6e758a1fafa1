"""Wall time, processor time and peak memory of an entire process, from the counters of the kernel."""

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
    """Result of a process.

    Attributes:
        code: Exit code.
        out: Standard output.
        err: Standard error.
        wall: Seconds from start to end.
        cpu: Processor time in seconds, user and system.
        peak: Peak resident memory in bytes, of it or of its largest reaped child.
    """

    code: int
    out: str
    err: str
    wall: float
    cpu: float
    peak: int


def two_cores() -> None:
    """Restrict this process and its children to the first two available cores.

    Raises:
        BenchError: Fewer than two cores are available, or the system is not Linux.
    """
    if not hasattr(os, "sched_setaffinity") or not hasattr(os, "pidfd_open"):
        raise BenchError("the benchmark needs Linux")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < CORES:
        raise BenchError(f"the benchmark needs {CORES} cores, this process may use {len(allowed)}")
    os.sched_setaffinity(0, allowed[:CORES])


def run_measured(
    command: Sequence[str], *, timeout: float, cwd: Path, environment: Mapping[str, str] | None = None
) -> Run:
    """Run `command` to its end, whatever its exit code.

    Its peak memory is `ru_maxrss`, which starts at the memory of this process: therefore this process imports and reads
    nothing large.

    Args:
        command: Program and arguments.
        timeout: Time limit in seconds.
        cwd: Working directory.
        environment: Environment variables; by default those of this process.

    Raises:
        BenchError: The command cannot be started, exceeded the time limit, or was terminated by a signal, for example
            for lack of memory.
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
            if not _wait(child.pid, timeout):
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
        reason = ", as the kernel does if memory runs out" if run.code == -signal.SIGKILL else ""
        raise BenchError(f"ended by {signal.Signals(-run.code).name} after {run.wall:.0f} s{reason}")
    return run


def _wait(pid: int, timeout: float) -> bool:
    """Wait for the end of a child without a polling interval, which would be part of the wall time."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(descriptor)


def last_words(run: Run) -> str:
    """Return the last line of the output of a process."""
    lines = (run.err or run.out).strip().splitlines()[-1:] or ["no output"]
    return lines[0][:200]
