"""Reads the time at which the kernel received a response, so that delays of this process are not measured.

A process that sleeps or sends reads a response tens of microseconds after its arrival, and later still if many arrive
at once. Linux reports the arrival time of the last received bytes together with them (`SO_TIMESTAMPNS`).
"""

from __future__ import annotations

import contextlib
import platform
import socket
import struct
import sys
from time import monotonic, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Received = tuple[int, list[tuple[int, int, bytes]], int, object]

MAX_TIMESTAMP_RATE = 10_000.0
"""Requests per second and arm up to which kernel timestamps are read; reading one takes 1 to 2 us per response."""
_SO_TIMESTAMPNS = 35
"""Number of the socket option on Linux for the architectures below; the module `socket` does not define it."""
_ARCHITECTURES = {"x86_64", "aarch64"}
_TIMESPEC = struct.Struct("ll")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
_MAX_OFFSET_CHANGE = 1e-4
"""Seconds by which the offset between the two clocks may seem to change between two readings."""
_READINGS = 5


class ArrivalClock:
    """Reads sockets together with the arrival time of the data, on the clock of `time.monotonic`.

    Kernel timestamps are of the real-time clock. Both clocks are slewed alike, so that their offset changes only if
    the real-time clock is set. Each read compares the two clocks; if the offset has changed, the time of reading is
    used instead of the timestamp.

    Attributes:
        unstamped: Number of reads that were timed by this process because no valid timestamp was available.
    """

    __slots__ = ("_offset", "unstamped")

    def __init__(self) -> None:
        self.unstamped = 0
        self._offset = clock_offset()

    def read(self, receive: Callable[[list[bytearray], int], Received], buffers: list[bytearray]) -> tuple[int, float]:
        """Return the number of bytes read, and the monotonic time in seconds at which the last of them arrived.

        Args:
            receive: The method `recvmsg_into` of a socket.
            buffers: Where the data is written.

        Raises:
            OSError: Reading failed.
        """
        size, control, _, _ = receive(buffers, _CONTROL_BYTES)
        now, real = monotonic(), time()
        # The clock was set, or the process was suspended between the two readings.
        if abs(real - now - self._offset) > _MAX_OFFSET_CHANGE:
            self._offset = clock_offset()
        elif control and control[0][1] == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
            arrival: float = seconds - self._offset + nanoseconds * 1e-9
            return size, min(arrival, now)
        self.unstamped += 1
        return size, now


def clock_offset() -> float:
    """Return the real-time clock minus the monotonic clock in seconds.

    Of several readings the fastest is used, because it is the most exact.
    """
    readings = []
    for _ in range(_READINGS):
        before, real, after = monotonic(), time(), monotonic()
        readings.append((after - before, real - (before + after) / 2))
    return min(readings)[1]


def enable_timestamps(connection: socket.socket) -> bool:
    """Enable kernel timestamps for data received on `connection`; return False if the platform has none."""
    if not sys.platform.startswith("linux") or platform.machine() not in _ARCHITECTURES or _TIMESPEC.size != 16:
        return False
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return connection.getsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS) == 1
    return False
