"""One git process: its time limit, its bounded output, and its termination."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ghmlops.clients.git.process import OutputTooLarge, run_process
from ghmlops.core.errors import GitError

if TYPE_CHECKING:
    from git_sandbox import Repo


@pytest.fixture
def fake_git(tmp_path: Path) -> Path:
    """A folder with a `git` that runs its first argument as a shell script."""
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\neval "$1"\n')
    script.chmod(0o755)
    return script.parent


def run(
    folder: Path, script: str, *, stdin: bytes = b"", timeout: float = 20.0, max_output: int = 1000
) -> tuple[int, bytes, bytes]:
    """Run a script as git."""
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return run_process((script,), cwd=folder, environ=environ, stdin=stdin, timeout=timeout, max_output=max_output)


def test_exit_code_and_both_outputs_are_returned(fake_git: Path) -> None:
    """Exit code, standard output and standard error are returned as they are."""
    assert run(fake_git, "printf out; printf err >&2; exit 3") == (3, b"out", b"err")


def test_input_larger_than_a_pipe_is_written(fake_git: Path) -> None:
    """An input of several pipe buffers arrives complete, while the process writes as much."""
    data = bytes(range(256)) * 4096
    assert run(fake_git, "cat", stdin=data, max_output=2 * len(data)) == (0, data, b"")


def test_process_that_ignores_its_input_succeeds(fake_git: Path) -> None:
    """A process that exits without reading its input is not an error."""
    assert run(fake_git, "exit 0", stdin=b"x" * 1_000_000)[0] == 0


@pytest.mark.parametrize("target", ["", ">&2"])
def test_output_is_bounded(fake_git: Path, target: str) -> None:
    """Output beyond the maximum terminates the process; as much as the maximum is returned."""
    assert run(fake_git, f"head -c 1000 /dev/zero {target}")[0] == 0
    with pytest.raises(OutputTooLarge, match="1,000 bytes"):
        run(fake_git, f"cat /dev/zero {target}")


def test_time_is_limited(fake_git: Path, tmp_path: Path) -> None:
    """After the time limit, the process and its children are terminated."""
    pid_file = tmp_path / "pid"
    start = time.monotonic()
    with pytest.raises(GitError, match=r"0\.5 s"):
        run(fake_git, f"sleep 60 & echo $! >{pid_file}; wait", timeout=0.5)
    assert time.monotonic() - start < 50  # less than the child would sleep
    while is_running(int(pid_file.read_text())) and time.monotonic() - start < 50:
        time.sleep(0.01)  # a signal is delivered when the process runs next
    assert not is_running(int(pid_file.read_text()))


def is_running(pid: int) -> bool:
    """Return whether a process runs; a terminated one that init has not collected yet does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_missing_git_is_reported(tmp_path: Path) -> None:
    """Without git on the path, the error says that git is not installed."""
    with pytest.raises(GitError, match="not installed"):
        run_process(("status",), cwd=tmp_path, environ={"PATH": str(tmp_path)}, stdin=b"", timeout=5)


def test_missing_folder_is_reported(repository: Repo) -> None:
    """A folder that does not exist is a GitError."""
    with pytest.raises(GitError):
        run_process(("status",), cwd=repository.folder / "none", environ=repository.environ, stdin=b"", timeout=5)
