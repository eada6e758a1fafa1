"""An HTTP service of known capacity: c workers, each busy for a service time; prints its port once it listens.

    python queueing_service.py [--workers C] [--mean SECONDS] [--law exponential|fixed] [--seed N]
                               [--fail-above RATE]

Requests that find all workers busy wait in one queue (first come, first served): an M/M/c or M/D/c queue under Poisson
arrivals. The process waits for each service time with a timer that is corrected for its own delay. With `--fail-above`
requests beyond a rate (token bucket of a tenth of a second) receive 503, so that errors limit the capacity.

`share_over` returns the theoretical share of requests that take longer than a limit, `true_capacity` the highest rate
that meets an objective.
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


def waiting_probability(workers: int, load: float) -> float:
    """Return the probability that a request has to wait (Erlang C), for `load` = rate x mean service time < workers."""
    blocking = 1.0  # Erlang B
    for k in range(1, workers + 1):
        blocking = load * blocking / (k + load * blocking)
    return blocking / (1 - load / workers * (1 - blocking))


def share_over(limit: float, rate: float, workers: int, mean: float) -> float:
    """Return the share of requests of an M/M/c queue that take longer than `limit` seconds; 1 if it is saturated."""
    mu = 1 / mean
    theta = workers * mu - rate
    if theta <= 0:
        return 1.0
    wait = waiting_probability(workers, rate * mean)
    if math.isclose(theta, mu, rel_tol=1e-9):
        return math.exp(-mu * limit) * (1 + wait * mu * limit)
    both = (theta * math.exp(-mu * limit) - mu * math.exp(-theta * limit)) / (theta - mu)
    return (1 - wait) * math.exp(-mu * limit) + wait * both


def true_capacity(limit: float, max_share: float, workers: int, mean: float) -> float:
    """Return the highest rate at which at most the share `max_share` takes longer than `limit`; 0 if there is none."""
    low, high = 0.0, workers / mean
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share_over(limit, middle, workers, mean) <= max_share else (low, middle)
    return low


class Queue:
    """The workers and the queue of waiting requests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.random = random.Random(options.seed)  # noqa: S311  (service times)
        self.waiting: deque[Connection] = deque()
        self.free_workers = options.workers
        self.loop = asyncio.get_running_loop()
        self.tokens, self.refill_time = options.fail_above / 10, self.loop.time()

    def arrive(self, connection: Connection) -> None:
        if self.options.fail_above:
            now = self.loop.time()
            gained = (now - self.refill_time) * self.options.fail_above
            self.tokens, self.refill_time = min(self.options.fail_above / 10, self.tokens + gained), now
            if self.tokens < 1:
                connection.write(REFUSED)
                return
            self.tokens -= 1
        if self.free_workers:
            self.free_workers -= 1
            self.serve(connection, self.loop.time())
        else:
            self.waiting.append(connection)

    def serve(self, connection: Connection, start: float) -> None:
        mean = self.options.mean
        time = self.random.expovariate(1 / mean) if self.options.law == "exponential" else mean
        self.loop.call_at(start + time, self.done, connection, start + time)

    def done(self, connection: Connection, end: float) -> None:
        connection.write(OK)
        while self.waiting:
            following = self.waiting.popleft()
            if not following.transport.is_closing():  # skip requests whose client has gone
                # The worker was free at `end`; the delay of the timer is not service time.
                self.serve(following, max(end, self.loop.time() - 0.005))
                return
        self.free_workers += 1


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.queue.arrive(self)

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Run the service in a separate process and yield its address."""
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
