"""What the working copy says about itself: commit, repository, lock file. Read only; git is asked, never told."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from ghmlops.core.context import is_repository, is_sha

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt", "environment.yml")
_REMOTE = re.compile(r"(?:[/:])([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$")


def git_read(cwd: Path, *args: str) -> str:
    """Return the trimmed output of a reading git command, or empty where git has no answer."""
    try:
        done = subprocess.run(
            ["git", *args], cwd=cwd, capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def head_sha(cwd: Path) -> str:
    """Return the commit that is checked out, or empty outside a repository."""
    found = git_read(cwd, "rev-parse", "--verify", "--quiet", "HEAD")
    return found if is_sha(found) else ""


def repository_name(cwd: Path) -> str:
    """Return `owner/name` of the remote `origin`, or empty."""
    found = _REMOTE.search(git_read(cwd, "remote", "get-url", "origin"))
    return found[1] if found and is_repository(found[1]) else ""


def fingerprint(path: Path) -> str:
    """Return `sha256:<hex>` of a file's bytes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def environment_fingerprint(cwd: Path) -> str:
    """Return the fingerprint of the first lock file found in `cwd`, or empty where there is none."""
    for name in LOCK_FILES:
        if (cwd / name).is_file():
            return fingerprint(cwd / name)
    return ""
