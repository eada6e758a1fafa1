"""Notes and the progress line on standard error."""

from __future__ import annotations

import io

from ghmlops.commands.shared.console import Console


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_progress_needs_a_terminal() -> None:
    """Without a terminal, notes are written and progress is not."""
    stream = io.StringIO()
    console = Console(stream)
    console.progress("half")
    console.note("done")
    assert stream.getvalue() == "done\n"


def test_note_replaces_the_progress_line() -> None:
    """On a terminal, a note erases the progress line first, and only once."""
    stream = Terminal()
    console = Console(stream)
    console.progress("x" * 1000)
    console.note("one")
    console.note("two")
    before, _, after = stream.getvalue().rpartition("\r\x1b[2K")
    assert after == "one\ntwo\n"
    assert before.count("x") < 200


def test_untrusted_text_stays_on_its_line() -> None:
    """Line breaks, control characters and workflow commands in a note have no effect."""
    stream = io.StringIO()
    Console(stream).note("::error::a\nb\x1b[2J")
    (line,) = stream.getvalue().splitlines()
    assert not line.startswith("::")
    assert "\x1b" not in line
