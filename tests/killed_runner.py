"""Starts a workflow and kills its runner with everything that it started, as a machine does that loses its power."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runner import runner_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner import World

TIME_LIMIT = 300
"""Seconds after which a run that was not killed is a failure of the test."""


def kill_at(world: World, command: list[str], moment: Callable[[], bool]) -> None:
    """Run a command of `World.command`, and kill it as soon as `moment` is true.

    Args:
        world: The folder of the consumer.
        command: The runner with its arguments.
        moment: Is asked every few milliseconds.
    """
    log = world.folder / "killed.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command,
            cwd=world.consumer,
            env=runner_environment(world.folder),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as child,
    ):
        deadline = time.monotonic() + TIME_LIMIT
        try:
            while not moment():
                assert child.poll() is None, f"it ended before it was killed: {log.read_text()}"
                assert time.monotonic() < deadline, f"it was not killed in time: {log.read_text()}"
                time.sleep(0.005)
        finally:
            kill_tree(child.pid)
    assert child.returncode == -signal.SIGKILL


def kill_tree(root: int) -> None:
    """Kill a process and its descendants, which have sessions of their own and would survive a signal to its group.

    Each one is stopped before its children are listed, so that none is started meanwhile.
    """
    tree = [root]
    for process in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
            _wait_until_stopped(process)
        tree += _children(process)
    for process in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _wait_until_stopped(process: int) -> None:
    deadline = time.monotonic() + 5
    while _stat(process)[:1] not in (["T"], ["t"], ["Z"], []):
        assert time.monotonic() < deadline, f"process {process} does not stop"
        time.sleep(0.001)


def _children(process: int) -> list[int]:
    numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [number for number in numbers if _stat(number)[1:2] == [str(process)]]


def _stat(process: int) -> list[str]:
    """Return the fields of a process from its state on: state, parent, group; empty if it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
