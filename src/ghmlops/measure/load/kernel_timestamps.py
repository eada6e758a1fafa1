"""When an answer came, by the kernel: it stamps what it receives, so that the way to this process is not counted.

A process that sleeps, or sends, reads an answer tens of microseconds after it has come, and later still where many
come at once. Linux tells with the bytes when the last of them was received (`SO_TIMESTAMPNS`).
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

MOST_STAMPED = 10_000.0
"""Requests a second and arm up to which the kernel is asked: reading the stamps takes 1 to 2 us an answer."""
_STAMPED = 35
"""`SO_TIMESTAMPNS` of Linux on the processors named below; Python does not name it."""
_PROCESSORS = {"x86_64", "aarch64"}
_TIME = struct.Struct("ll")
_ROOM = socket.CMSG_SPACE(_TIME.size) if hasattr(socket, "CMSG_SPACE") else 0
_STEP = 1e-4
"""Seconds by which the two clocks may seem to move against each other between two readings."""
_TRIES = 5


class ArrivalClock:
    """Reads sockets with the time of `time.monotonic` at which the kernel received what is read.

    Stamps are of the real-time clock. Both clocks are slewed alike, so that only a step of the real-time clock changes
    what lies between them; it is found by reading both each time, and the moment of reading then stands.

    Attributes:
        unstamped: answers and parts of answers that were timed when they were read.
    """

    __slots__ = ("_apart", "unstamped")

    def __init__(self) -> None:
        self.unstamped = 0
        self._apart = apart()

    def read(self, receive: Callable[[list[bytearray], int], Received], into: list[bytearray]) -> tuple[int, float]:
        """Return how many bytes were read by `receive`, a socket's `recvmsg_into`, and when the last of them came.

        Raises:
            OSError: of the socket.
        """
        size, told, _, _ = receive(into, _ROOM)
        now, real = monotonic(), time()
        if abs(real - now - self._apart) > _STEP:  # the clock was set, or this process was held between the two
            self._apart = apart()
        elif told and told[0][1] == _STAMPED:
            seconds, nanoseconds = _TIME.unpack(told[0][2])
            came: float = seconds - self._apart + nanoseconds * 1e-9
            return size, min(came, now)
        self.unstamped += 1
        return size, now


def apart() -> float:
    """Return the real-time clock minus the monotonic one: of a few readings the one that took least."""
    readings = []
    for _ in range(_TRIES):
        before, real, after = monotonic(), time(), monotonic()
        readings.append((after - before, real - (before + after) / 2))
    return min(readings)[1]


def stamps(plain: socket.socket) -> bool:
    """Ask the kernel to stamp what `plain` receives; False where it does not."""
    if not sys.platform.startswith("linux") or platform.machine() not in _PROCESSORS or _TIME.size != 16:
        return False
    with contextlib.suppress(OSError):
        plain.setsockopt(socket.SOL_SOCKET, _STAMPED, 1)
        return plain.getsockopt(socket.SOL_SOCKET, _STAMPED) == 1
    return False
