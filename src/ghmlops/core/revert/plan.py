"""Rules of a revert: which commits may be reverted, and what the result of an attempt means. No I/O.

Without a person, no revert of ghmlops is reverted and no commit is reverted twice; a person who states a reason may do
both. What the message of a commit claims about reverts decides nothing: it only says which trees to compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAILER = "Ghmlops-Reverts"
"""Trailer of the commit message that marks a revert by ghmlops."""
_REVERT_CLAIM = re.compile(rf"^(?:This reverts commit|{TRAILER}:) ([0-9a-f]{{7,64}})", re.MULTILINE)
_OWN_TRAILER = re.compile(rf"^{TRAILER}: ([0-9a-f]{{40,64}})$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as git stores it."""

    sha: str
    parents: tuple[str, ...]
    """The real parents, even if a shallow clone hides them."""
    message: str

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message.partition("\n")[0].strip()

    @property
    def body(self) -> str:
        """Everything after the first line of the message."""
        return self.message.partition("\n")[2]

    @property
    def trailers(self) -> tuple[str, ...]:
        """Full ids of the commits that this one reverts according to its trailers; the statement may be false."""
        return tuple(dict.fromkeys(_OWN_TRAILER.findall(self.body)))

    def claims_to_revert(self, sha: str) -> bool:
        """Return whether the message states that this commit reverts `sha`; the statement may be false."""
        return any(sha.startswith(claim) for claim in _REVERT_CLAIM.findall(self.body))


class EarlierRevert(StrEnum):
    """What the trees of later commits prove about an earlier revert of the same commit."""

    NONE = "none"
    IN_FORCE = "in-force"
    """A later commit is the exact inverse of this one, and no commit after that one applied the change again."""
    UNDONE = "undone"
    """A later commit is the exact inverse of this one, and the change was applied again since."""


class Attempt(StrEnum):
    """Result of reverting one commit on top of the branch."""

    CLEAN = "clean"
    EMPTY = "empty"
    """The branch no longer contains the change."""
    CONFLICT = "conflict"


class Refusal(StrEnum):
    """Why a person must decide; the values are reason codes."""

    NOT_ON_BRANCH = "commit-not-on-branch"
    BASE_NOT_ON_BRANCH = "base-not-on-branch"
    ROOT = "root-commit"
    MAINLINE = "mainline-unknown"
    OWN_REVERT = "own-revert"
    REVERTED_BEFORE = "reverted-before"
    CONFLICT = "revert-conflict"
    DRIVER = "merge-driver"
    INCOMPLETE = "revert-incomplete"


def refusal_before_attempt(
    commit: Commit, *, on_branch: bool, parent: int, own_revert: bool, by_person: bool
) -> Refusal | None:
    """Return why a commit may not be reverted, as far as this is known before the attempt.

    Args:
        commit: The commit.
        on_branch: Whether the branch contains it.
        parent: Number of the parent that the branch followed; 0 if it is not determined.
        own_revert: Whether its tree proves that it is a revert by ghmlops.
        by_person: Whether a person asks for the revert.
    """
    if not on_branch:
        return Refusal.NOT_ON_BRANCH
    if not commit.parents:
        return Refusal.ROOT
    if len(commit.parents) > 1 and not parent:
        return Refusal.MAINLINE
    return Refusal.OWN_REVERT if own_revert and not by_person else None


def refusal_after_attempt(attempt: Attempt, earlier: EarlierRevert, *, by_person: bool) -> Refusal | None:
    """Return why the result of an attempt may not be used; `None` also if the branch no longer contains the change."""
    if attempt is Attempt.EMPTY or (attempt is Attempt.CONFLICT and earlier is EarlierRevert.IN_FORCE):
        return None
    if attempt is Attempt.CONFLICT:
        return Refusal.CONFLICT
    return Refusal.REVERTED_BEFORE if earlier is not EarlierRevert.NONE and not by_person else None


def revert_branch_name(newest: str) -> str:
    """Return the branch of a revert pull request, which depends on the commit only, so that it is opened once."""
    return f"ghmlops/revert-{newest[:12]}"


def merged_commit_count(pull_request: Sequence[str], branch: Sequence[str]) -> int:
    """Return the number of commits of a merged pull request on its base branch: all (rebase) or one (squash).

    Args:
        pull_request: Messages of its commits, oldest first.
        branch: Messages of as many first-parent commits of the branch, oldest first, ending with the merged one.
    """
    same = len(pull_request) == len(branch) and all(
        a.strip() == b.strip() for a, b in zip(pull_request, branch, strict=True)
    )
    return len(pull_request) if same and pull_request else 1
