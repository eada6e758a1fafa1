"""Connections of HTTP/1.1: plain ones on their sockets, those with TLS on the loop's transports."""

from __future__ import annotations

import asyncio
import select
import socket
from time import monotonic
from typing import TYPE_CHECKING, cast

from ghmlops.measure.load.kernel_timestamps import ArrivalClock, stamps
from ghmlops.measure.load.poller import AVAILABLE
from ghmlops.measure.load.protocols.http1_exchange import NOTHING, Exchange

if TYPE_CHECKING:
    from ghmlops.measure.load.arm import Arm

_BUFFER = bytearray(256 * 1024)
"""Every plain socket is read into it: what was read is taken before the next socket is."""

_BUFFERS = [_BUFFER]
_MORE = getattr(select, "EPOLLIN", 0) | getattr(select, "EPOLLOUT", 0)
"""Events after which a socket may be read again later; with any other it has ended or failed."""


async def connect(arm: Arm) -> None:
    """Open one connection of `arm`; it reports to the arm by `opened`.

    Raises:
        OSError: it cannot be opened, or the certificate is not trusted.
    """
    target, loop = arm.target, asyncio.get_running_loop()
    if target.tls is not None or not AVAILABLE:
        name = target.host if target.tls is not None else None
        await loop.create_connection(
            lambda: Transported(arm), target.address, target.port, ssl=target.tls, server_hostname=name
        )
        return
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(plain, (target.address, target.port))
    except BaseException:
        plain.close()
        raise
    if arm.clock is not None and not stamps(plain):
        arm.clock = None
    arm.opened(Plain(arm, plain) if arm.clock is None else Stamped(arm, plain, arm.clock))


class Plain(Exchange):
    """A connection without TLS. It writes and reads its socket itself, which a transport would do at twice the cost."""

    __slots__ = ("_fd", "_left", "_poller", "_read", "_socket", "_write")

    def __init__(self, arm: Arm, plain: socket.socket) -> None:
        super().__init__(arm)
        self._socket, self._poller = plain, arm.poller()
        self._fd = plain.fileno()
        self._read, self._write = plain.recv_into, plain.send
        self._left = memoryview(b"")
        self._poller.watch(self._fd, self._readable)

    def send(self, index: int) -> None:
        """Write request `index` now: at the end of the loop's turn the requests of one turn would go out in no order,
        which would make the write order of each pair meaningless.
        """
        self.index = index
        self._arm.sent[index] = monotonic()
        data = self._arm.requests[index]
        write = self._write  # by a name of its own: looking up and calling at once takes longer
        try:
            written = write(data)
        except OSError as error:
            self._not_sent(index, data, error)
        else:
            if written != len(data):
                self._sent_in_part(data, written)

    def _not_sent(self, index: int, data: bytes, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            self._sent_in_part(data, 0)
        else:
            self.not_written(index, error)

    def _sent_in_part(self, data: bytes, written: int) -> None:
        self._left = memoryview(data)[written:]
        self.unsent = True
        self._poller.change(self._fd, self._writable, writing=True)

    def _readable(self, events: int) -> None:
        """Take what has come. An answer of the known shape, in one piece, is the path that must be short."""
        index, arm = self.index, self._arm
        shape = arm.shapes[arm.endpoint[index]]  # of any endpoint where there is no request
        if shape is None or index < 0 or self._received or events != select.EPOLLIN:
            self._read_all(events)
            return
        read = self._read
        try:
            size = read(_BUFFER)
        except OSError as error:
            self._unread(error)
            return
        now = monotonic()
        if size != shape.size or not (
            (shape.known and _BUFFER.startswith(shape.known))
            or (shape.simple and _BUFFER.startswith(shape.head) and _BUFFER.find(shape.needle, shape.start, size) >= 0)
        ):
            self._took(size, now)
            if size == len(_BUFFER):
                self._read_all(events)
            return
        self._served = True
        arm.done[index] = now  # `first` is filled in with the block
        arm.status[index] = shape.status
        arm.kind[index] = 0
        self.index = NOTHING
        arm.idle.append(self)

    def _read_all(self, events: int) -> None:
        """Read until nothing is left: what was there is not told again. The end of the stream is read too."""
        while self._fd >= 0:
            try:
                size, now = self._receive()
            except OSError as error:
                self._unread(error)
                return
            self._took(size, now)
            if size < len(_BUFFER) and not events & ~_MORE:
                return

    def _receive(self) -> tuple[int, float]:
        """Read into the buffer; return how many bytes, and when the last of them came, as far as can be known."""
        return self._read(_BUFFER), monotonic()

    def _took(self, size: int, now: float) -> None:
        if size:
            self.take(_BUFFER, size, now)
        else:
            self.closed(None)

    def _unread(self, error: OSError) -> None:
        if not isinstance(error, BlockingIOError):
            self.closed(error)

    def _free(self) -> None:
        """Rest until the end of the turn, in which all sockets are read first: the arm then serves its queue."""
        self._arm.idle.append(self)

    def _writable(self, events: int) -> None:
        """Go on with a request that the socket did not take at once; it may be answered before it is whole."""
        if events & ~select.EPOLLOUT:
            self._read_all(events)
        if self.index < 0 or not events & select.EPOLLOUT:
            return
        try:
            self._left = self._left[self._write(self._left) :]
        except BlockingIOError:
            return
        except OSError as error:
            self.closed(error)
            return
        if not self._left:
            self.unsent = False
            self._poller.change(self._fd, self._readable, writing=False)

    def _close(self) -> None:
        if self._fd >= 0:
            self._poller.forget(self._fd)
            self._fd = -1
            self._socket.close()


class Stamped(Plain):
    """A connection without TLS whose answers are timed by the kernel."""

    __slots__ = ("_clock", "_recvmsg")

    def __init__(self, arm: Arm, plain: socket.socket, clock: ArrivalClock) -> None:
        self._clock, self._recvmsg = clock, plain.recvmsg_into
        super().__init__(arm, plain)

    def _readable(self, events: int) -> None:
        self._read_all(events)

    def _receive(self) -> tuple[int, float]:
        size, came = self._clock.read(self._recvmsg, _BUFFERS)
        return size, max(came, self._arm.sent[self.index])  # what came before the request is no part of its answer


class Transported(Exchange, asyncio.Protocol):
    """A connection whose bytes go through a transport of the loop: TLS, or no `epoll` here."""

    __slots__ = ("_transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report for work."""
        self._transport = cast("asyncio.Transport", transport)
        self._arm.opened(self)

    def send(self, index: int) -> None:
        """Hand request `index` to the transport, which writes it in this turn of the loop."""
        self.index = index
        self._arm.sent[index] = monotonic()
        self._transport.write(self._arm.requests[index])

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self.take(data, len(data), monotonic())

    def eof_received(self) -> bool:
        """Stop using a connection that the service closed."""
        self.closed(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Account for the request that was being carried."""
        self.closed(exc)

    def _close(self) -> None:
        self._transport.abort()
