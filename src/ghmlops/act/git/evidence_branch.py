"""Stores files on a branch of a remote: a new commit on its tip, pushed fast-forward, and tried again if it moved."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.act.git import publish
from ghmlops.act.git.history import Remote
from ghmlops.act.git.publish import PushResult
from ghmlops.act.git.work import VARIABLES
from ghmlops.clients.git import credentials
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import GitError, InputError, PermissionMissing
from ghmlops.core.evidence.stored import superseded_runs
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.clients.git.client import Git

MAX_ATTEMPTS = 20
"""Pushes that are tried, because the jobs of other runs write to the same branch."""

_PAUSE = 0.2
"""Seconds by which the longest pause before the next push grows with each try."""


class Stored(NamedTuple):
    """What the branch contains afterwards."""

    commit: str
    """Full SHA of the commit that contains the files."""
    added: int
    """Number of files that were not there before."""


def store(  # noqa: PLR0913  (a branch, and what to store on it)
    git: Git,
    files: Mapping[str, bytes],
    *,
    remote: str,
    branch: str,
    token: str,
    message: str,
    note: Callable[[str], None],
) -> Stored:
    """Add files to a branch. A path that exists is never replaced: evidence is written once.

    The commit has no other parent than the tip that was fetched, and the push is rejected if the branch moved
    meanwhile: compare and swap. A branch that does not exist is created without history.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        files: content by path; at least one.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        message: message of the commit.
        note: reports progress to the user.

    Raises:
        InputError: A path exists with another content, or a name is not valid.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, rejected the branch, or the branch moved too often.
    """
    check_names(remote, branch)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote)).in_folder(git.cwd, VARIABLES)
    with private_ref(git) as ref:
        target = Remote(git=git, name=remote, branch=branch, ref=ref)
        blobs = {path: _write_blob(git, content) for path, content in files.items()}
        for attempt in range(1, MAX_ATTEMPTS + 1):
            tip = target.fetch() if target.tip_of(branch) else ""
            absent = _absent(git, tip, blobs, branch)
            if not absent:
                return Stored(tip, 0)
            commit = _commit(git, tip, absent, message)
            result, answer = publish.push(target, commit, branch)
            if result is PushResult.DONE:
                return Stored(commit, len(absent))
            if result is PushResult.FORBIDDEN:
                raise PermissionMissing(
                    f"the token does not allow pushing: {answer}", hint="the job needs `permissions: contents: write`"
                )
            if result is not PushResult.MOVED:
                raise GitError(
                    f"the remote rejected the branch `{branch}`: {answer}",
                    hint="allow this job's token to create and update the branch in its ruleset",
                )
            # Jobs that lost against the same push would meet again: each waits for a different time.
            time.sleep(_PAUSE * attempt * secrets.randbelow(1000) / 1000)
            note(f"`{branch}` moved while the evidence was stored (attempt {attempt} of {MAX_ATTEMPTS})")
    raise GitError(f"`{branch}` moved {MAX_ATTEMPTS} times; nothing was stored", hint="run the job again")


def _write_blob(git: Git, content: bytes) -> str:
    """Store the content in the repository. It goes through a file, so that its bytes are not decoded."""
    with tempfile.NamedTemporaryFile(prefix="ghmlops-blob-") as file:
        file.write(content)
        file.flush()
        return git.read("hash-object", "-w", "--no-filters", "--", file.name)


def _absent(git: Git, tip: str, blobs: Mapping[str, str], branch: str) -> dict[str, str]:
    """Return the blobs whose path the tip does not contain.

    Raises:
        InputError: The tip contains a path with another content.
    """
    present = _entries(git, tip)
    for path, blob in blobs.items():
        if path in present and present[path] != blob:
            raise InputError(
                f"`{branch}` already contains {path} with another content",
                hint="evidence of an attempt is stored once; measure again in a new attempt",
            )
    return {path: blob for path, blob in blobs.items() if path not in present}


def _entries(git: Git, tip: str) -> dict[str, str]:
    listing = git.read("ls-tree", "-r", "-z", "--full-tree", tip) if tip else ""
    rows = [row.partition("\t") for row in listing.split("\0") if row]
    return {path: head.split()[2] for head, _, path in rows}


def _commit(git: Git, tip: str, blobs: Mapping[str, str], message: str) -> str:
    """Create the commit with an index of its own, so that the user's index stays as it is."""
    old = superseded_runs([*_entries(git, tip), *blobs])
    with tempfile.TemporaryDirectory(prefix="ghmlops-index-") as folder:
        own = git.in_folder(git.cwd, {"GIT_INDEX_FILE": str(Path(folder) / "index")})
        own.read("read-tree", *([tip] if tip else ["--empty"]))
        rows = [f"100644 {blob}\t{path}" for path, blob in blobs.items()]
        rows += [f"0 {'0' * len(next(iter(blobs.values())))}\t{path}" for path in old]
        own.read("update-index", "-z", "--index-info", stdin="\0".join([*rows, ""]))
        tree = own.read("write-tree")
    return git.read("commit-tree", tree, *(["-p", tip] if tip else []), "-m", message)
