"""Signals: one interrupt, exit code 130."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ghmlops.cli.interrupt import Interrupt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_text_that_is_executed(here: Path, name: str) -> None:
    """As in the making of a dataclass: Python would end itself by SIGINT at the end, although it was caught."""
    (here / "program.py").write_text(
        "import signal, sys\nfrom ghmlops import cli\n"
        f"cli.command_module = lambda name: exec('signal.raise_signal(signal.{name})')\n"
        "sys.exit(cli.main(['check']))"
    )
    command = [sys.executable, "-m", "program"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "interrupted")


def test_a_signal_that_an_extension_replaces_by_an_error(here: Path) -> None:
    """DuckDB raises "Query interrupted" in place of what the handler raises; that is no bug of the command."""
    (here / "program.py").write_text(
        "import signal, sys\nfrom ghmlops import cli\n"
        "def query(name):\n"
        "    try:\n        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n        raise RuntimeError('Query interrupted') from None\n"
        "cli.command_module = query\nsys.exit(cli.main(['check']))"
    )
    command = [sys.executable, "-m", "program"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "interrupted")


def test_signals_that_follow_at_once_do_not_interrupt_the_clean_up() -> None:
    """A terminal signals the whole group and the launcher passes its own on; a later one interrupts again."""
    times = iter([10.0, 10.2, 10.9, 11.1])
    interrupt = Interrupt(lambda: next(times))
    raised = []
    for _ in range(4):
        try:
            interrupt(2, None)
        except KeyboardInterrupt:
            raised.append(True)
        else:
            raised.append(False)
    assert raised == [True, False, False, True]
