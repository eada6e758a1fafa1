"""One arm of a run: its pool of connections, its queue, and the columns of its requests."""

from __future__ import annotations

import asyncio
import copy
import errno
from array import array
from collections import deque
from dataclasses import replace
from itertools import cycle
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.allowed_hosts import is_loopback
from ghmlops.measure.load.checks import Check
from ghmlops.measure.load.connecting.probe import describe_error
from ghmlops.measure.load.kernel_timestamps import ArrivalClock
from ghmlops.measure.load.poller import Poller
from ghmlops.measure.load.protocols.base import UnusableConnection, is_repeatable
from ghmlops.measure.load.protocols.response_shape import Shape, derive_shape
from ghmlops.measure.load.protocols.table import PROTOCOLS
from ghmlops.measure.load.redaction import UNANSWERED, redact, secret_words, unquoted
from ghmlops.measure.load.redirects.follower import NOT_FOLLOWED, Follower
from ghmlops.measure.load.streams.token_stream import TokenLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.protocols.base import RequestSlot
    from ghmlops.measure.load.target import Target

PENDING = 255
"""Kind of a request that has not ended."""
MAX_SHAPES = 16
"""How often the shape of an endpoint's responses is learned; after that, responses of other shapes are parsed."""
_LOCAL_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


class Arm:
    """Sends each request at once if a slot is free; otherwise the request waits in a queue.

    A new connection is opened when a request has to wait, until the limit is reached. Waiting is part of the response
    time, which starts at the scheduled send.

    Columns are written through `memoryview`s, because a store into one takes half the time of a store into an `array`
    and a fraction of one into a NumPy array; they are read as NumPy views of the same memory.

    Attributes:
        target: The service.
        requests: For each scheduled request what its protocol prepared; for HTTP/1.1 the bytes on the wire.
        endpoint: Index of the endpoint of each scheduled request.
        shapes: For each endpoint the shape of its successful responses, once one was learned.
        stream: How responses are split into tokens; empty if they are not.
        tokens: The tokens of streamed responses.
        sent: Time at which each request was written, in seconds of `time.monotonic`; 0 if it was not.
        first: Time of the first byte of each response; 0 if none arrived, or if the response arrived in one read.
        done: Time at which each request ended.
        status: HTTP status of each response; 0 without one.
        kind: `Kind` of each request, or `PENDING`.
        timeout: The longest time-out of an endpoint in seconds.
        idle: Slots that carry no request; the last one is used first.
        arrival_clock: Reads kernel timestamps; `None` if responses are timed when they are read.
        queue: Indices of the requests that wait for a slot.
        sent_again: Indices of the requests that were sent a second time, on a new connection.
        waited: Number of requests that found no free slot.
        peak: Maximum number of slots that were open at once.
        examples: The first failure of each kind, as text.
        follower: Follows redirects; `None` if no endpoint does.
    """

    __slots__ = (
        "_addresses", "_branches", "_checks", "_columns", "_connect", "_follows", "_fresh", "_limit", "_limits",
        "_min_limit", "_open", "_opening", "_poller", "_quotes", "_repeatable", "_secrets", "_shape_budget",
        "_slots_per_connection", "_stopped", "_tasks", "arrival_clock", "done", "endpoint", "examples", "first",
        "follower", "idle", "kind", "peak", "queue", "requests", "sent", "sent_again", "shapes", "status", "stream",
        "target", "timeout", "tokens", "waited",
    )  # fmt: skip

    def __init__(self, load: Load, target: Target) -> None:
        n = len(load.times)
        protocol = PROTOCOLS[load.protocol]()
        prepared = protocol.prepare(load.endpoints, target, load.calls)
        self.requests: list[Any] = [prepared[call] for call in load.order]
        self._limits = [min(load.timeout, endpoint.timeout) for endpoint in load.endpoints]
        self._min_limit = min(self._limits)
        self.target, self.timeout = target, max(self._limits)
        self._addresses = cycle(target.addresses or (target.address,))
        self._connect, self._limit = protocol.connect, load.connections
        self._slots_per_connection = protocol.slots_per_connection
        self._checks = [Check(endpoint.expect) for endpoint in load.endpoints]
        self._repeatable = [is_repeatable(endpoint) for endpoint in load.endpoints]
        self._secrets, self._quotes = secret_words(load.endpoints), load.quotes
        self.endpoint = array("B", (load.calls[call].endpoint for call in load.order))
        self.shapes: list[Shape | None] = [None] * len(load.endpoints)
        self._shape_budget = [MAX_SHAPES] * len(load.endpoints)
        self.stream, self.tokens = load.stream, TokenLog(n if load.stream else 0)
        self.sent, self.first, self.done = (memoryview(bytearray(8 * n)).cast("d") for _ in range(3))
        self.status = memoryview(bytearray(2 * n)).cast("H")
        self.kind = bytearray([PENDING]) * n
        self.waited = self.peak = self._opening = 0
        self.examples: dict[Kind, str] = {}
        self._stopped = False
        self.arrival_clock = ArrivalClock() if load.uses_kernel_timestamps else None
        self.idle: list[RequestSlot] = []
        self._open: set[RequestSlot] = set()
        self.queue: deque[int] = deque()
        self._fresh: deque[int] = deque()
        self.sent_again: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._poller: Poller | None = None
        self._columns: Answers | None = None
        self._follows = [endpoint.follow_redirect for endpoint in load.endpoints]
        self._branches: list[Arm] = []
        self.follower = Follower(self, load.redirects) if load.follows_redirects else None

    @property
    def free_capacity(self) -> int:
        """Number of slots that may still be added."""
        return self._limit - len(self._open)

    def next_address(self) -> str:
        """Return the address for the next connection: connections are spread over the addresses of the service."""
        return next(self._addresses)

    def check(self, index: int) -> Check:
        """Return the checks of the response to request `index`."""
        return self._checks[self.endpoint[index]]

    def poller(self) -> Poller:
        """Return the poller of the plain sockets of this arm."""
        if self._poller is None:
            self._poller = Poller(asyncio.get_running_loop(), self._send_queued)
        return self._poller

    def offer(self, index: int) -> None:
        """Send request `index`, or enqueue it if no slot is free."""
        if self.idle:
            self.idle.pop().send(index)
        else:
            self.waited += 1
            self.queue.append(index)
            self._open_more()

    @property
    def saturated(self) -> bool:
        """True if a request could only wait: the maximum number of slots is open, and all of them are busy."""
        return not self.idle and len(self._open) >= self._limit

    def enqueue(self, start: int, stop: int) -> None:
        """Enqueue the requests `start` to `stop`; only for an arm that is `saturated`."""
        self.waited += stop - start
        self.queue.extend(range(start, stop))

    def add(self, slot: RequestSlot) -> None:
        """Add a new slot to the pool."""
        self._open.add(slot)
        self.peak = max(self.peak, len(self._open))
        if self._fresh and not self._stopped:
            slot.send(self._fresh.popleft())
        else:
            self.release(slot)

    def _send_queued(self) -> None:
        """Send queued requests on the slots that became free during a poll.

        All sockets are read first, then all are written. Alternating between reading and writing takes a sixth more
        time, because each has its own code path in the kernel.
        """
        idle, queue = self.idle, self.queue
        while idle and queue:
            idle.pop().send(queue.popleft())

    def release(self, slot: RequestSlot) -> None:
        """Send the next queued request on `slot`, or make it idle."""
        if self._stopped:
            slot.drop()
        elif self.queue:
            slot.send(self.queue.popleft())
        else:
            self.idle.append(slot)

    def requeue(self, index: int) -> None:
        """Take back a request of which no byte was written; it is sent next."""
        self.queue.appendleft(index)

    def send_again(self, index: int) -> bool:
        """Take back a request that an old connection ended with before any byte of the response, if it may be repeated.

        The service may have closed the idle connection in the moment of the send. A request is repeated once, on a new
        connection, if its method is idempotent or it has an idempotency key (RFC 9110, section 9.2.2).
        """
        if not self._repeatable[self.endpoint[index]] or index in self.sent_again or self._stopped:
            return False
        self.sent_again.add(index)
        self._fresh.append(index)
        return True

    def follow(self, index: int, status: int, location: bytes) -> tuple[Kind, str] | None:
        """Follow the redirect that answers request `index`; if it is not followed, return how the request ends."""
        if self.follower is None or not self._follows[self.endpoint[index]] or self._stopped:
            return Kind.REDIRECT, NOT_FOLLOWED
        failure = self.follower.follow(index, status, location)
        if failure is not None:
            self._explain(*failure)
        return failure

    def _explain(self, kind: Kind, why: str) -> None:
        """Store why a redirect was not followed as the example; a response that may not be quoted has no other."""
        if not self._quotes:
            self.examples.setdefault(kind, redact(why, self._secrets)[:300])

    def branch(self, target: Target) -> Arm:
        """Return an arm for the host that redirects lead to: with its own connections, and the columns of this arm."""
        branch = copy.copy(self)
        branch.target, branch._addresses = target, cycle(target.addresses or (target.address,))
        branch.idle, branch.queue, branch._fresh = [], deque(), deque()
        branch._open, branch._tasks, branch._poller, branch._opening = set(), set(), None, 0
        branch.shapes, branch._shape_budget = [None] * len(self.shapes), [MAX_SHAPES] * len(self.shapes)
        branch._quotes = self._quotes and is_loopback(target.address)
        branch._branches = []
        self._branches.append(branch)
        return branch

    def start(self, task: asyncio.Task[None]) -> None:
        """Keep a task until it has ended; the end of the run cancels it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, index: int, kind: Kind, why: str) -> None:
        """End request `index`, whose redirect cannot be followed."""
        self._explain(kind, why)
        self.finish(index, monotonic(), kind, example=why)

    def remove(self, slot: RequestSlot) -> None:
        """Remove a closed slot from the pool; may be called twice."""
        if slot in self._open:
            self._open.discard(slot)
            if slot in self.idle:
                self.idle.remove(slot)
            self._open_more()

    def finish_ok(self, index: int, now: float, status: int) -> None:
        """Record a successful response to request `index` that arrived in one read."""
        self.done[index] = now
        self.status[index] = status
        self.kind[index] = 0

    def learn_shape(self, index: int, response: bytes, status: int) -> None:
        """Learn the shape of a complete, successful response to request `index`; limited, because it takes time."""
        endpoint = self.endpoint[index]
        if self._shape_budget[endpoint]:
            self._shape_budget[endpoint] -= 1
            self.shapes[endpoint] = derive_shape(response, status, self._checks[endpoint])

    def finish(self, index: int, now: float, kind: Kind, status: int = 0, example: str = "") -> None:
        """Record how request `index` ended; only the first end of a request counts."""
        if self.kind[index] != PENDING:
            return
        self.done[index] = now
        self.kind[index] = kind
        self.status[index] = status
        if kind and kind not in self.examples:
            text = example if self._quotes or kind in UNANSWERED else unquoted(status)
            self.examples[kind] = redact(text, self._secrets)[:300]

    def expire(self, now: float, times: Sequence[float]) -> None:
        """Time out the requests whose response time has reached their limit; `times` is the schedule."""
        latest = now - self._min_limit
        redirected = self.follower.waiting.values() if self.follower else ()
        for queue in (self.queue, self._fresh, *redirected):
            self._expire_waiting(queue, now, times)
        for branch in self._branches:
            branch.expire(now, times)
        for slot in [slot for slot in self._open if slot.index >= 0 and times[slot.index] <= latest]:
            limit = self._limits[self.endpoint[slot.index]]
            if times[slot.index] <= now - limit:
                slot.time_out(limit)

    def _expire_waiting(self, queue: deque[int], now: float, times: Sequence[float]) -> None:
        """Time out the requests that wait for a connection."""
        waiting = []
        while queue and times[queue[0]] <= now - self._min_limit:
            index = queue.popleft()
            limit = self._limits[self.endpoint[index]]
            if times[index] <= now - limit:
                example = f"not sent {limit:g} s after its scheduled send: no connection was free or could be opened"
                self.finish(index, now, Kind.TIMEOUT, example=example)
            else:
                waiting.append(index)
        queue.extendleft(reversed(waiting))

    def fail_late(self, scheduled: NDArray[np.float64], start: int, stop: int) -> None:
        """Turn responses that arrived after their time-out, but before the next call of `expire`, into failures.

        Args:
            scheduled: Scheduled send time of every request of the run, shape (n,).
            start: Index of the first request.
            stop: Index after the last request.
        """
        if self.follower is not None:
            self.follower.restore_sends(self.sent, start, stop)
        part = self._all_columns(scheduled).part(start, stop)
        response_times = part.response
        if response_times.max() <= self._min_limit:
            return
        limits = np.array(self._limits)[part.endpoint]
        late = np.flatnonzero(part.ok & (response_times > limits))
        if len(late):
            part.kind[late] = Kind.TIMEOUT
            part.status[late] = 0
            example = f"the response ended more than {limits[late[0]]:g} s after its scheduled send"
            self.examples.setdefault(Kind.TIMEOUT, example)

    def give_up(self, now: float) -> None:
        """End every pending request, because the generator could not keep its schedule."""
        for slot in [slot for arm in (self, *self._branches) for slot in arm._open]:
            slot.index = -1
            slot.drop()
        for index, kind in enumerate(self.kind):
            if kind == PENDING:
                self.finish(index, now, Kind.UNSENT, example="the run had to be aborted")

    async def stop(self) -> None:
        """Close every connection; pending requests stay pending."""
        self._stopped = True
        for branch in self._branches:
            await branch.stop()
        self.queue.clear()
        self._fresh.clear()
        for slot in list(self._open):
            slot.index = -1
            slot.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._poller is not None:
            self._poller.close()

    def answers(self, scheduled: NDArray[np.float64], start: int, stop: int) -> Answers:
        """Return the requests `start` to `stop`, as views of the current state; tokens are copied.

        Args:
            scheduled: Scheduled send time of every request of the run, shape (n,).
            start: Index of the first request.
            stop: Index after the last request.
        """
        part = self._all_columns(scheduled).part(start, stop)
        np.copyto(part.first, part.done, where=part.ok & (part.first == 0.0))  # the response arrived in one read
        return replace(part, tokens=self.tokens.part(start, stop)) if self.stream else part

    def _all_columns(self, scheduled: NDArray[np.float64]) -> Answers:
        """Return all requests as views, without tokens; created once, because blocks are read while sending."""
        if self._columns is None:
            self._columns = Answers(
                scheduled=scheduled,
                sent=np.asarray(self.sent, np.float64),
                first=np.asarray(self.first, np.float64),
                done=np.asarray(self.done, np.float64),
                status=np.asarray(self.status, np.uint16),
                kind=np.frombuffer(self.kind, np.uint8),
                endpoint=np.frombuffer(self.endpoint, np.uint8),
            )
        return self._columns

    def _open_more(self) -> None:
        """Open a connection if more requests wait than the connections being opened can carry."""
        expected = self._opening * self._slots_per_connection
        if self._stopped or expected >= len(self.queue) + len(self._fresh) or len(self._open) + expected >= self._limit:
            return
        self._opening += 1
        self.start(asyncio.get_running_loop().create_task(self._open_one()))

    async def _open_one(self) -> None:
        try:
            async with asyncio.timeout(self.timeout):
                await self._connect(self)
        except TimeoutError:
            pass  # `expire` times out the request that waits for the connection
        except OSError as error:
            self._fail_next(error)
        finally:
            self._opening -= 1
        self._open_more()

    def _fail_next(self, error: OSError) -> None:
        """Fail the next queued request, for which the connection was to be opened."""
        if isinstance(error, UnusableConnection):
            kind = error.kind
        elif isinstance(error, ConnectionRefusedError):
            kind = Kind.REFUSED
        elif isinstance(error, ConnectionResetError):
            kind = Kind.RESET
        else:
            kind = Kind.LOCAL if error.errno in _LOCAL_ERRORS else Kind.CONNECT
        queue = self._fresh or self.queue
        if queue and not self._stopped:
            self.finish(queue.popleft(), monotonic(), kind, example=describe_error(error))
