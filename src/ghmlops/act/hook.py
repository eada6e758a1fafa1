"""A command of the user that runs beside a promotion, with a time limit, and is ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING

from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 2.0
"""Seconds between SIGTERM and SIGKILL."""
TAIL_BYTES = 2000
"""Bytes of the end of the output in a message."""


class HookProcess:
    """A running command.

    Args:
        words: Program and arguments.
        cwd: Folder in which it runs.
        environ: Its environment.
        timeout: Seconds after which it is ended.

    Attributes:
        timed_out: Whether it was ended because of its time limit.

    Raises:
        ServiceError: It cannot be started.
    """

    def __init__(self, words: Sequence[str], cwd: Path, environ: Mapping[str, str], timeout: float) -> None:
        # A file, not a pipe: a command that prints a lot, or leaves a process that holds the pipe, blocks nobody.
        self._output: IO[bytes] = tempfile.TemporaryFile(prefix="ghmlops-hook-")  # noqa: SIM115  (closed in `end`)
        self._deadline = time.monotonic() + timeout
        self.timed_out = False
        try:
            self._process = subprocess.Popen(
                list(words),
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._output.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise ServiceError(
                f"the hook `{words[0]}` cannot be started: {reason}",
                hint="is it installed on the runner, and executable?",
                reason_code="hook-failed",
            ) from None

    def poll(self) -> int | None:
        """Return the exit code, or `None` while it runs; it is ended if its time is over."""
        code = self._process.poll()
        if code is None and time.monotonic() >= self._deadline:
            self.timed_out = True
            self._terminate()
            code = self._process.wait()
        return code

    def output(self) -> str:
        """Return the end of what it printed."""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL_BYTES))
        return self._output.read().decode(errors="replace")

    def end(self) -> None:
        """End it, if it runs, and every process that it left."""
        self._terminate()
        self._output.close()

    def _terminate(self) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
