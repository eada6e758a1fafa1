"""Connections of HTTP/1.1: plain ones read and write their socket directly, others use a transport of the loop."""

from __future__ import annotations

import asyncio
import select
from time import monotonic
from typing import TYPE_CHECKING, cast

from ghmlops.measure.load.connecting.dial import open_socket
from ghmlops.measure.load.kernel_timestamps import ArrivalClock, enable_timestamps
from ghmlops.measure.load.poller import AVAILABLE
from ghmlops.measure.load.protocols.base import NO_REQUEST
from ghmlops.measure.load.protocols.http1_exchange import Exchange

if TYPE_CHECKING:
    import socket

    from ghmlops.measure.load.protocols.base import ArmInterface

_BUFFER = bytearray(256 * 1024)
"""Read buffer of all plain sockets: the data of one socket is processed before the next socket is read."""
_BUFFERS = [_BUFFER]
_STILL_OPEN = getattr(select, "EPOLLIN", 0) | getattr(select, "EPOLLOUT", 0)
"""Events of a socket that stays readable; any other event means that it was closed or has failed."""


async def connect(arm: ArmInterface) -> None:
    """Open one connection and add it to `arm`.

    Raises:
        OSError: It cannot be opened, or the certificate is not trusted.
    """
    target, loop = arm.target, asyncio.get_running_loop()
    plain = await open_socket(target, arm.next_address())
    if target.tls is not None or not AVAILABLE:
        name = target.host if target.tls is not None else None
        await loop.create_connection(lambda: TransportConnection(arm), sock=plain, ssl=target.tls, server_hostname=name)
        return
    if arm.arrival_clock is not None and not enable_timestamps(plain):
        arm.arrival_clock = None
    clock = arm.arrival_clock
    arm.add(PlainConnection(arm, plain) if clock is None else TimestampedConnection(arm, plain, clock))


class PlainConnection(Exchange):
    """A connection without TLS that reads and writes its socket directly, at half the cost of a transport."""

    __slots__ = ("_fd", "_poller", "_read", "_socket", "_unsent", "_write")

    def __init__(self, arm: ArmInterface, plain: socket.socket) -> None:
        super().__init__(arm)
        self._socket, self._poller = plain, arm.poller()
        self._fd = plain.fileno()
        self._read, self._write = plain.recv_into, plain.send
        self._unsent = memoryview(b"")
        self._poller.watch(self._fd, self._readable)

    def send(self, index: int) -> None:
        """Send request `index` now.

        A transport would write at the end of the loop's iteration, in which case the requests of one iteration would
        leave in no defined order and the randomised arm order would have no effect.
        """
        self.index = index
        self._arm.sent[index] = monotonic()
        data = self._arm.requests[index]
        write = self._write  # as a local variable: looking up and calling in one expression is slower
        try:
            written = write(data)
        except OSError as error:
            self._send_failed(index, data, error)
        else:
            if written != len(data):
                self._sent_in_part(data, written)

    def _send_failed(self, index: int, data: bytes, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            self._sent_in_part(data, 0)
        else:
            self.write_failed(index, error)

    def _sent_in_part(self, data: bytes, written: int) -> None:
        self._unsent = memoryview(data)[written:]
        self.partly_sent = True
        self._poller.modify(self._fd, self._writable, writing=True)

    def _readable(self, events: int) -> None:
        """Read a response. The fast path is a response of the known shape that arrives in one read."""
        index, arm = self.index, self._arm
        shape = arm.shapes[arm.endpoint[index]]  # of an arbitrary endpoint if there is no request
        if shape is None or index < 0 or self._received or events != select.EPOLLIN:
            self._read_all(events)
            return
        read = self._read
        try:
            size = read(_BUFFER)
        except OSError as error:
            self._read_failed(error)
            return
        now = monotonic()
        if size != shape.size or not (
            (shape.prefix and _BUFFER.startswith(shape.prefix))
            or (shape.simple and _BUFFER.startswith(shape.head) and _BUFFER.find(shape.needle, shape.start, size) >= 0)
        ):
            self._process(size, now)
            if size == len(_BUFFER):
                self._read_all(events)
            return
        self._has_served = True
        arm.done[index] = now  # `first` is filled in with the block
        arm.status[index] = shape.status
        arm.kind[index] = 0
        self.index = NO_REQUEST
        arm.idle.append(self)

    def _read_all(self, events: int) -> None:
        """Read until the socket is empty, since the poller is edge-triggered, or until the end of the stream."""
        while self._fd >= 0:
            try:
                size, now = self._receive()
            except OSError as error:
                self._read_failed(error)
                return
            self._process(size, now)
            if size < len(_BUFFER) and not events & ~_STILL_OPEN:
                return

    def _receive(self) -> tuple[int, float]:
        """Read into the buffer; return the number of bytes, and the time at which the last of them arrived."""
        return self._read(_BUFFER), monotonic()

    def _process(self, size: int, now: float) -> None:
        if size:
            self.receive(_BUFFER, size, now)
        else:
            self.connection_ended(None)

    def _read_failed(self, error: OSError) -> None:
        if not isinstance(error, BlockingIOError):
            self.connection_ended(error)

    def _release(self) -> None:
        """Stay idle until all sockets of this poll are read; the arm then sends what is queued."""
        self._arm.idle.append(self)

    def _writable(self, events: int) -> None:
        """Write more of a request that the socket accepted only in part; the response may arrive before its end."""
        if events & ~select.EPOLLOUT:
            self._read_all(events)
        if self.index < 0 or not events & select.EPOLLOUT:
            return
        try:
            self._unsent = self._unsent[self._write(self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self.connection_ended(error)
            return
        if not self._unsent:
            self.partly_sent = False
            self._poller.modify(self._fd, self._readable, writing=False)

    def _close(self) -> None:
        if self._fd >= 0:
            self._poller.unwatch(self._fd)
            self._fd = -1
            self._socket.close()


class TimestampedConnection(PlainConnection):
    """A connection without TLS whose responses are timed by the kernel."""

    __slots__ = ("_clock", "_recvmsg")

    def __init__(self, arm: ArmInterface, plain: socket.socket, clock: ArrivalClock) -> None:
        self._clock, self._recvmsg = clock, plain.recvmsg_into
        super().__init__(arm, plain)

    def _readable(self, events: int) -> None:
        self._read_all(events)

    def _receive(self) -> tuple[int, float]:
        size, arrival = self._clock.read(self._recvmsg, _BUFFERS)
        return size, max(arrival, self._arm.sent[self.index])  # data older than the request is not its response


class TransportConnection(Exchange, asyncio.Protocol):
    """A connection that uses a transport of the loop: with TLS, or if the platform has no `epoll`."""

    __slots__ = ("_transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Add the connection to the arm."""
        self._transport = cast("asyncio.Transport", transport)
        self._arm.add(self)

    def send(self, index: int) -> None:
        """Pass request `index` to the transport, which writes it in this iteration of the loop."""
        self.index = index
        self._arm.sent[index] = monotonic()
        self._transport.write(self._arm.requests[index])

    def data_received(self, data: bytes) -> None:
        """Process a piece of the response."""
        self.receive(data, len(data), monotonic())

    def eof_received(self) -> bool:
        """Close the connection, which the service has closed."""
        self.connection_ended(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that was being carried."""
        self.connection_ended(exc)

    def _close(self) -> None:
        self._transport.abort()
