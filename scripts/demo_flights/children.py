"""Child processes with a clean environment and a time limit, terminated when the demo is interrupted."""

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
"""Prefixes of variables that could give the demo an account, or another Python."""
GRACE = 30.0
"""Seconds in which a child can terminate its own children after an interrupt."""


class DemoError(Exception):
    """Raised if the demo cannot continue or an expectation did not hold; the message is one sentence for the user."""


class Done(NamedTuple):
    """Exit code and output of a child process."""

    code: int
    out: str
    err: str


def clean_environment(environ: Mapping[str, str], python: Path) -> dict[str, str]:
    """Return `environ` without foreign variables and user settings of git, the folder of `python` first in PATH."""
    variables = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    return variables | {
        "PATH": os.pathsep.join([str(python.parent), environ.get("PATH", os.defpath)]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Runs one child at a time, in a separate session, so that it receives an interrupt once, from this process."""

    environment: Mapping[str, str]

    def run(self, command: Sequence[str], cwd: Path, *, timeout: float = 300.0, watched: bool = False) -> Done:
        """Run `command` to its end; if `watched`, it writes its progress to the terminal.

        Raises:
            DemoError: The command did not end within `timeout` seconds.
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
        """Run `command`, which must succeed, and return its output without trailing newlines.

        Raises:
            DemoError: The command failed; the message contains the end of its output.
        """
        done = self.run(command, cwd)
        if done.code != 0:
            tail = "\n".join((done.err or done.out).strip().splitlines()[-15:])
            raise DemoError(f"`{' '.join(command[:4])}` failed with exit code {done.code}:\n{tail}")
        return done.out.rstrip("\n")


def end(child: subprocess.Popen[str]) -> None:
    """Terminate `child`, give it time to terminate its children, and kill its session if it does not end."""
    handlers = [
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
        for number, handler in handlers:
            signal.signal(number, handler)


def interpreter() -> Path:
    """Return the Python that runs the demo, with links unresolved, because they identify the virtual environment."""
    return Path(sys.executable)
