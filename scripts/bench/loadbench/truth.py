"""The server with known response times: compiled once, started on a dedicated core, its log read."""

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
"""Width of a bucket of the log in seconds."""
PATH = "/predict"
BODY = '{"user":17,"ad":42,"hour":9}'
"""Request body that every generator sends."""
ANSWER = b'{"model":"click-scorer","version":7,"score":0.4321}'
"""Body of every answer of the server."""
_HEAD = struct.Struct("7d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Behaviour of the server. With `median` 0 it answers immediately and only counts requests.

    Attributes:
        median: Median delay in seconds; delays are log-normal and independent.
        sigma: Standard deviation of the logarithm of the delay.
        seed: Seed of the delays.
        stall: Start of the stall in seconds after the first request, and its length in seconds.
    """

    median: float = 0.0
    sigma: float = 0.7
    seed: int = 1
    stall: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Log of the server. Times are of the monotonic clock, which is common to all processes of a machine.

    Attributes:
        received: Number of complete requests.
        answered: Number of requests whose answer was written.
        first: Arrival of the first request.
        stall: Start and end of the stall; zeros if there was no stall.
        buckets: Requests in each `BUCKET` since the first request.
        entries: Arrival, planned answer and actual answer (0: never) of each request; empty without delays.
    """

    received: int
    answered: int
    first: float
    stall: tuple[float, float]
    buckets: array[float]
    entries: array[float]

    def delays(self, skip: int = 0) -> list[float]:
        """Return the seconds from arrival to answer of each answered request, without the first `skip` requests."""
        arrivals, written = self.entries[3 * skip :: 3], self.entries[3 * skip + 2 :: 3]
        return [done - arrival for arrival, done in zip(arrivals, written, strict=True) if done]

    def planned(self, skip: int = 0) -> list[float]:
        """Return the drawn delay in seconds of each request, without the first `skip` requests and any stall."""
        arrivals, due = self.entries[3 * skip :: 3], self.entries[3 * skip + 1 :: 3]
        return [done - arrival for arrival, done in zip(arrivals, due, strict=True)]

    @property
    def steady(self) -> tuple[float, float, float]:
        """Start, end and requests per second of the middle three fifths of the run."""
        last = max((index for index, count in enumerate(self.buckets) if count), default=0)
        begin, end = last // 5, last - last // 5
        seconds = (end - begin) * BUCKET
        rate = sum(self.buckets[begin:end]) / seconds if seconds else 0.0
        return self.first + begin * BUCKET, self.first + end * BUCKET, rate


def quantile(ordered: Sequence[float], q: float, definition: str = "rank") -> float:
    """Return the `q` quantile of ascending values; NaN without values.

    Far in the tail neighbouring values differ by percents, so each tool is compared by the definition that it uses.

    Args:
        ordered: Values in ascending order.
        q: Fraction in (0, 1).
        definition: `rank`, the smallest value that a fraction of at least `q` does not exceed; `next`, the value of
            index `q * n` from 0; `linear`, between the two values around `q * (n - 1)` (type 7 of Hyndman and Fan,
            1996).
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
    """Return the response times of an open loop of `count` requests at a constant rate, in ascending order.

    A model that does not depend on the generator: it uses the logged delays in order, repeated if requests were
    withheld; requests and answers that are due within the stall are processed at its end.

    Args:
        log: Log of the server.
        rate: Requests per second.
        count: Number of requests.
        skip: Number of leading requests to ignore.

    Raises:
        BenchError: The log contains no request.
    """
    begin, end = log.stall
    delays = log.planned(skip)
    if not delays:
        raise BenchError("the server received no request")
    times = []
    for index in range(count):
        scheduled = log.first + index / rate
        done = (end if begin <= scheduled < end else scheduled) + delays[index % len(delays)]
        times.append((end if begin <= done < end else done) - scheduled)
    return sorted(times)


def compiled(cache: Path) -> Path:
    """Return the program of the server, compiled into `cache` unless it exists.

    Raises:
        BenchError: There is no C compiler, or the compilation fails.
    """
    program = cache / f"truth-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise BenchError("the server needs a C compiler; install cc, gcc or clang")
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
    """A running server: its `url`, and its `log` after the block of `serving`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._log: Log | None = None

    @property
    def log(self) -> Log:
        """Log of the server; a RuntimeError while it runs."""
        if self._log is None:
            raise RuntimeError("the server still runs")
        return self._log

    def close(self, log: Log) -> None:
        """Store the log after the end of the server."""
        self._log = log


@contextlib.contextmanager
def serving(program: Path, service: Service, core: int) -> Iterator[Server]:
    """Run the server on `core`; its log is available after the block.

    Raises:
        BenchError: The server did not start, or wrote no log.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        words = map(str, [service.median, service.sigma, service.seed, *service.stall])
        command = child.pinned([str(program), str(path), *words], core)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        child.raise_session(process.pid, -20)  # other processes must not delay its answers
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
    """Read the log file of the server.

    Raises:
        BenchError: The file is missing, truncated or too long.
    """
    try:
        size = os.path.getsize(path)
        with path.open("rb") as file:
            received, answered, first, begin, end, buckets, entries = _HEAD.unpack(file.read(_HEAD.size))
            counts, rows = array("d"), array("d")
            counts.fromfile(file, int(buckets))
            rows.fromfile(file, 3 * int(entries))
    except (OSError, EOFError, struct.error) as error:
        raise BenchError(f"the log of the server is incomplete: {type(error).__name__}") from None
    if size != _HEAD.size + 8 * (len(counts) + len(rows)):
        raise BenchError("the log of the server is longer than its header states")
    return Log(
        received=int(received), answered=int(answered), first=first, stall=(begin, end), buckets=counts, entries=rows
    )
