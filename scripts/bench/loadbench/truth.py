"""The server whose truth is known: compiled once, started on its own core, its log read."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import struct
import subprocess
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import child
from .child import BenchError

SOURCE = Path(__file__).with_name("truth.c")
BUCKET = 0.01
"""Seconds of one bucket of the log."""
PATH = "/predict"
BODY = '{"user":17,"ad":42,"hour":9}'
"""What every generator posts."""
ANSWER = b'{"model":"click-scorer","version":7,"score":0.4321}'
"""What the server answers."""
_HEAD = struct.Struct("7d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How the server answers. `median` 0: at once, requests are only counted.

    Attributes:
        median: seconds; delays are log-normal, drawn for each request alone.
        sigma: standard deviation of the logarithm.
        seed: of the delays.
        stall: seconds after the first request, and seconds for which nothing is answered.
    """

    median: float = 0.0
    sigma: float = 0.7
    seed: int = 1
    stall: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the server saw. Times are of the monotonic clock, which all processes of a machine share.

    Attributes:
        received: whole requests.
        answered: those whose answer was written.
        first: arrival of the first request.
        stall: begin and end; zeros where there was none.
        buckets: requests in each `BUCKET` since the first.
        entries: arrival, planned answer, written answer (0: never) of each request, unless the server answers at once.
    """

    received: int
    answered: int
    first: float
    stall: tuple[float, float]
    buckets: array[float]
    entries: array[float]

    def delays(self, skip: int = 0) -> list[float]:
        """Return the seconds from arrival to answer of each answered request but the first `skip`."""
        arrivals, written = self.entries[3 * skip :: 3], self.entries[3 * skip + 2 :: 3]
        return [done - arrival for arrival, done in zip(arrivals, written, strict=True) if done]

    def planned(self, skip: int = 0) -> list[float]:
        """Return the seconds that each request but the first `skip` was to wait, without any stall."""
        arrivals, due = self.entries[3 * skip :: 3], self.entries[3 * skip + 1 :: 3]
        return [done - arrival for arrival, done in zip(arrivals, due, strict=True)]

    @property
    def steady(self) -> tuple[float, float, float]:
        """Begin, end and requests a second of the middle of the run: without its first and last fifth."""
        last = max((place for place, count in enumerate(self.buckets) if count), default=0)
        begin, end = last // 5, last - last // 5
        seconds = (end - begin) * BUCKET
        rate = sum(self.buckets[begin:end]) / seconds if seconds else 0.0
        return self.first + begin * BUCKET, self.first + end * BUCKET, rate


def quantile(ordered: Sequence[float], q: float, definition: str = "rank") -> float:
    """Return the `q` quantile of ascending values; NaN of none.

    Far in the tail neighbours differ by percents, so a tool is held against the definition that it uses itself.

    Args:
        ordered: ascending.
        q: in (0, 1).
        definition: `rank`, the smallest value that a share of at least `q` does not exceed; `next`, the value of index
            `q * n` from 0; `linear`, between the two values around `q * (n - 1)` (type 7 of Hyndman and Fan, 1996).
    """
    n = len(ordered)
    if not n:
        return math.nan
    if definition == "rank":
        return ordered[max(math.ceil(q * n - 1e-9), 1) - 1]
    if definition == "next":
        return ordered[min(int(q * n + 1e-9), n - 1)]
    below = int(q * (n - 1))
    above = min(below + 1, n - 1)
    return ordered[below] + (q * (n - 1) - below) * (ordered[above] - ordered[below])


def open_loop(log: Log, rate: float, count: int, skip: int = 0) -> list[float]:
    """Return the response times that an open loop of `count` requests at a constant rate would see, ascending.

    A model, so that it does not depend on what the generator did: the delays are the logged ones, in order (again from
    the first where requests were withheld); a request that is due within the stall begins at its end, and an answer
    that is due within it is given at its end.
    """
    begin, end = log.stall
    delays = log.planned(skip)
    if not delays:
        raise BenchError("the server saw no request")
    found = []
    for place in range(count):
        scheduled = log.first + place / rate
        done = (end if begin <= scheduled < end else scheduled) + delays[place % len(delays)]
        found.append((end if begin <= done < end else done) - scheduled)
    return sorted(found)


def compiled(cache: Path) -> Path:
    """Return the server's program, compiled into `cache` unless it is there.

    Raises:
        BenchError: there is no C compiler, or it fails.
    """
    program = cache / f"truth-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise BenchError("no C compiler (cc) to build the server with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        built = Path(folder) / "truth"
        done = child.run(
            [compiler, "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(built), str(SOURCE), "-lm"], timeout=120
        )
        if done.code:
            raise BenchError(f"the server does not compile: {done.err.strip()[:500]}")
        built.replace(program)
    return program


class Server:
    """A running server: `url`, and its `log` once `serving` has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._log: Log | None = None

    @property
    def log(self) -> Log:
        """What it saw."""
        if self._log is None:
            raise RuntimeError("the server still runs")
        return self._log

    def close(self, log: Log) -> None:
        """Keep the log."""
        self._log = log


@contextlib.contextmanager
def serving(program: Path, service: Service, core: int) -> Iterator[Server]:
    """Run the server on `core`; its log is there after the block.

    Raises:
        BenchError: it did not start, or left no log.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        words = map(str, [service.median, service.sigma, service.seed, *service.stall])
        command = child.pinned([str(program), str(path), *words], core)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        child.raise_session(process.pid, -20)  # the truth should not wait for others
        try:
            assert process.stdout is not None
            with process.stdout as out:
                word, _, port = out.readline().decode().partition(" ")
            if word != "port":
                raise BenchError("the server did not start")
            server = Server(f"http://127.0.0.1:{int(port)}{PATH}")
            yield server
        finally:
            child.end(process)
        server.close(read_log(path))


def read_log(path: Path) -> Log:
    """Read what the server wrote.

    Raises:
        BenchError: there is none, or it is cut off.
    """
    try:
        size = os.path.getsize(path)
        with path.open("rb") as file:
            received, answered, first, begin, end, buckets, entries = _HEAD.unpack(file.read(_HEAD.size))
            counts, rows = array("d"), array("d")
            counts.fromfile(file, int(buckets))
            rows.fromfile(file, 3 * int(entries))
    except (OSError, EOFError, struct.error) as error:
        raise BenchError(f"the server left no whole log: {type(error).__name__}") from None
    if size != _HEAD.size + 8 * (len(counts) + len(rows)):
        raise BenchError("the server's log is longer than it says")
    return Log(
        received=int(received), answered=int(answered), first=first, stall=(begin, end), buckets=counts, entries=rows
    )
