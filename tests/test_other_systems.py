"""What runs on macOS and Windows too, in a Python without the modules and functions that only POSIX or Linux has.

No such system is at hand here; `.github/workflows/ci.yml` runs the same commands on real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import prediction_artifacts as artifacts

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = """
import os, select, signal, sys
import psutil  # whose edition for Linux needs what is hidden

for name in ("fcntl", "grp", "pwd", "resource", "termios", "uvloop"):
    sys.modules[name] = None
for module, names in {
    os: ("fork", "getuid", "geteuid", "getpgid", "killpg", "pidfd_open", "setsid", "getpriority", "setpriority",
         "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "set_blocking", "sched_getaffinity"),
    select: ("epoll", "poll", "EPOLLIN", "EPOLLOUT", "EPOLLET", "EPOLLRDHUP"),
    signal: ("SIGHUP", "SIGKILL", "SIGQUIT", "SIGCHLD", "SIGCONT", "SIGALRM", "pthread_sigmask"),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
"""Start of each program below: hides what Windows lacks. (`sys.platform` stays, as the standard library needs it.)"""
COMMAND = "from ghmlops.__main__ import main; sys.exit(main())"
POLICY = """
version: 1
service: scorer
regression: {task: binary, key: [id], score: s, label: y}
latency: {request: {path: /}, arrivals: {poisson: 10/s, duration: 1s}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a policy and predictions of two versions of a model."""
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ghmlops.yml").write_text(POLICY, encoding="utf-8")
    artifacts.write(tmp_path / "base.parquet", artifacts.rows(2000, 1))
    artifacts.write(tmp_path / "head.parquet", artifacts.rows(2000, 1))
    return tmp_path


def run(place: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program where the modules are hidden."""
    environ = {**os.environ, "GITHUB_SHA": "0" * 40}
    argv = [sys.executable, "-c", HIDDEN + program, *arguments]
    return subprocess.run(argv, cwd=place, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_the_diff_of_predictions_runs(place: Path) -> None:
    """`regression` compares, writes its evidence, and reads git as on Linux."""
    subprocess.run(["git", "init", "-q"], cwd=place, check=True)
    done = run(place, COMMAND, "regression", "--baseline", "base.parquet", "--candidate", "head.parquet", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "pass"
    assert (place / "evidence" / "regression.json").is_file()


def test_the_library_compares_paths(place: Path) -> None:
    """`ghmlops.compare` gives an outcome."""
    program = (
        "import ghmlops; print(ghmlops.compare('base.parquet', 'head.parquet', "
        "{'task': 'binary', 'key': ['id'], 'score': 's', 'label': 'y'}).outcome.value)"
    )
    done = run(place, program)
    assert (done.returncode, done.stdout.strip()) == (0, "pass"), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("latency", "--url", "http://127.0.0.1:9/"), ("preview", "--command", "sleep 1")],
    ids=["load", "preview"],
)
def test_what_needs_linux_says_so(place: Path, arguments: tuple[str, ...]) -> None:
    """The load generator and previews end with one line that names the system, before anything is sent or started."""
    done = run(place, "import platform; platform.system = lambda: 'Windows'; " + COMMAND, *arguments)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert any("Linux only" in line and "Windows" in line for line in done.stderr.splitlines()), done.stderr
