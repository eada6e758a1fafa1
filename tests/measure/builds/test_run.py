"""A build runs without a shell, is bounded in time and output, and leaves no process and no file of ours behind."""

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

from ghmlops.core.artifacts.spec import LocalSpec
from ghmlops.core.errors import InputError
from ghmlops.measure.builds import run as build
from ghmlops.measure.builds.outputs import files_of
from ghmlops.measure.builds.run import Ended, build_environment, run_build, words_of

LATE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
print("begun", flush=True)
time.sleep(300)
"""


def run(place: Path, script: str, *args: str, limit: float = 60.0) -> Ended:
    temp = place / "temp"
    temp.mkdir(exist_ok=True)
    words = [sys.executable, "-c", script, *args]
    done = run_build(words, cwd=place, environ=os.environ, temp=str(temp), limit=limit)
    assert list(temp.iterdir()) == []
    return done


def test_a_build_that_never_ends_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Its time over, its children in other sessions too; what it printed is told."""
    done = run(tmp_path, LATE, str(tmp_path / "pid"), limit=3.0)
    assert (done.problem, done.late, done.tail) == ("did not end within 3 s", True, "begun")
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("", ""),
        ("raise SystemExit(7)", "ended with exit status 7"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    ],
)
def test_how_it_ended_is_told(tmp_path: Path, script: str, problem: str) -> None:
    """A status, a signal, or nothing to complain of."""
    assert run(tmp_path, script).problem == problem


def test_an_endless_output_is_kept_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is kept, on the disk and in the message; control characters and commands to a runner are broken up."""
    monkeypatch.setattr(build, "MOST_OUTPUT", 100_000)
    sizes: list[int] = []
    real = build._shorten

    def shorten(log: Path) -> None:
        real(log)
        sizes.append(log.stat().st_size)

    monkeypatch.setattr(build, "_shorten", shorten)
    script = """
import time
for _ in range(6):
    print("x" * 99 + chr(10), end="" , flush=True)
    print(("y" * 99 + chr(10)) * 2000, flush=True)
    time.sleep(0.4)
print(chr(27) + "[2J##[error]the end")
"""
    done = run(tmp_path, script)
    assert done.tail.endswith("[2J## [error]the end")
    assert len(done.tail) <= 2001
    assert "\x1b" not in done.tail
    assert min(sizes) <= 100_000


def test_an_interrupt_ends_the_build(tmp_path: Path) -> None:
    """SIGTERM while it runs: the build and its children end, and the temporary folder is empty."""
    (tmp_path / "temp").mkdir()
    script = (
        "import os, signal, sys, pathlib\n"
        "from ghmlops.measure.builds.run import run_build\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "run_build([sys.executable, '-c', sys.argv[1], sys.argv[2]], cwd=pathlib.Path('/'), environ=os.environ,"
        " temp=sys.argv[3])\n"
    )
    pid = tmp_path / "pid"
    command = [sys.executable, "-c", script, LATE, str(pid), str(tmp_path / "temp")]
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
    """Quotes hold words together, and nothing is expanded."""
    assert words_of("make 'a b' $HOME * ; rm") == ["make", "a b", "$HOME", "*", ";", "rm"]
    for text in ("", "  ", "''", "a\x00b"):
        with pytest.raises(InputError, match="is empty"):
            words_of(text)


def test_a_build_gets_the_steps_variables_without_its_power(tmp_path: Path) -> None:
    """No token and no file of the runner; its own temporary folder; HOME, PORT and a hash seed as they were."""
    given = {"GITHUB_TOKEN": "t", "GHMLOPS_REBUILD": "x", "GITHUB_OUTPUT": "o", "HOME": "/h", "TMP": "/t", "A": "b"}
    own = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(tmp_path))
    assert build_environment(given, tmp_path) == {"HOME": "/h", "A": "b", **own}
    more = {"PORT": "80", "PYTHONHASHSEED": "0"}
    assert build_environment(more, tmp_path) == {**more, **own}


def test_a_fingerprint_is_of_names_and_bytes_and_not_of_the_folder(tmp_path: Path) -> None:
    """Equal in another folder; another with another name, or another byte."""
    found = []
    for folder, name, text in (
        ("a", "x.parquet", "1"),
        ("b", "x.parquet", "1"),
        ("c", "y.parquet", "1"),
        ("d", "x.parquet", "2"),
    ):
        (tmp_path / folder / "out").mkdir(parents=True)
        (tmp_path / folder / "out" / name).write_text(text)
        found.append(files_of((LocalSpec(pattern="out"),), (tmp_path / folder).resolve()).fingerprint())
    assert found[0] == found[1]
    assert len(set(found)) == 3
