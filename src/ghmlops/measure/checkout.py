"""Read-only queries of the working copy: commit, repository, lock file."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.clients.git.client import Git
from ghmlops.clients.git.environment import safe_environment
from ghmlops.clients.git.process import OutputTooLarge as OutputTooLarge  # noqa: PLC0414  (commands catch it)
from ghmlops.core.context import is_repository, is_sha

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt", "environment.yml")
QUERY_TIMEOUT = 30.0
"""Seconds for one query."""
_REMOTE = re.compile(r"(?:[/:])([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$")


def git_read(cwd: Path, *args: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the trimmed output of a read-only git command, or an empty string if it fails.

    Args:
        cwd: Folder to run in.
        args: Arguments of git.
        environ: Variables to derive git's environment from; by default those of this process.

    Raises:
        OutputTooLarge: git wrote more than may be kept in memory, so that "empty" would be wrong.
    """
    git = Git(cwd=cwd, environ=safe_environment(os.environ if environ is None else environ))
    return (git.query(*args, timeout=QUERY_TIMEOUT) or "").strip()


def head_sha(cwd: Path) -> str:
    """Return the full SHA of the commit that is checked out, or an empty string outside a repository."""
    sha = git_read(cwd, "rev-parse", "--verify", "--quiet", "HEAD")
    return sha if is_sha(sha) else ""


def is_dirty(cwd: Path) -> bool:
    """Return whether a tracked file of the work tree differs from the commit that is checked out.

    Files that git does not track do not count: predictions, evidence and environments are among them.
    """
    git = Git(cwd=cwd, environ=safe_environment(os.environ))
    try:
        # Without a lock: a concurrent git command of the user must not fail because of this query.
        query = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
        return bool((git.query(*query, timeout=QUERY_TIMEOUT) or "").strip())
    except OutputTooLarge:
        return True


def repository_name(cwd: Path) -> str:
    """Return `owner/name` of the remote `origin`, or an empty string if it is unknown."""
    match = _REMOTE.search(git_read(cwd, "remote", "get-url", "origin"))
    return match[1] if match and is_repository(match[1]) else ""


def top_folder(cwd: Path) -> Path | None:
    """Return the top folder of the work tree, with links resolved; `None` outside a repository."""
    folder = git_read(cwd, "rev-parse", "--show-toplevel")
    return Path(folder).resolve() if folder else None


def tracked_files(cwd: Path, commit: str, folders: Iterable[str]) -> frozenset[str]:
    """Return the paths, from the top folder, of the files that a commit tracks below the folders, or at these paths.

    Raises:
        OutputTooLarge: The list is too long to be kept in memory.
    """
    paths = sorted({"" if folder == "." else folder for folder in folders})
    if not paths:
        return frozenset()
    limits = () if "" in paths else paths
    listing = git_read(cwd, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", *limits)
    return frozenset(name for name in listing.split("\0") if name)


def changed_files(cwd: Path, base: str, head: str) -> frozenset[str] | None:
    """Return the paths, from the top folder, of the files that differ between two commits; `None` if it is unknown.

    A renamed file counts with both of its paths. A name that is not UTF-8 contains replacement characters.
    """
    options = ("-r", "-z", "--no-renames", "--name-only", "--ignore-submodules=none")
    return _listed(cwd, "diff-tree", *options, "--end-of-options", base, head, "--")


def uncommitted_files(cwd: Path) -> frozenset[str] | None:
    """Return the paths, from the top folder, of the files that are not as in the checked-out commit, new ones included.

    Files that git ignores do not count. `None` if it is unknown.
    """
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    entries = _listed(cwd, "--no-optional-locks", "status", *options)
    return None if entries is None else frozenset(entry[3:] for entry in entries)


def _listed(cwd: Path, *args: str) -> frozenset[str] | None:
    """Return the entries of a listing of git; `None` if it fails, or is too long to be kept in memory."""
    git = Git(cwd=cwd, environ=safe_environment(os.environ))
    try:
        listing = git.query(*args, timeout=QUERY_TIMEOUT)
    except OutputTooLarge:
        return None
    return None if listing is None else frozenset(entry for entry in listing.split("\0") if entry)


def fingerprint(path: Path) -> str:
    """Return `sha256:<hex>` of the bytes of a file.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_at(cwd: Path, commit: str, path: str) -> str:
    """Return `sha256:<hex>` of a file of a commit, `path` relative to `cwd`; empty if the commit has no such file."""
    content = content_at(cwd, commit, path)
    return "" if content is None else fingerprint_of(content)


def content_at(cwd: Path, commit: str, path: str) -> str | None:
    """Return the text of a file of a commit, `path` relative to `cwd`; `None` if the commit has no such file."""
    git = Git(cwd=cwd, environ=safe_environment(os.environ))
    return git.query("show", f"{commit}:./{path}", timeout=QUERY_TIMEOUT)


def fingerprint_of(content: str | bytes) -> str:
    """Return `sha256:<hex>` of the content of a file."""
    data = content.encode() if isinstance(content, str) else content
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_ancestor_of_head(cwd: Path, commit: str) -> bool:
    """True if the commit is part of the history that is checked out."""
    git = Git(cwd=cwd, environ=safe_environment(os.environ))
    return git.succeeds("merge-base", "--is-ancestor", commit, "HEAD")


def environment_fingerprint(cwd: Path) -> str:
    """Return the fingerprint of the first lock file in `cwd`, or an empty string without one."""
    name = lock_file(cwd)
    return fingerprint(cwd / name) if name else ""


def lock_file(cwd: Path) -> str:
    """Return the name of the first lock file in `cwd`, or an empty string without one."""
    return next((name for name in LOCK_FILES if (cwd / name).is_file()), "")
