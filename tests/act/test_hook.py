"""A hook as a process: its exit code, its time limit, and what it leaves."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.hook import TAIL_BYTES, HookProcess
from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path


def finished(script: str, folder: Path, *, timeout: float = 30.0) -> tuple[int, str, bool]:
    """Return exit code and output of a script, and whether it was ended by its time limit."""
    process = HookProcess(["bash", "-c", script], folder, {"PATH": os.environ["PATH"], "WORD": "a b"}, timeout)
    try:
        while (code := process.poll()) is None:
            time.sleep(0.01)
        return code, process.output(), process.timed_out
    finally:
        process.end()


def test_exit_code_and_output(tmp_path: Path) -> None:
    """Both streams, in its folder, with its environment and no other; there is no input to wait for."""
    code, output, timed_out = finished('pwd; echo "$WORD" >&2; echo "${HOME-unset}"; cat; exit 3', tmp_path)
    assert (code, timed_out) == (3, False)
    assert output.split("\n") == [str(tmp_path), "a b", "unset", ""]


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    """A megabyte blocks nothing."""
    code, output, _ = finished("yes | head -c 1000000; echo end", tmp_path)
    assert (code, len(output), output[-4:]) == (0, TAIL_BYTES, "end\n")


def test_the_time_limit_ends_it_and_its_children(tmp_path: Path) -> None:
    """A script that ignores SIGTERM is killed, and so is the process that it started."""
    wait = "while :; do sleep 0.05; done"
    script = f"trap '' TERM; (trap '' TERM; echo $BASHPID >child; {wait}) & {wait}"
    code, _, timed_out = finished(script, tmp_path, timeout=3.0)
    assert (code, timed_out) == (-9, True)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < deadline, "the child outlived the hook"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("word", ["/nowhere/hook", "/tmp", "no\0word"])
def test_what_cannot_be_started_is_one_error(tmp_path: Path, word: str) -> None:
    """A program that is missing, a folder, and a word that is no argument."""
    with pytest.raises(ServiceError) as caught:
        HookProcess([word], tmp_path, {}, 1.0)
    assert caught.value.reason_code == "hook-failed"
