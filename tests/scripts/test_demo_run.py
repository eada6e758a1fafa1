"""Runs of the demo with fewer flights: real data, models, servers, load, git."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
LIMIT = 900.0
"""Time limit of a run in seconds; an idle machine needs about a tenth of this, one with a load of 15 half of it."""


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the demo with fewer flights, with variables of a workflow, which must not affect it."""
    leaks = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "c" * 40,
        "GITHUB_REPOSITORY": "someone/else",
        "GITHUB_TOKEN": "secret",
        "GITHUB_OUTPUT": str(folder / "leaked-output"),
        "GITHUB_STEP_SUMMARY": str(folder / "leaked-summary"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "demo_flights", "--reduced", "--folder", str(folder)],
        env={**os.environ, **leaks, "PYTHONPATH": str(ROOT / "scripts")},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def running_processes(folder: Path) -> list[psutil.Process]:
    """Return the processes whose working directory is inside the folder."""
    processes = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                processes.append(process)
        except psutil.Error:
            continue  # it has ended, or belongs to another user
    return processes


def git(folder: Path, *arguments: str) -> str:
    """Return the output of git in the remote of the scratch repository."""
    done = subprocess.run(
        ["git", "-C", str(folder / "run" / "acme" / "late-flights.git"), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.stdout.strip()


def test_the_demo_merges_rejects_and_reverts(tmp_path: Path) -> None:
    """Exit code 0: the fair change is deployed, the bad change is rejected for its reasons and reverted on the remote.

    Files of an interrupted earlier run are replaced, no variable of the surrounding workflow is used, no process
    remains, and every path in the summary exists.
    """
    stale = tmp_path / "run" / "stale"
    stale.mkdir(parents=True)
    with start(tmp_path) as demo:
        out, err = demo.communicate(timeout=LIMIT)
    assert demo.returncode == 0, out + err
    assert not stale.exists()
    assert not list(tmp_path.glob("leaked-*"))
    assert running_processes(tmp_path) == []
    assert "\x1b" not in out
    assert git(tmp_path, "rev-parse", "main^{tree}") == git(tmp_path, "rev-parse", "fair^{tree}")
    subjects = git(tmp_path, "log", "--first-parent", "--format=%s", "main").splitlines()
    assert len(subjects) == 4
    assert subjects[0].startswith("Revert ")
    assert subjects[1].startswith("Merge pull request #2")
    reports = tmp_path / "run" / "reports"
    for report in ("fair", "bad", "after-deploy"):
        for file in ("comment.md", "comment.html", "evidence/latency.json", "evidence/regression.json"):
            assert (reports / report / file).stat().st_size > 0
        assert str((reports / report / "comment.html").relative_to(tmp_path)) in out
    assert "someone/else" not in (reports / "fair" / "evidence" / "latency.json").read_text()


def test_an_interrupt_terminates_all_processes(tmp_path: Path) -> None:
    """After SIGINT or SIGTERM during training the exit code is 130, and no process remains."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with start(tmp_path) as demo:
            assert demo.stdout is not None
            for line in demo.stdout:
                if line.startswith("[2/"):
                    break
            deadline = time.monotonic() + 60
            while not running_processes(tmp_path / "run") and time.monotonic() < deadline:
                time.sleep(0.05)
            demo.send_signal(number)
            demo.communicate(timeout=60)
        assert demo.returncode == 130
        assert running_processes(tmp_path) == []


def test_concurrent_runs_exclude_each_other(tmp_path: Path) -> None:
    """If another demo has locked the folder, this one reports it and changes nothing."""
    existing = tmp_path / "run" / "existing"
    existing.mkdir(parents=True)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with start(tmp_path) as demo:
            out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "another run uses" in out
    assert existing.is_dir()
