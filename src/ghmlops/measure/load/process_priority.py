"""Raises the process priority and disables garbage collection while sending."""

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
"""Signals that interrupt a run."""
MAX_REAL_TIME_RATE = 20_000.0
"""Requests per second and arm up to which real-time priority is requested. A generator that needs a whole core must not
have it: everything else on that core, the service included, would be starved."""
_NICE = -10


@contextlib.contextmanager
def sending_priority(rate: float) -> Iterator[str]:
    """Raise the priority of the process; yield what the system granted: `real-time`, `nice` or `none`.

    A process of normal priority waits until the current one has used up its time slice, 3 to 4 ms; a real-time process
    does not. Priority, garbage collection and signal handlers are restored on exit.
    """
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in SIGNALS} if main else {}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    priority, restore = _raise_priority(rate)
    try:
        yield priority
    finally:
        restore()
        if collecting:
            gc.enable()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _raise_priority(rate: float) -> tuple[str, Callable[[], None]]:
    """Raise the priority of this thread; return the priority granted, and a function that restores the previous one."""
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if sys.platform == "linux" and rate <= MAX_REAL_TIME_RATE and (os.cpu_count() or 1) > 1:
        policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            return "real-time", lambda: os.sched_setscheduler(0, policy, parameters)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, min(nice, _NICE))
        return "nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, nice)
    return "none", lambda: None
