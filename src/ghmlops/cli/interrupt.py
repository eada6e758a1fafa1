"""The signals that interrupt a command, which a terminal and the launcher send more than once."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

INTERRUPTED = 130
"""Exit code of an interrupted command."""
REPEAT_SECONDS = 1.0
"""Signals within this time after one that interrupted the command are the same interrupt."""


class _Interrupted(KeyboardInterrupt):
    """Subclass, because Python terminates itself with SIGINT if a caught `KeyboardInterrupt` passed through an `exec`.

    `dataclasses` uses `exec`, so that this can happen in any import.
    """


class Interrupt:
    """A signal handler that raises, except for signals that follow at once.

    A terminal and `timeout` signal the whole process group, and the launcher passes its own signal on: both are one
    interrupt, and the second must not interrupt the clean-up that the first has started.

    Args:
        clock: Returns seconds.

    Attributes:
        arrived: Whether a signal has come. An extension that handles signals itself may replace what this raises, as
            DuckDB does with an ordinary exception.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.arrived = False
        self._clock = clock
        self._last = -math.inf

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        now = self._clock()
        if now - self._last < REPEAT_SECONDS:
            return
        self.arrived, self._last = True, now
        raise _Interrupted
