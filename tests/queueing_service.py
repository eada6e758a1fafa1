"""A real HTTP service whose capacity is known: c workers, each busy for a service time; prints its port when it can.

    python queueing_service.py [--workers C] [--mean SECONDS] [--law exponential|fixed] [--seed N]
                               [--fail-above RATE]

Requests that find all workers busy wait in one line (first come, first served): an M/M/c or M/D/c queue under Poisson
arrivals. Its process sleeps for each service time by a timer that is corrected for its own lateness. `--fail-above`
answers 503 to what exceeds a rate (token bucket of a tenth of a second), so that errors limit and not time.

`share_over` tells by theory how many requests take longer than a limit, `true_capacity` at which rate an objective
ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import signal
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import httptools
import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"score": 0.5}'
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


def waiting_chance(workers: int, load: float) -> float:
    """Return Erlang's C: the chance that a request has to wait, for `load` = rate x mean service time < workers."""
    blocked = 1.0
    for k in range(1, workers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked / (1 - load / workers * (1 - blocked))


def share_over(limit: float, rate: float, workers: int, mean: float) -> float:
    """Return the share of requests of an M/M/c queue that take longer than `limit` seconds; 1 from saturation on."""
    mu = 1 / mean
    theta = workers * mu - rate
    if theta <= 0:
        return 1.0
    wait = waiting_chance(workers, rate * mean)
    if math.isclose(theta, mu, rel_tol=1e-9):
        return math.exp(-mu * limit) * (1 + wait * mu * limit)
    both = (theta * math.exp(-mu * limit) - mu * math.exp(-theta * limit)) / (theta - mu)
    return (1 - wait) * math.exp(-mu * limit) + wait * both


def true_capacity(limit: float, allowed: float, workers: int, mean: float) -> float:
    """Return the highest rate at which at most the share `allowed` takes longer than `limit` seconds; 0 for none."""
    low, high = 0.0, workers / mean
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share_over(limit, middle, workers, mean) <= allowed else (low, middle)
    return low


class Queue:
    """The workers and the line before them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.random = random.Random(options.seed)  # noqa: S311  (service times)
        self.line: deque[Connection] = deque()
        self.free = options.workers
        self.loop = asyncio.get_running_loop()
        self.tokens, self.filled = options.fail_above / 10, self.loop.time()

    def arrive(self, connection: Connection) -> None:
        if self.options.fail_above:
            now = self.loop.time()
            gained = (now - self.filled) * self.options.fail_above
            self.tokens, self.filled = min(self.options.fail_above / 10, self.tokens + gained), now
            if self.tokens < 1:
                connection.say(REFUSED)
                return
            self.tokens -= 1
        if self.free:
            self.free -= 1
            self.serve(connection, self.loop.time())
        else:
            self.line.append(connection)

    def serve(self, connection: Connection, begin: float) -> None:
        mean = self.options.mean
        time = self.random.expovariate(1 / mean) if self.options.law == "exponential" else mean
        self.loop.call_at(begin + time, self.done, connection, begin + time)

    def done(self, connection: Connection, end: float) -> None:
        connection.say(OK)
        while self.line:
            following = self.line.popleft()
            if not following.transport.is_closing():  # nobody waits for the answer any more
                # The worker was free at `end`; the timer's own lateness is no service time.
                self.serve(following, max(end, self.loop.time() - 0.005))
                return
        self.free += 1


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.queue.arrive(self)

    def say(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Start the service in a process of its own and give its address; it is ended on leaving."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
            process.wait(10)


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    queue = Queue(options)
    server = await loop.create_server(lambda: Connection(queue), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--mean", type=float, default=0.02)
    parser.add_argument("--law", choices=("exponential", "fixed"), default="exponential")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fail-above", type=float, default=0.0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
