"""Child processes: a clean environment, a time limit, and an end when the demo is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOREIGN = (
    "GITHUB_",
    "GHMLOPS_",
    "GH_",
    "RUNNER_",
    "ACTIONS_",
    "INPUT_",
    "GIT_",
    "PYTHON",
    "UV_",
    "VIRTUAL_ENV",
    "CONDA_",
)
"""Variables by prefix that would make the demo talk to somebody's account, or run somebody else's Python."""
GRACE = 30.0
"""Seconds a child has to end its own children after an interrupt."""


class DemoError(Exception):
    """The demo cannot go on, or something that it promises did not hold: one sentence for a person."""


class Done(NamedTuple):
    """A child that has ended."""

    code: int
    out: str
    err: str


def clean_environment(environ: Mapping[str, str], python: Path) -> dict[str, str]:
    """Return `environ` without foreign variables and personal git settings, the folder of `python` first in PATH."""
    kept = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    return kept | {
        "PATH": os.pathsep.join([str(python.parent), environ.get("PATH", os.defpath)]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Runs one child at a time, each in its own session, so that an interrupt reaches it exactly once: from here."""

    environment: Mapping[str, str]

    def run(self, command: Sequence[str], cwd: Path, *, timeout: float = 300.0, watched: bool = False) -> Done:
        """Run `command` to its end; a `watched` one writes its progress straight to the terminal.

        Raises:
            DemoError: it did not end within `timeout` seconds.
        """
        errors = None if watched else subprocess.PIPE
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        with child:
            try:
                out, err = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                end(child)
                raise DemoError(f"`{' '.join(command[:3])}` did not end within {timeout:g} s") from None
            except BaseException:
                end(child)
                raise
        return Done(child.returncode, out, err or "")

    def succeed(self, command: Sequence[str], cwd: Path) -> str:
        """Run `command`, which must succeed, and return its output without the last line's end.

        Raises:
            DemoError: it failed; with the tail of what it said.
        """
        done = self.run(command, cwd)
        if done.code != 0:
            tail = "\n".join((done.err or done.out).strip().splitlines()[-15:])
            raise DemoError(f"`{' '.join(command[:4])}` failed with exit code {done.code}:\n{tail}")
        return done.out.rstrip("\n")


def end(child: subprocess.Popen[str]) -> None:
    """Ask `child` to end, let it end its own children, and kill its whole session where it does not."""
    held = [
        (number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    try:
        child.terminate()
        try:
            child.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    finally:
        for number, before in held:
            signal.signal(number, before)


def interpreter() -> Path:
    """Return the Python that runs the demo; not resolved, or its virtual environment would be lost."""
    return Path(sys.executable)
