"""The process while it sends: first in the scheduler's line where that is allowed, and no garbage collection."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST_REAL_TIME = 20_000.0
"""Requests a second and arm up to which real-time priority is asked for. A generator that needs its whole core must not
have it: what shares the core, the service too, would get next to nothing."""
_NICE = -10


@contextlib.contextmanager
def quiet_process(rate: float) -> Iterator[str]:
    """Yield `real-time`, `nice` or `none`: what the scheduler allowed. All is put back after, signal handlers too.

    A normal process waits for whoever has the core to use up its slice, 3 to 4 ms; a real-time one does not.
    """
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in SIGNALS} if main else {}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    got, put_back = _raised(rate)
    try:
        yield got
    finally:
        put_back()
        if collecting:
            gc.enable()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _raised(rate: float) -> tuple[str, Callable[[], None]]:
    """Raise the priority of this thread; return what was got, and what puts it back."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    if sys.platform == "linux" and rate <= MOST_REAL_TIME and (os.cpu_count() or 1) > 1:
        policy, given = os.sched_getscheduler(0), os.sched_getparam(0)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            return "real-time", lambda: os.sched_setscheduler(0, policy, given)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, min(before, _NICE))
        return "nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, before)
    return "none", lambda: None
