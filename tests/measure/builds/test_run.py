"""A build runs without a shell, with bounded time and output, and leaves no process and no temporary file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.builds import run as build
from ghmlops.measure.builds.run import BuildResult, build_environment, run_build, split_command

SLOW_BUILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
print("started", flush=True)
time.sleep(300)
"""


def run(folder: Path, script: str, *args: str, limit: float = 60.0) -> BuildResult:
    """Run a Python script as a build; its temporary folder is empty afterwards."""
    temp = folder / "temp"
    temp.mkdir(exist_ok=True)
    words = [sys.executable, "-c", script, *args]
    result = run_build(words, cwd=folder, environ=os.environ, temp=str(temp), limit=limit)
    assert list(temp.iterdir()) == []
    return result


def test_a_build_without_an_end_is_terminated_with_its_descendants(tmp_path: Path) -> None:
    """At the time limit the build and its children in other sessions are terminated; its output is reported."""
    result = run(tmp_path, SLOW_BUILD, str(tmp_path / "pid"), limit=3.0)
    assert (" 3 s" in result.problem, result.timed_out, result.tail) == (True, True, "started")
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("", ""),
        ("raise SystemExit(7)", "exit status 7"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
)
def test_the_problem_names_status_or_signal(tmp_path: Path, script: str, problem: str) -> None:
    """The problem ends with the exit status or the signal, and is empty for status 0."""
    result = run(tmp_path, script)
    assert (result.problem.endswith(problem), bool(result.problem)) == (True, bool(problem))


def test_a_long_output_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the output remains, on disk and in the result, without control characters and runner commands."""
    monkeypatch.setattr(build, "MAX_OUTPUT", 100_000)
    sizes: list[int] = []
    truncate_log = build._truncate_log

    def truncate(log: Path) -> None:
        truncate_log(log)
        sizes.append(log.stat().st_size)

    monkeypatch.setattr(build, "_truncate_log", truncate)
    script = """
import time
for _ in range(6):
    print("x" * 99 + chr(10), end="" , flush=True)
    print(("y" * 99 + chr(10)) * 2000, flush=True)
    time.sleep(0.4)
print(chr(27) + "[2J##[error]the end")
"""
    result = run(tmp_path, script)
    assert result.tail.endswith("[2J## [error]the end")
    assert len(result.tail) <= 2001
    assert "\x1b" not in result.tail
    assert min(sizes) <= 100_000


def test_an_interrupt_ends_the_build(tmp_path: Path) -> None:
    """After a SIGTERM the build and its children have ended, and the temporary folder is empty."""
    (tmp_path / "temp").mkdir()
    script = (
        "import os, signal, sys, pathlib\n"
        "from ghmlops.measure.builds.run import run_build\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "run_build([sys.executable, '-c', sys.argv[1], sys.argv[2]], cwd=pathlib.Path('/'), environ=os.environ,"
        " temp=sys.argv[3])\n"
    )
    pid = tmp_path / "pid"
    command = [sys.executable, "-c", script, SLOW_BUILD, str(pid), str(tmp_path / "temp")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        stop = threading.Timer(60, process.kill)
        stop.start()
        try:
            while not (pid.exists() and pid.read_text()):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            process.communicate()
        finally:
            stop.cancel()
            process.kill()
    assert not psutil.pid_exists(int(pid.read_text()))
    assert list((tmp_path / "temp").iterdir()) == []


def test_a_command_is_split_without_a_shell() -> None:
    """Quotes group words, and nothing is expanded."""
    assert split_command("make 'a b' $HOME * ; rm") == ["make", "a b", "$HOME", "*", ";", "rm"]
    for text in ("", "  ", "''", "a\x00b"):
        with pytest.raises(InputError, match=r"`rebuild`.*empty"):
            split_command(text)


def test_the_environment_of_a_build(tmp_path: Path) -> None:
    """It has no token and no file of the runner, and a separate temporary folder; HOME, PORT and hash seed stay."""
    environ = {"GITHUB_TOKEN": "t", "GHMLOPS_REBUILD": "x", "GITHUB_OUTPUT": "o", "HOME": "/h", "TMP": "/t", "A": "b"}
    folders = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(tmp_path))
    assert build_environment(environ, tmp_path) == {"HOME": "/h", "A": "b", **folders}
    preserved = {"PORT": "80", "PYTHONHASHSEED": "0"}
    assert build_environment(preserved, tmp_path) == {**preserved, **folders}
