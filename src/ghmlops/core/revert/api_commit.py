"""The commits of a revert as GitHub's API creates them, and which of its two ways is used. Pure.

`createCommitOnBranch` creates one commit and moves the branch in one call, but writes regular files only. Everything
else is created as blobs, trees and commits, after which one call moves the branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REGULAR = "100644"
"""Mode of a regular file that is not executable."""
SUBMODULE = "160000"
"""Mode of a submodule, whose object is a commit of another repository."""
MUTATION_BYTES = 1024**2
"""Bytes of contents that are sent with `createCommitOnBranch`, in one request."""
UPLOAD_BYTES = 20 * 1024**2
"""Bytes of contents that are uploaded as blobs: what later work left in files that the revert changes as well."""
MAX_CHANGES = 5000
"""Changed paths of one commit."""
_HINT = "set `revert.verified: false` in the policy, or revert by hand"
CODE = "revert-not-signable"


class FileChange(NamedTuple):
    """One path that a commit changes."""

    path: str
    old_mode: str
    """Mode before; empty for a new path."""
    mode: str
    """Mode after; empty for a path that is removed."""
    blob: str
    """Id of the object after; empty for a path that is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCommit:
    """A commit that GitHub is to create."""

    message: str
    base_tree: str
    """Tree of its parent."""
    tree: str
    """The tree that it must have."""
    changes: tuple[FileChange, ...]
    contents: Mapping[str, bytes] = field(repr=False)
    """Contents to send, by the id of their blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRevert:
    """All commits of a revert, oldest first."""

    commits: tuple[ApiCommit, ...]
    by_mutation: bool
    """Whether `createCommitOnBranch` can create it, so that `contents` is complete."""


def fits_mutation(commits: Sequence[Sequence[FileChange]], sizes: Mapping[str, int]) -> bool:
    """Return whether `createCommitOnBranch` creates exactly these commits.

    Several commits would arrive on the branch one by one, and a run that is killed would leave some of them.

    Args:
        commits: The changes of each commit.
        sizes: Bytes of each blob.
    """
    if len(commits) != 1:
        return False
    (changes,) = commits
    regular = all(change.old_mode in ("", REGULAR) and change.mode in ("", REGULAR) for change in changes)
    return regular and sum(sizes[change.blob] for change in changes if change.blob) <= MUTATION_BYTES


def check_sendable(commits: Sequence[Sequence[FileChange]], uploads: Mapping[str, int]) -> None:
    """Refuse commits that the API cannot create.

    Args:
        commits: The changes of each commit.
        uploads: Bytes of each blob that GitHub does not have.

    Raises:
        NeedsPerson: A path is not text, or there is too much to send.
    """
    for changes in commits:
        if len(changes) > MAX_CHANGES:
            _refuse(f"it changes {len(changes):,} paths, more than {MAX_CHANGES:,}")
        if any("\ufffd" in change.path for change in changes):
            _refuse("the name of a file is not UTF-8")
    if sum(uploads.values()) > UPLOAD_BYTES:
        _refuse(f"it must upload {sum(uploads.values()):,} bytes, more than {UPLOAD_BYTES:,}")


def _refuse(why: str) -> None:
    raise NeedsPerson(f"GitHub's API cannot create the revert commits: {why}", hint=_HINT, reason_code=CODE)
