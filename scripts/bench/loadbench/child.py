"""Child processes of the bench: pinned to a core, bounded in time, watched while they run, ended by their own id."""

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
"""What the engine gives itself; a generator that started with less would only be compared in that."""
GRACE = 5.0
"""Seconds between asking a child to end and ending it."""
_TICK = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The bench, or one run of it, cannot go on: one sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A child that has ended.

    Attributes:
        cpu: seconds of processor time, user and system, of the child and of its children that have ended.
        peak: most memory in bytes, as last seen before the end.
        samples: (seconds of the monotonic clock, processor seconds so far) while it ran.
    """

    code: int
    out: str
    err: str
    cpu: float
    peak: int
    samples: tuple[tuple[float, float], ...]

    def cpu_between(self, begin: float, end: float) -> float:
        """Return the processor seconds used between two moments, by straight lines through the samples."""
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
        BenchError: there are no two cores to tell them apart.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed: one for the server, one for the client")
    return allowed[0], allowed[-1]


def raise_session(pid: int, nice: int) -> None:
    """Raise the priority of a session that starts with `pid`, where that is allowed.

    Linux may schedule sessions as groups (`sched_autogroup_enabled`): a process's own priority then only counts among
    the processes of its session.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Return `command` so that it and its children run on `core` alone; the process id stays its own."""
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
    """Run `command` to its end, at `PRIORITY` where `raised` is asked for and allowed.

    Raises:
        BenchError: it did not end within `timeout` seconds (then it is ended), or cannot be started.
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
        with _ended(child):
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
    """Samples a child while it runs. `ru_maxrss` is not used: it also counts the parent's memory before the exec."""

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
            self._look()
            time.sleep(POLL)
        return None

    def _look(self) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):  # the child may end at any moment
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
            self.samples.append((time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICK))
            self.peak = max(self.peak, peak_memory(self._pid))


def peak_memory(pid: int) -> int:
    """Return the most memory in bytes that a running process has held; 0 where it has none left.

    Raises:
        OSError: there is no such process.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing of `child` behind, whatever happens; it leads its own session."""
    try:
        yield
    finally:
        if child.returncode is None:
            end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask `child` to end; end it and its session where it does not."""
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
