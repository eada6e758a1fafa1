"""The clock of the week: the real one, moved. Commands, the double of GitHub and the log of the router share it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import pytest

from ghmlops import cli
from github_api import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

VARIABLE = "WEEK_SHIFT"
"""Environment variable with the shift in seconds, which the copy of the suite in the runner reads."""
_IMPORT = "from datetime import UTC, datetime\n"
_SHIFTED = f"""\
import os
from datetime import UTC, timedelta
from datetime import datetime as _datetime


class datetime(_datetime):
    @classmethod
    def now(cls, tz=None):
        return _datetime.now(tz) + timedelta(seconds=float(os.environ["{VARIABLE}"]))
"""
_ACCEPT_DATE = re.compile(r"\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}\.\d{3})\]")
_DATE_FORMAT = "%d/%b/%Y:%H:%M:%S.%f"


class Clock:
    """The present of the week, which runs as fast as the real one until it is set.

    Args:
        start: First time of the week.
    """

    def __init__(self, start: datetime) -> None:
        self.shift = timedelta()
        self.set(start)

    def set(self, moment: datetime) -> None:
        """Make it that time."""
        self.shift = moment - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present time of the week (UTC)."""
        return datetime.now(UTC) + self.shift

    @property
    def seconds(self) -> str:
        """The shift as the value of the variable."""
        return f"{self.shift.total_seconds():.6f}"

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Give the commands of this process, and the double of GitHub, this clock."""
        clock = self

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                moment = clock.now()
                return cls.fromisoformat(moment.isoformat()).astimezone(tz or UTC)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cli, "datetime", Shifted)
            patch.setattr(state, "datetime", Shifted)
            yield

    @contextlib.contextmanager
    def follow(self, log: Path, shifted: Path) -> Iterator[None]:
        """Copy the log of a router line by line, with the times of the week."""
        stop = threading.Event()

        def copy() -> None:
            with log.open() as lines, shifted.open("a") as copies:
                rest = ""
                while not stop.is_set():
                    rest += lines.read()
                    complete, separator, rest = rest.rpartition("\n")
                    copies.write(_ACCEPT_DATE.sub(self._moved, complete + separator))
                    copies.flush()
                    time.sleep(0.02)

        shifted.touch()
        thread = threading.Thread(target=copy)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _moved(self, match: re.Match[str]) -> str:
        # Like the log, the process has the time zone of the machine.
        moment = datetime.strptime(match[1], _DATE_FORMAT) + self.shift  # noqa: DTZ007
        return f"[{moment.strftime(_DATE_FORMAT)[:-3]}]"


def shift_suite(suite: Path) -> None:
    """Give the commands of a copy of the suite the clock of the week; nothing else of the copy changes."""
    file = suite / "src" / "ghmlops" / "cli" / "__init__.py"
    text = file.read_text()
    assert text.count(_IMPORT) == 1
    file.write_text(text.replace(_IMPORT, _SHIFTED))
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "Clock"], cwd=suite, check=True)
