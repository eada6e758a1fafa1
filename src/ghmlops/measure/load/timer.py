"""Send timer: a kernel timer (`timerfd`) in the event loop, because the timers of libuv have millisecond resolution."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE = 1

_MAX_BUSY_WAIT_RATE = 10_000.0
"""Sends per second above which the process does not busy-wait."""
_LEAD, _MAX_LEAD_SHARE = 1e-4, 0.2
"""Seconds between waking up and a send, and the maximum share of the core that busy-waiting may use."""


class _Spec(ctypes.Structure):
    """`struct itimerspec`: interval, then value, each in seconds and nanoseconds."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


def wake_up_lead(rate: float) -> float:
    """Return how many seconds before each send to wake up, at `rate` sends per second; 0 to wake up on time.

    A sleeping core takes 40 to 70 us to wake up, which would delay every send. The process therefore wakes up early
    and busy-waits until the send is due: at most a fifth of its core, and never if the machine has only one core.
    """
    if rate > _MAX_BUSY_WAIT_RATE or (os.cpu_count() or 1) == 1:
        return 0.0
    return min(_LEAD, _MAX_LEAD_SHARE / rate)


class SendTimer:
    """Calls `on_due` at the time set by `set_for`; `on_due` then sets the next time, or closes the timer.

    With `lead`, `on_due` is called that many seconds early and waits for the exact time with `wait_until`.

    Attributes:
        kind: `timerfd`, or `loop` if the kernel has no such timer; sends are then up to a millisecond late.
    """

    __slots__ = ("_fd", "_handle", "_lead", "_loop", "_on_due", "_reference", "_settime", "_spec", "kind")

    def __init__(self, loop: AbstractEventLoop, on_due: Callable[[], None], lead: float = 0.0) -> None:
        self._loop, self._on_due = loop, on_due
        self._handle: TimerHandle | None = None
        self._fd = _open_timer()
        self.kind = "timerfd" if self._fd >= 0 else "loop"
        self._lead = lead if self._fd >= 0 else 0.0
        if self._fd >= 0:
            self._settime = ctypes.CDLL(None, use_errno=True).timerfd_settime
            self._spec = _Spec(0, 0, 0, 0)
            self._reference = ctypes.byref(self._spec)
            loop.add_reader(self._fd, on_due)

    def set_for(self, moment: float) -> None:
        """Call `on_due` for `moment` of `time.monotonic`, at once if it has passed; replaces the previous time.

        Raises:
            OSError: The kernel rejected the time.
        """
        if self._fd < 0:
            self._handle = self._loop.call_later(max(moment - time.monotonic(), 0.0), self._on_due)
            return
        # Setting the timer also clears the readiness of the last expiry, so that it need not be read.
        moment -= self._lead
        seconds = int(moment)
        self._spec.seconds = seconds
        self._spec.nanoseconds = int((moment - seconds) * 1e9)
        if self._settime(self._fd, _ABSOLUTE, self._reference, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def wait_until(self, moment: float) -> float:
        """Busy-wait for `moment` if it is at most the lead away; return the current time of `time.monotonic`."""
        now = time.monotonic()
        if now < moment <= now + self._lead:
            while now < moment:
                now = time.monotonic()
        return now

    def close(self) -> None:
        """Stop the timer; may be called twice."""
        if self._handle is not None:
            self._handle.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1


def _open_timer() -> int:
    if not sys.platform.startswith("linux"):
        return -1
    create = getattr(ctypes.CDLL(None, use_errno=True), "timerfd_create", None)
    return int(create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)) if create is not None else -1
