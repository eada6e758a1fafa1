"""Waking up on time: a kernel timer (`timerfd`) read by the event loop; libuv's own timers only know milliseconds."""

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


_MOST_AWAITED = 10_000.0
_EARLY, _EARLY_SHARE = 1e-4, 0.2
"""Seconds before a send at which the process wakes up, and the most of its core that it may so wait away."""


class _Spec(ctypes.Structure):
    """`struct itimerspec`: interval, then value, each in seconds and nanoseconds."""

    _fields_ = (
        ("every_seconds", ctypes.c_long),
        ("every_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


def early(rate: float) -> float:
    """Return how many seconds before a send to wake up, at `rate` sends a second; 0 where there is no time for it.

    A core that sleeps takes 40 to 70 us to wake up, by which each send would be late. So it is woken before, and waits
    for the time itself: a fifth of its core at most, and on the only core of a machine never.
    """
    return min(_EARLY, _EARLY_SHARE / rate) if rate <= _MOST_AWAITED and (os.cpu_count() or 1) > 1 else 0.0


class SendTimer:
    """Calls `due` when the time that was set by `set_for` has come; `due` then sets the next one, or closes the timer.

    With `early`, `due` is called so many seconds before, and waits by `awaited` for the time itself.
    `kind` is `timerfd`, or `loop` where the kernel has none (then sends are up to a millisecond late).
    """

    __slots__ = ("_due", "_early", "_fd", "_handle", "_loop", "_reference", "_settime", "_spec", "kind")

    def __init__(self, loop: AbstractEventLoop, due: Callable[[], None], early: float = 0.0) -> None:
        self._loop, self._due = loop, due
        self._handle: TimerHandle | None = None
        self._fd = _open_timer()
        self.kind = "timerfd" if self._fd >= 0 else "loop"
        self._early = early if self._fd >= 0 else 0.0
        if self._fd >= 0:
            self._settime = ctypes.CDLL(None, use_errno=True).timerfd_settime
            self._spec = _Spec(0, 0, 0, 0)
            self._reference = ctypes.byref(self._spec)
            loop.add_reader(self._fd, due)

    def set_for(self, moment: float) -> None:
        """Call `due` for `moment` (of `time.monotonic`); at once if it has passed. Replaces the time set before."""
        if self._fd < 0:
            self._handle = self._loop.call_later(max(moment - time.monotonic(), 0.0), self._due)
            return
        # Setting the timer also takes back the readiness of the last expiry, so it need not be read.
        moment -= self._early
        seconds = int(moment)
        self._spec.seconds = seconds
        self._spec.nanoseconds = int((moment - seconds) * 1e9)
        if self._settime(self._fd, _ABSOLUTE, self._reference, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def awaited(self, moment: float) -> float:
        """Return the time: `moment` or just after where it is so near that the timer was early for it, else now."""
        now = time.monotonic()
        if now < moment <= now + self._early:
            while now < moment:
                now = time.monotonic()
        return now

    def close(self) -> None:
        """Stop; may be called twice."""
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
