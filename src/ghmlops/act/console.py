"""What a person sees while a command works: notes on stderr, and a progress line where there is a terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TextIO

_CLEAR = "\r\x1b[2K"


@dataclass(slots=True)
class Console:
    """Standard error of one command. Standard output belongs to the result."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _live: bool = False

    @property
    def terminal(self) -> bool:
        """True where a person watches."""
        return self.stream.isatty()

    def note(self, line: str) -> None:
        """Print one line: something done, or about to be done."""
        self.settle()
        self.stream.write(printable(line) + "\n")
        self.stream.flush()

    def progress(self, line: str) -> None:
        """Show where long work stands, on one line that is written over; nothing without a terminal."""
        if self.terminal:
            self.stream.write(_CLEAR + printable(line)[:150])
            self.stream.flush()
            self._live = True

    def settle(self) -> None:
        """Take the progress line away."""
        if self._live:
            self.stream.write(_CLEAR)
            self.stream.flush()
            self._live = False


def printable(text: str) -> str:
    """Return `text` on one line that moves no cursor and that the runner does not take for a workflow command."""
    shown = "".join(c if c.isprintable() else " " if c in "\t\n\r" else f"\\x{ord(c):02x}" for c in text)
    # The runner obeys `##[command]` anywhere in a line, and `::command::` at its start, white space aside.
    shown = shown.replace("##[", "## [")
    return shown.replace("::", ": :", 1) if shown.lstrip().startswith("::") else shown
