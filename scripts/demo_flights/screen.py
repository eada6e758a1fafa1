"""What a person sees: numbered steps with their seconds, and the summary. No control characters anywhere."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

WIDTH = 110


@dataclass(slots=True, kw_only=True)
class Screen:
    """Writes steps to `stream`; `clock` gives seconds."""

    stream: TextIO
    clock: Callable[[], float]
    steps: int
    _step: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say how long it took once it is done."""
        self._step += 1
        self.line(f"[{self._step}/{self.steps}] {title}")
        begun = self.clock()
        yield
        self.line(f"      done in {self.clock() - begun:.1f} s")

    def say(self, text: str) -> None:
        """Write an indented paragraph that belongs to the step."""
        self.line(textwrap.fill(printable(text), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))

    def line(self, text: str = "") -> None:
        """Write one line at once, also where the output is a file."""
        print(text, file=self.stream, flush=True)


def printable(text: str) -> str:
    """Return `text` on one line, without characters that move a cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def table(rows: list[tuple[str, str]]) -> str:
    """Return rows of a name and a text, the texts below each other and wrapped."""
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
