"""One arm of a run: its connections, its queue, and the columns of its requests."""

from __future__ import annotations

import asyncio
import errno
from array import array
from collections import deque
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.measure.load.checks import Check
from ghmlops.measure.load.kernel_timestamps import ArrivalClock
from ghmlops.measure.load.poller import Poller
from ghmlops.measure.load.protocols.base import CannotCarry
from ghmlops.measure.load.protocols.response_shape import Shape, shape_of
from ghmlops.measure.load.protocols.table import PROTOCOLS
from ghmlops.measure.load.secrets import blotted, secrets_of
from ghmlops.measure.load.stream import TokenLog
from ghmlops.measure.load.target import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.protocols.base import Carrier
    from ghmlops.measure.load.target import Target

PENDING = 255
"""Kind of a request that has not ended."""
MOST_SHAPES = 16
"""How often an endpoint's answers may take another shape; beyond, what does not fit is parsed each time."""
_LOCAL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


class Arm:
    """Sends what it is offered, at once where a connection is free; otherwise the request waits its turn.

    Connections are opened when a request needs one, up to `limit`. Waiting counts: response times run from the
    schedule.
    Columns are written through `memoryview`s (a store costs half of one in an `array`, and a fraction of one in NumPy)
    and are read as NumPy views of the same memory.

    Attributes:
        target: the service.
        requests: for each scheduled request what its protocol made of it; the bytes on the wire for HTTP/1.1.
        endpoint: for each scheduled request the place of its endpoint.
        shapes: for each endpoint how its good answers look, once one was seen.
        stream: how answers are cut into tokens; empty: they are not.
        tokens: of a stream.
        timeout: the longest time-out of an endpoint.
        idle: connections that carry no request; the last one is used first.
        clock: tells when the kernel received an answer; `None` where answers are timed when they are read.
        queue: requests that wait for a connection.
        waited: requests that found no free connection.
        peak: most connections open at once.
        examples: the first failure of each kind, for people.
    """

    __slots__ = (
        "_all", "_checks", "_connect", "_each", "_lessons", "_limit", "_limits", "_open", "_opening",
        "_poller", "_secrets", "_shortest", "_stopped", "_tasks", "clock", "done", "endpoint", "examples", "first",
        "idle", "kind", "peak", "queue", "requests", "sent", "shapes", "status", "stream", "target", "timeout",
        "tokens", "waited",
    )  # fmt: skip

    def __init__(self, load: Load, target: Target) -> None:
        n = len(load.times)
        protocol = PROTOCOLS[load.protocol]()
        prepared = protocol.prepare(load.endpoints, target, load.calls)
        self.requests: list[Any] = [prepared[place] for place in load.order]
        self._limits = [min(load.timeout, endpoint.timeout) for endpoint in load.endpoints]
        self._shortest = min(self._limits)
        self.target, self.timeout = target, max(self._limits)
        self._connect, self._limit, self._each = protocol.connect, load.connections, protocol.each
        self._checks = [Check(endpoint.expect) for endpoint in load.endpoints]
        self._secrets = secrets_of(load.endpoints)
        self.endpoint = array("B", (load.calls[place].endpoint for place in load.order))
        self.shapes: list[Shape | None] = [None] * len(load.endpoints)
        self._lessons = [MOST_SHAPES] * len(load.endpoints)
        self.stream, self.tokens = load.stream, TokenLog(n if load.stream else 0)
        self.sent, self.first, self.done = (memoryview(bytearray(8 * n)).cast("d") for _ in range(3))
        self.status = memoryview(bytearray(2 * n)).cast("H")
        self.kind = bytearray([PENDING]) * n
        self.waited = self.peak = self._opening = 0
        self.examples: dict[Kind, str] = {}
        self._stopped = False
        self.clock = ArrivalClock() if load.stamped else None
        self.idle: list[Carrier] = []
        self._open: set[Carrier] = set()
        self.queue: deque[int] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._poller: Poller | None = None
        self._all: Answers | None = None

    @property
    def room(self) -> int:
        """How many more carriers may be opened."""
        return self._limit - len(self._open)

    def check(self, index: int) -> Check:
        """Return what the answer to request `index` must be."""
        return self._checks[self.endpoint[index]]

    def poller(self) -> Poller:
        """Return what watches the plain sockets of this arm."""
        if self._poller is None:
            self._poller = Poller(asyncio.get_running_loop(), self._serve)
        return self._poller

    def offer(self, index: int) -> None:
        """Send request `index`, or queue it where no connection is free."""
        if self.idle:
            self.idle.pop().send(index)
        else:
            self.waited += 1
            self.queue.append(index)
            self._open_more()

    @property
    def full(self) -> bool:
        """True where a request could only wait: every connection that may be opened is open and busy."""
        return not self.idle and len(self._open) >= self._limit

    def backlog(self, start: int, stop: int) -> None:
        """Let the requests `start` to `stop` wait for a connection; of an arm that is `full`."""
        self.waited += stop - start
        self.queue.extend(range(start, stop))

    def opened(self, connection: Carrier) -> None:
        """Take a new connection into use."""
        self._open.add(connection)
        self.peak = max(self.peak, len(self._open))
        self.released(connection)

    def _serve(self) -> None:
        """Give what waits to the connections that came free in a turn: all are read first, then all are written.

        Reading and writing in turns would cost a sixth more, for each has its own path through the kernel.
        """
        idle, queue = self.idle, self.queue
        while idle and queue:
            idle.pop().send(queue.popleft())

    def released(self, connection: Carrier) -> None:
        """Give a connection its next request, or let it rest."""
        if self._stopped:
            connection.drop()
        elif self.queue:
            connection.send(self.queue.popleft())
        else:
            self.idle.append(connection)

    def handed_back(self, index: int) -> None:
        """Take back a request of which no byte was written; it is the next to be sent."""
        self.queue.appendleft(index)

    def dropped(self, connection: Carrier) -> None:
        """Forget a closed connection; may be called twice."""
        if connection in self._open:
            self._open.discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
            self._open_more()

    def good(self, index: int, now: float, status: int) -> None:
        """Record that request `index` was answered well, in one piece."""
        self.done[index] = now
        self.status[index] = status
        self.kind[index] = 0

    def learn(self, index: int, answer: bytes, status: int) -> None:
        """Take the shape of a whole and good answer to request `index`; only a few times, for it costs."""
        number = self.endpoint[index]
        if self._lessons[number]:
            self._lessons[number] -= 1
            self.shapes[number] = shape_of(answer, status, self._checks[number])

    def finish(self, index: int, now: float, kind: Kind, status: int = 0, example: str = "") -> None:
        """Record how request `index` ended; a second end of the same request is not one."""
        if self.kind[index] != PENDING:
            return
        self.done[index] = now
        self.kind[index] = kind
        self.status[index] = status
        if kind and kind not in self.examples:
            self.examples[kind] = blotted(example, self._secrets)[:300]

    def expire(self, now: float, times: Sequence[float]) -> None:
        """Give up on requests whose response time has reached their time-out; `times` is the schedule."""
        begun = now - self._shortest
        kept = []
        while self.queue and times[self.queue[0]] <= begun:
            index = self.queue.popleft()
            limit = self._limits[self.endpoint[index]]
            if times[index] <= now - limit:
                example = f"not sent {limit:g} s after its schedule: no connection was free or could be opened"
                self.finish(index, now, Kind.TIMEOUT, example=example)
            else:
                kept.append(index)
        self.queue.extendleft(reversed(kept))
        for connection in [c for c in self._open if c.index >= 0 and times[c.index] <= begun]:
            limit = self._limits[self.endpoint[connection.index]]
            if times[connection.index] <= now - limit:
                connection.time_out(limit)

    def fail_late(self, scheduled: NDArray[np.float64], start: int, stop: int) -> None:
        """Let answers fail that came after their time-out, and before `expire` had looked again."""
        part = self._whole(scheduled).part(start, stop)
        took = part.response
        if took.max() <= self._shortest:
            return
        limits = np.array(self._limits)[part.endpoint]
        late = np.flatnonzero(part.ok & (took > limits))
        if len(late):
            part.kind[late] = Kind.TIMEOUT
            part.status[late] = 0
            example = f"answered later than {limits[late[0]]:g} s after its scheduled send"
            self.examples.setdefault(Kind.TIMEOUT, example)

    def give_up(self, now: float) -> None:
        """End what has not ended: the generator could not keep its schedule at all."""
        for connection in list(self._open):
            connection.index = -1
            connection.drop()
        for index, kind in enumerate(self.kind):
            if kind == PENDING:
                self.finish(index, now, Kind.UNSENT, example="the run had to be ended")

    async def stop(self) -> None:
        """Close every connection; what has not ended stays so."""
        self._stopped = True
        self.queue.clear()
        for connection in list(self._open):
            connection.index = -1
            connection.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._poller is not None:
            self._poller.close()

    def answers(self, scheduled: NDArray[np.float64], start: int, stop: int) -> Answers:
        """Return the requests `start` to `stop` as views: they show what has ended so far. Tokens are copied."""
        part = self._whole(scheduled).part(start, stop)
        np.copyto(part.first, part.done, where=part.ok & (part.first == 0.0))  # came in one piece
        return replace(part, tokens=self.tokens.part(start, stop)) if self.stream else part

    def _whole(self, scheduled: NDArray[np.float64]) -> Answers:
        """Return all requests as views, without tokens; made once, for blocks are asked for while requests are sent."""
        if self._all is None:
            self._all = Answers(
                scheduled=scheduled,
                sent=np.asarray(self.sent, np.float64),
                first=np.asarray(self.first, np.float64),
                done=np.asarray(self.done, np.float64),
                status=np.asarray(self.status, np.uint16),
                kind=np.frombuffer(self.kind, np.uint8),
                endpoint=np.frombuffer(self.endpoint, np.uint8),
            )
        return self._all

    def _open_more(self) -> None:
        coming = self._opening * self._each
        if self._stopped or coming >= len(self.queue) or len(self._open) + coming >= self._limit:
            return
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._open_one())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_one(self) -> None:
        try:
            async with asyncio.timeout(self.timeout):
                await self._connect(self)
        except TimeoutError:
            pass  # the request that waits for it times out by itself
        except OSError as error:
            self._refused(error)
        finally:
            self._opening -= 1
        self._open_more()

    def _refused(self, error: OSError) -> None:
        """Let the request fail for which the connection was to be opened."""
        if isinstance(error, CannotCarry):
            kind = error.kind
        elif isinstance(error, ConnectionRefusedError):
            kind = Kind.REFUSED
        elif isinstance(error, ConnectionResetError):
            kind = Kind.RESET
        else:
            kind = Kind.LOCAL if error.errno in _LOCAL else Kind.CONNECT
        if self.queue and not self._stopped:
            self.finish(self.queue.popleft(), monotonic(), kind, example=reason(error))
