"""Standard error of a command: notes, and a progress line if it is a terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TextIO

from ghmlops.report.text.escape import printable

_ERASE_LINE = "\r\x1b[2K"
_PROGRESS_WIDTH = 150
"""Characters of the progress line; a longer one would wrap and could not be erased."""


@dataclass(slots=True)
class Console:
    """Writes notes and progress to standard error. Standard output is reserved for the result."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _progress_visible: bool = False

    @property
    def terminal(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def note(self, line: str) -> None:
        """Print one line about something that was done or is about to be done."""
        self.clear_progress()
        self.stream.write(printable(line) + "\n")
        self.stream.flush()

    def progress(self, line: str) -> None:
        """Replace the progress line; without a terminal, print nothing."""
        if self.terminal:
            self.stream.write(_ERASE_LINE + printable(line)[:_PROGRESS_WIDTH])
            self.stream.flush()
            self._progress_visible = True

    def clear_progress(self) -> None:
        """Erase the progress line, if there is one."""
        if self._progress_visible:
            self.stream.write(_ERASE_LINE)
            self.stream.flush()
            self._progress_visible = False
