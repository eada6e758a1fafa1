"""`report` within 60 CPU-seconds and 1 GiB, whatever a hostile job put into the evidence folder."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bulky_evidence import COMMIT, KINDS, write_folder

if TYPE_CHECKING:
    from pathlib import Path

CPU_SECONDS, MEMORY = 60, 1024**3
MIB = 1024 * 1024
MAXIMA = {
    "findings": 40_000,
    "equal-findings": 40_000,
    "measurements": 10_000,
    "kinds-of-values": 2000,
    "not-measured": 5000,
    "fingerprints": 2000,
    "timeline": 150_000,
    "wide-slices": 200,
}
"""The largest numbers of entries that are read, by kind."""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _report(folder: Path) -> tuple[int, str, float]:
    """Run `report` under the limits; return its exit code, its comment and its CPU-seconds."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GHMLOPS_"))}
    environ |= {"GITHUB_SHA": COMMIT, "GITHUB_REPOSITORY": "acme/scorer", "GITHUB_RUN_ID": "1"}
    options = ["--comment", "off", "--markdown", "c.md", "--html", "p.html", "--junit", "j.xml"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "ghmlops", "report", *options],
        cwd=folder,
        env=environ | {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")},
        preexec_fn=_limit,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Traceback" not in done.stderr
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, (folder / "c.md").read_text(encoding="utf-8"), seconds


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_beyond_the_limits_is_one_error_and_the_comment_is_written(kind: str, tmp_path: Path) -> None:
    """14 MB of each kind: never a pass, and a comment."""
    write_folder(tmp_path / "evidence", kind, 14 * MIB)
    code, comment, seconds = _report(tmp_path)
    assert code in (1, 2)
    assert comment.startswith("<!-- ghmlops:report ")
    assert seconds < CPU_SECONDS / 2


@pytest.mark.parametrize(("kind", "files"), [("findings", 2), ("markup", 2), ("fingerprints", 6), ("timeline", 2)])
def test_42_mb_are_reported_within_the_limits(kind: str, files: int, tmp_path: Path) -> None:
    """The size that took 2.4 GiB: never a pass, and a comment."""
    write_folder(tmp_path / "evidence", kind, 42 * MIB, files)
    code, comment, _ = _report(tmp_path)
    assert code in (1, 2)
    assert comment.startswith("<!-- ghmlops:report ")


@pytest.mark.parametrize(
    ("kind", "count", "files"),
    [*((kind, count, 1) for kind, count in MAXIMA.items()), ("findings", 40_000, 500), ("not-measured", 5000, 500)],
)
def test_the_largest_evidence_that_is_read_is_reported_within_the_limits(
    kind: str, count: int, files: int, tmp_path: Path
) -> None:
    """One file or 500, with as many entries as the limits allow."""
    write_folder(tmp_path / "evidence", kind, 0, files, count)
    code, comment, seconds = _report(tmp_path)
    assert code in (1, 2)
    assert "contains more than" not in comment
    assert seconds < CPU_SECONDS / 2
