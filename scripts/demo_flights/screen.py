"""Output of the demo: numbered steps with their duration, and the summary, without control characters."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

WIDTH = 110


@dataclass(slots=True, kw_only=True)
class Screen:
    """Writes steps to `stream`; `clock` returns seconds."""

    stream: TextIO
    clock: Callable[[], float]
    steps: int
    _step: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title of a step, and its duration at its end."""
        self._step += 1
        self.line(f"[{self._step}/{self.steps}] {title}")
        start = self.clock()
        yield
        self.line(f"      done in {self.clock() - start:.1f} s")

    def say(self, text: str) -> None:
        """Print an indented paragraph of the current step."""
        self.line(textwrap.fill(printable(text), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))

    def line(self, text: str = "") -> None:
        """Print one line without buffering."""
        print(text, file=self.stream, flush=True)


def printable(text: str) -> str:
    """Return `text` on one line, without characters that move a cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def table(rows: list[tuple[str, str]]) -> str:
    """Return rows of name and text in two aligned columns, with texts wrapped."""
    indent = max(len(name) for name, _ in rows) + 4
    return "\n".join(
        textwrap.fill(
            printable(text),
            max(WIDTH, indent + 40),
            initial_indent=f"  {name}".ljust(indent),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in rows
    )
