"""Child processes of the benchmark: pinned to a core, limited in time, sampled while they run, terminated by id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL = 0.05
PRIORITY = -10
"""Nice value that the engine sets for itself; the other generators receive the same, or only that would be compared."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_TICK = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Raised if the benchmark or one of its runs cannot continue; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Result of a child process.

    Attributes:
        code: Exit code.
        out: Standard output.
        err: Standard error.
        cpu: Processor time in seconds, user and system, of the child and its reaped children.
        peak: Peak memory in bytes at the last sample.
        samples: (monotonic time in seconds, processor time so far in seconds) while it ran.
    """

    code: int
    out: str
    err: str
    cpu: float
    peak: int
    samples: tuple[tuple[float, float], ...]

    def cpu_between(self, begin: float, end: float) -> float:
        """Return the processor time in seconds between two times, by linear interpolation of the samples."""
        return _at(self.samples, end) - _at(self.samples, begin)


def _at(samples: Sequence[tuple[float, float]], moment: float) -> float:
    before = (0.0, 0.0)
    for sample in samples:
        if sample[0] >= moment:
            width = sample[0] - before[0]
            share = (moment - before[0]) / width if before[0] and width > 0 else 1.0
            return before[1] + share * (sample[1] - before[1])
        before = sample
    return before[1]


def cores() -> tuple[int, int]:
    """Return the core of the server and the core of the clients.

    Raises:
        BenchError: Fewer than two cores are available.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("the benchmark needs two cores, one for the server and one for the client")
    return allowed[0], allowed[-1]


def raise_session(pid: int, nice: int) -> None:
    """Raise the priority of the session led by `pid`, if that is permitted.

    Linux may schedule sessions as groups (`sched_autogroup_enabled`): a process's own priority then only counts among
    the processes of its session.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Return `command` restricted to `core`, children included; `taskset` execs it, so the process id is kept."""
    return ["taskset", "--cpu-list", str(core), *command]


def run(
    command: Sequence[str],
    *,
    timeout: float,
    core: int | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    raised: bool = False,
) -> Done:
    """Run `command` to its end, with `PRIORITY` if `raised` and permitted.

    Raises:
        BenchError: The command cannot be started, or was terminated after `timeout` seconds.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                list(command) if core is None else pinned(command, core),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise BenchError(f"{Path(command[0]).name} cannot be started: {error.strerror}") from None
        with _terminated(child):
            if raised:
                raise_session(child.pid, PRIORITY)
            watch = _Watch(child.pid)
            usage = watch.until_end(timeout)
            if usage is None:
                raise BenchError(f"{Path(command[0]).name} did not end within {timeout:g} s")
            child.returncode = os.waitstatus_to_exitcode(usage[0])
        for file in (out, err):
            file.seek(0)
        return Done(
            code=child.returncode,
            out=out.read().decode("utf-8", "replace"),
            err=err.read().decode("utf-8", "replace"),
            cpu=usage[1].ru_utime + usage[1].ru_stime,
            peak=watch.peak,
            samples=tuple(watch.samples),
        )


class _Watch:
    """Samples a child while it runs. `ru_maxrss` is not used: it includes the memory of the parent before `exec`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.peak = 0
        self.samples: list[tuple[float, float]] = []

    def until_end(self, timeout: float) -> tuple[int, os.struct_rusage] | None:  # type: ignore[name-defined]
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            pid, status, usage = os.wait4(self._pid, os.WNOHANG)
            if pid:
                return status, usage
            self._sample()
            time.sleep(POLL)
        return None

    def _sample(self) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):  # the child may end at any moment
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
            self.samples.append((time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICK))
            self.peak = max(self.peak, peak_memory(self._pid))


def peak_memory(pid: int) -> int:
    """Return the peak memory of a running process in bytes; 0 if it has released its memory.

    Raises:
        OSError: There is no such process.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def _terminated(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Terminate `child`, which leads its own session, on any exit from the block."""
    try:
        yield
    finally:
        if child.returncode is None:
            end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to `child`, and SIGKILL to its session if it does not end in time."""
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
