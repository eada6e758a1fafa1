"""Reads the commits of a planned revert for GitHub's API: messages, trees, changed paths, contents to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.clients.git.blobs import Entry, read_blobs
from ghmlops.core.revert.api_commit import (
    SUBMODULE,
    ApiCommit,
    ApiRevert,
    FileChange,
    check_sendable,
    fits_mutation,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ghmlops.clients.git.client import Git
    from ghmlops.core.revert.plan import Commit

_NONE = "000000"
"""Mode of an absent path."""


def read_revert(git: Git, tip: str, head: str, reverted: Sequence[Commit]) -> ApiRevert:
    """Return the commits after `tip` up to `head`.

    A revert restores what the branch contained before, so that GitHub has most blobs already: only the others are read.

    Args:
        git: git for the user's repository.
        tip: Tip of the branch.
        head: The last revert commit.
        reverted: The commits that are reverted.

    Raises:
        NeedsPerson: The API cannot create these commits.
        GitError: An object cannot be read.
    """
    shas = git.read("rev-list", "--reverse", "--first-parent", f"{tip}..{head}").split()
    changes = [_changes(git, f"{sha}^1", sha) for sha in shas]
    sizes = _sizes(git, {c.blob for rows in changes for c in rows if c.blob and c.mode != SUBMODULE})
    by_mutation = fits_mutation(changes, sizes)
    stored: set[str] = set() if by_mutation else _restored(git, reverted)
    check_sendable(changes, {blob: size for blob, size in sizes.items() if blob not in stored})
    commits = []
    for sha, rows in zip(shas, changes, strict=True):
        contents = _contents(git, rows, stored, sizes)
        stored |= contents.keys()
        commits.append(
            ApiCommit(
                message=history.read_commit(git, sha).message,
                base_tree=git.read("rev-parse", "--verify", f"{sha}^1^{{tree}}"),
                tree=git.read("rev-parse", "--verify", f"{sha}^{{tree}}"),
                changes=rows,
                contents=contents,
            )
        )
    return ApiRevert(commits=tuple(commits), by_mutation=by_mutation)


def _changes(git: Git, old: str, new: str) -> tuple[FileChange, ...]:
    fields = git.read("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new).split("\0")
    rows = []
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, _, blob, _ = head.removeprefix(":").split()
        present = mode != _NONE
        rows.append(
            FileChange(path, "" if old_mode == _NONE else old_mode, mode if present else "", blob if present else "")
        )
    return tuple(rows)


def _restored(git: Git, reverted: Sequence[Commit]) -> set[str]:
    """Return the blobs that the reverted commits replaced or removed: they are in the history of the branch."""
    rows = [row for commit in reverted for parent in commit.parents for row in _changes(git, commit.sha, parent)]
    return {row.blob for row in rows if row.blob}


def _sizes(git: Git, blobs: Collection[str]) -> dict[str, int]:
    if not blobs:
        return {}
    names = "".join(f"{blob}\n" for blob in sorted(blobs))
    lines = git.read("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=names).splitlines()
    return {name: int(size) for name, _, size in (line.partition(" ") for line in lines)}


def _contents(
    git: Git, changes: Sequence[FileChange], stored: Collection[str], sizes: Mapping[str, int]
) -> dict[str, bytes]:
    unknown = {c.blob: c for c in changes if c.blob in sizes and c.blob not in stored}
    entries = [Entry(blob, change.mode, blob, sizes[blob]) for blob, change in unknown.items()]
    return dict(read_blobs(git, entries))
