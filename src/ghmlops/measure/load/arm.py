"""One arm of a run: its connections, its queue, and the columns of its requests."""

from __future__ import annotations

import asyncio
import errno
from array import array
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.answers import Answers, Kind
from ghmlops.measure.load.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ghmlops.measure.load.target import Target

PENDING = 255
"""Kind of a request that has not ended."""
_LOCAL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


class Arm:
    """Sends what it is offered, at once where a connection is free; otherwise the request waits its turn.

    Connections are opened when a request needs one, up to `limit`. Waiting counts: response times run from the
    schedule.
    Columns are `array`s (one store a field costs less than in NumPy) and are read as NumPy views of the same memory.

    Attributes:
        requests: for each scheduled request its bytes on the wire.
        waited: requests that found no free connection.
        peak: most connections open at once.
        examples: the first failure of each kind, for people.
    """

    __slots__ = (
        "_idle", "_limit", "_on_done", "_open", "_opening", "_queue", "_stopped", "_target",
        "_tasks", "_timeout", "done", "examples", "first", "kind", "peak", "requests", "sent", "status", "waited",
    )  # fmt: skip

    def __init__(
        self,
        target: Target,
        requests: Sequence[bytes],
        limit: int,
        timeout: float,
        on_done: Callable[[int], None],
    ) -> None:
        n = len(requests)
        self._target, self.requests = target, requests
        self._limit, self._timeout, self._on_done = limit, timeout, on_done
        self.sent, self.first, self.done = (array("d", bytes(8 * n)) for _ in range(3))
        self.status = array("H", bytes(2 * n))
        self.kind = array("B", bytes([PENDING])) * n
        self.waited = self.peak = self._opening = 0
        self.examples: dict[Kind, str] = {}
        self._stopped = False
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._queue: deque[int] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, index: int) -> None:
        """Send request `index`, or queue it where no connection is free."""
        if self._idle:
            self._idle.pop().send(index)
        else:
            self.waited += 1
            self._queue.append(index)
            self._open_more()

    def opened(self, connection: Connection) -> None:
        """Take a new connection into use."""
        self._open.add(connection)
        self.peak = max(self.peak, len(self._open))
        self.released(connection)

    def released(self, connection: Connection) -> None:
        """Give a connection its next request, or let it rest."""
        if self._stopped:
            connection.drop()
        elif self._queue:
            connection.send(self._queue.popleft())
        else:
            self._idle.append(connection)

    def handed_back(self, index: int) -> None:
        """Take back a request of which no byte was written; it is the next to be sent."""
        self._queue.appendleft(index)

    def dropped(self, connection: Connection) -> None:
        """Forget a closed connection; may be called twice."""
        if connection in self._open:
            self._open.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._open_more()

    def finish(self, index: int, now: float, kind: Kind, status: int = 0, example: str = "") -> None:
        """Record how request `index` ended; a second end of the same request is not one."""
        if self.kind[index] != PENDING:
            return
        self.done[index] = now
        self.kind[index] = kind
        self.status[index] = status
        if kind and kind not in self.examples:
            self.examples[kind] = example[:300]
        self._on_done(index)

    def expire(self, now: float, times: Sequence[float]) -> None:
        """Give up on requests whose response time has reached the time-out; `times` is the schedule."""
        begun = now - self._timeout
        while self._queue and times[self._queue[0]] <= begun:
            example = f"not sent {self._timeout:g} s after its schedule: no connection was free or could be opened"
            self.finish(self._queue.popleft(), now, Kind.TIMEOUT, example=example)
        for connection in [c for c in self._open if c.index >= 0 and times[c.index] <= begun]:
            connection.time_out(self._timeout)

    async def stop(self) -> None:
        """Close every connection; what has not ended stays so."""
        self._stopped = True
        self._queue.clear()
        for connection in list(self._open):
            connection.index = -1
            connection.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def answers(self, scheduled: NDArray[np.float64]) -> Answers:
        """Return the columns as views: they show what has ended so far."""
        return Answers(
            scheduled=scheduled,
            sent=np.frombuffer(self.sent, np.float64),
            first=np.frombuffer(self.first, np.float64),
            done=np.frombuffer(self.done, np.float64),
            status=np.frombuffer(self.status, np.uint16),
            kind=np.frombuffer(self.kind, np.uint8),
        )

    def _open_more(self) -> None:
        if self._stopped or self._opening >= len(self._queue) or len(self._open) + self._opening >= self._limit:
            return
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        target = self._target
        name = target.host if target.tls is not None else None
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self), target.address, target.port, ssl=target.tls, server_hostname=name
                )
        except TimeoutError:
            pass  # the request that waits for it times out by itself
        except OSError as error:
            self._refused(error)
        finally:
            self._opening -= 1
        self._open_more()

    def _refused(self, error: OSError) -> None:
        """Let the request fail for which the connection was to be opened."""
        if isinstance(error, ConnectionRefusedError):
            kind = Kind.REFUSED
        elif isinstance(error, ConnectionResetError):
            kind = Kind.RESET
        else:
            kind = Kind.LOCAL if error.errno in _LOCAL else Kind.CONNECT
        if self._queue and not self._stopped:
            self.finish(self._queue.popleft(), monotonic(), kind, example=error.strerror or str(error))
