"""Stores evidence on a branch of a remote, once per path; the evidence of old runs leaves the branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git.branch_update import Change, Stored, update_branch
from ghmlops.clients.git.blobs import write_blobs
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.stored import superseded_runs
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git


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
    blobs = write_blobs(git, files)

    def plan(entries: Sequence[Entry]) -> Change:
        absent = _absent(entries, blobs, branch)
        paths = [*(entry.path for entry in entries), *absent]
        return Change(absent, superseded_runs(paths) if absent else ())

    return update_branch(git, plan, remote=remote, branch=branch, token=token, message=message, note=note)


def _absent(entries: Sequence[Entry], blobs: Mapping[str, str], branch: str) -> dict[str, str]:
    """Return the blobs whose path the tip does not contain.

    Raises:
        InputError: The tip contains a path with another content.
    """
    present = {entry.path: entry.blob for entry in entries}
    for path, blob in blobs.items():
        if path in present and present[path] != blob:
            raise InputError(
                f"`{branch}` already contains {path} with another content",
                hint="evidence of an attempt is stored once; measure again in a new attempt",
            )
    return {path: blob for path, blob in blobs.items() if path not in present}
