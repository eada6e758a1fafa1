"""Updates the files of a branch of a remote by compare and swap: a commit on its tip, made again if the tip moved."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.act.git import publish
from ghmlops.act.git.history import Remote
from ghmlops.act.git.work import VARIABLES
from ghmlops.clients.git import credentials
from ghmlops.clients.git.blobs import list_tree
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import GitError, PermissionMissing
from ghmlops.core.revert.push_result import PushResult
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git

MAX_ATTEMPTS = 40
"""Pushes that are tried, because the jobs of other runs write to the same branch: of each round, one job succeeds."""

_PAUSE = 0.2
"""Seconds by which the longest pause before the next push grows with each try."""
_MAX_PAUSE = 2.0
"""Longest pause in seconds."""


class Change(NamedTuple):
    """How the files of the tip change."""

    add: Mapping[str, str]
    """Path to the id of its blob, which the repository has."""
    remove: Sequence[str] = ()


class Stored(NamedTuple):
    """What the branch contains afterwards."""

    commit: str
    """Full SHA of the commit that contains the files."""
    added: int
    """Number of files that were not there before."""


def update_branch(  # noqa: PLR0913  (a branch, and how it changes)
    git: Git,
    plan: Callable[[Sequence[Entry]], Change],
    *,
    remote: str,
    branch: str,
    token: str,
    message: str,
    note: Callable[[str], None],
) -> Stored:
    """Add files to a branch, and remove files from it, in one commit.

    The commit has no other parent than the tip that was fetched, and the push is rejected if the branch moved
    meanwhile: compare and swap. A branch that does not exist is created without history. A process that is killed
    leaves the branch as it was, or with all of the change: a push moves one reference.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        plan: returns the change for the files of the tip; called again for each new tip. It may raise.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        message: message of the commit.
        note: reports progress to the user.

    Raises:
        InputError: A name is not valid.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, rejected the branch, or the branch moved too often.
    """
    check_names(remote, branch)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote)).in_folder(git.cwd, VARIABLES)
    with private_ref(git) as ref:
        target = Remote(git=git, name=remote, branch=branch, ref=ref)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            tip = target.fetch() if target.tip_of(branch) else ""
            change = plan(list_tree(git, tip) if tip else [])
            if not change.add and not change.remove:
                return Stored(tip, 0)
            commit = _commit(git, tip, change, message)
            result, answer = publish.push(target, commit, branch)
            if result is PushResult.DONE:
                return Stored(commit, len(change.add))
            _check_moved(result, answer, branch)
            # Jobs that lost against the same push would meet again: each waits for a different time.
            time.sleep(min(_PAUSE * attempt, _MAX_PAUSE) * secrets.randbelow(1000) / 1000)
            note(f"`{branch}` moved meanwhile (attempt {attempt} of {MAX_ATTEMPTS})")
    raise GitError(f"`{branch}` moved {MAX_ATTEMPTS} times; nothing was stored", hint="run the job again")


def _check_moved(result: PushResult, answer: str, branch: str) -> None:
    """Raise unless the push was rejected because the branch moved."""
    if result is PushResult.FORBIDDEN:
        raise PermissionMissing(
            f"the token does not allow pushing: {answer}", hint="the job needs `permissions: contents: write`"
        )
    if result is not PushResult.MOVED:
        raise GitError(
            f"the remote rejected the branch `{branch}`: {answer}",
            hint="allow this job's token to create and update the branch in its ruleset",
        )


def _commit(git: Git, tip: str, change: Change, message: str) -> str:
    """Create the commit with an index of its own, so that the user's index stays as it is."""
    with tempfile.TemporaryDirectory(prefix="ghmlops-index-") as folder:
        own = git.in_folder(git.cwd, {"GIT_INDEX_FILE": str(Path(folder) / "index")})
        own.read("read-tree", *([tip] if tip else ["--empty"]))
        null = "0" * (len(next(iter(change.add.values()), "")) or len(tip))
        rows = [f"100644 {blob}\t{path}" for path, blob in change.add.items()]
        rows += [f"0 {null}\t{path}" for path in change.remove]
        own.read("update-index", "-z", "--index-info", stdin="\0".join([*rows, ""]))
        tree = own.read("write-tree")
    return git.read("commit-tree", tree, *(["-p", tip] if tip else []), "-m", message)
