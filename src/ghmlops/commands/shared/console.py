"""Standard error of a command: notes, and progress: one changing line on a terminal, else a line every ten seconds."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable

_ERASE_LINE = "\r\x1b[2K"
_PROGRESS_WIDTH = 150
"""Characters of the progress line; a longer one would wrap and could not be erased."""
PROGRESS_INTERVAL = 10.0
"""Seconds between two lines of progress in a log, where no line can be replaced."""


@dataclass(slots=True)
class Console:
    """Writes notes and progress to standard error. Standard output is reserved for the result."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    """Seconds on a clock that is never set back."""
    _progress_visible: bool = False
    _last_line: float | None = None

    @property
    def terminal(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return self.stream.isatty()
        except ValueError:  # The stream is closed.
            return False

    def note(self, line: str) -> None:
        """Print one line about something that was done or is about to be done."""
        self.clear_progress()
        self.write(printable(line) + "\n")

    def write(self, text: str) -> None:
        """Write text as it is; a closed or full standard error loses it and stops nothing."""
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            # Python would try to write the rest again when it exits, and then exit with another code.
            sys.stderr = self.stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def progress(self, line: str) -> None:
        """Replace the progress line; without a terminal, print at most one line every ten seconds.

        A command that ends within ten seconds leaves no progress in a log.
        """
        if self.terminal:
            self.write(_ERASE_LINE + printable(line)[:_PROGRESS_WIDTH])
            self._progress_visible = True
            return
        now = self.clock()
        if self._last_line is None:
            self._last_line = now
        elif now - self._last_line >= PROGRESS_INTERVAL:
            self._last_line = now
            self.write(printable(line)[:_PROGRESS_WIDTH] + "\n")

    def clear_progress(self) -> None:
        """Erase the progress line, if there is one."""
        if self._progress_visible:
            self.write(_ERASE_LINE)
            self._progress_visible = False
