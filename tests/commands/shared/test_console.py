"""Notes and the progress line on standard error."""

from __future__ import annotations

import io

from ghmlops.commands.shared.console import Console


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_progress_of_a_short_command_needs_a_terminal() -> None:
    """Without a terminal, notes are written, and progress of the first ten seconds is not."""
    stream = io.StringIO()
    console = Console(stream)
    console.progress("half")
    console.note("done")
    assert stream.getvalue() == "done\n"


def test_a_log_has_one_line_of_progress_every_ten_seconds() -> None:
    """A minute with four messages per second leaves six lines, each complete and the newest of its time."""
    stream, times = io.StringIO(), iter(range(0, 60_250, 250))
    console = Console(stream, clock=lambda: next(times) / 1000)
    for step in range(241):
        console.progress(f"step {step}")
    assert stream.getvalue().splitlines() == [f"step {step}" for step in (40, 80, 120, 160, 200, 240)]


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
