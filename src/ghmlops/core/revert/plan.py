"""Rules of a revert: the grounds on which it is allowed, and the commits that may be reverted. No I/O.

Without a person, a revert requires a confirmed failure of exactly the commit to revert, reverts no revert of ghmlops,
and reverts no commit twice. A person who states a reason may do all of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.model import Outcome
from ghmlops.core.revert.spec import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Verdict

TRAILER = "Ghmlops-Reverts"
"""Trailer of the commit message that marks a revert by ghmlops."""
_REVERT_CLAIM = re.compile(rf"^(?:This reverts commit|{TRAILER}:) ([0-9a-f]{{7,64}})", re.MULTILINE)
_OWN_TRAILER = re.compile(rf"^{TRAILER}: ([0-9a-f]{{40,64}})$", re.MULTILINE)
_REASON_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")


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
    def is_own_revert(self) -> bool:
        """Whether ghmlops wrote this revert."""
        return _OWN_TRAILER.search(self.body) is not None

    def claims_to_revert(self, sha: str) -> bool:
        """Return whether the message states that this commit reverts `sha`; the statement may be false."""
        return any(sha.startswith(claim) for claim in _REVERT_CLAIM.findall(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why a revert is allowed: a person states a reason, or a verdict about one commit failed."""

    by_person: bool
    reason: str = ""
    """The reason of the person."""
    reason_code: str = ""
    """Reason code of the verdict."""
    verdict_commit: str = ""
    """Full SHA of the commit that the verdict is about."""


class EarlierRevert(StrEnum):
    """Evidence on the branch that the same commit was reverted before."""

    NONE = "none"
    CLAIMED = "claimed"
    """The message of a later commit states that it reverts this one."""
    PROVEN = "proven"
    """A later commit is the exact inverse of this one and was not reverted itself."""


class Attempt(StrEnum):
    """Result of reverting one commit on top of the branch."""

    CLEAN = "clean"
    EMPTY = "empty"
    """The branch no longer contains the change."""
    CONFLICT = "conflict"


class Refusal(StrEnum):
    """Why a person must decide; the values are reason codes."""

    NOT_ON_BRANCH = "commit-not-on-branch"
    ROOT = "root-commit"
    OWN_REVERT = "own-revert"
    REVERTED_BEFORE = "reverted-before"
    CONFLICT = "revert-conflict"


def decide_grounds(verdict: Verdict | None, reason: str) -> Grounds:
    """Return the grounds of a revert, before any commit is examined.

    Args:
        verdict: The verdict of the input `verdict-file`, if there is one.
        reason: The input `reason`, which makes a person responsible.

    Raises:
        EvidenceError: The verdict does not name its commit by a full SHA.
        InputError: There is neither a verdict nor a reason.
        NeedsPerson: The verdict did not fail, or its failure is not confirmed, and there is no reason.
    """
    reason = one_line(reason, 500)
    if verdict is not None and not is_sha(verdict.commit):
        raise EvidenceError(
            "the verdict does not name its commit by a full SHA",
            hint="write the verdict again with `ghmlops gate`, or replace --verdict-file with --reason",
        )
    code = verdict.reason_code if verdict is not None and _REASON_CODE.fullmatch(verdict.reason_code) else ""
    commit = verdict.commit if verdict is not None else ""
    if reason:
        return Grounds(by_person=True, reason=reason, reason_code=code, verdict_commit=commit)
    if verdict is None:
        raise InputError(
            "a revert requires a verdict or a reason, and the inputs `verdict-file` and `reason` are empty",
            hint="pass the verdict that failed with --verdict-file, or state a reason with --reason",
        )
    if verdict.outcome is not Outcome.FAIL:
        raise NeedsPerson(
            f"the verdict for {commit[:12]} is `{verdict.outcome.value}`, and only a failure is reverted",
            hint="a person may ask for the revert with --reason",
            reason_code="verdict-not-fail",
        )
    failing = {f.id for f in verdict.findings if f.outcome is Outcome.FAIL}
    confirmations = [name.partition(":") for name in verdict.confirmed]
    if not any(command.strip() and finding in failing for command, _, finding in confirmations):
        raise NeedsPerson(
            f"the failure of {commit[:12]} ({code or 'no reason code'}) is not confirmed by a second run",
            hint="measure again on a fresh deployment, or let a person ask for the revert with --reason",
            reason_code="failure-not-confirmed",
        )
    return Grounds(by_person=False, reason_code=code, verdict_commit=commit)


def check_verdict_commits(grounds: Grounds, ids: Sequence[str], *, pull_request: bool) -> None:
    """Check that the verdict is about the commits to revert; without a person, about each of them.

    Args:
        grounds: Why the revert is allowed.
        ids: Full ids of the commits to revert, newest first.
        pull_request: Whether the commits are one merged pull request; a verdict about the newest then covers all.

    Raises:
        NeedsPerson: The verdict is not about some of the commits.
        EvidenceError: The verdict is about another commit.
    """
    newest, others = ids[0], [sha for sha in ids if sha != grounds.verdict_commit]
    if not grounds.by_person and not pull_request and 0 < len(others) < len(ids):
        raise NeedsPerson(
            f"the verdict is about {grounds.verdict_commit[:12]} only, not about {others[0][:12]}"
            + (f" and {len(others) - 1} more" if others[1:] else ""),
            hint="revert that commit only, or let a person ask for all of them with --reason",
            reason_code="verdict-not-about",
        )
    if grounds.verdict_commit != newest and (grounds.verdict_commit or not grounds.by_person):
        subject = grounds.verdict_commit[:12] if is_sha(grounds.verdict_commit) else "something else"
        raise EvidenceError(
            f"the verdict is about {subject}, not about {newest[:12]}",
            hint="revert the commit that failed, which need not be the newest",
        )


def in_force(commit: Commit, later: Sequence[Commit]) -> bool:
    """Return whether `commit` still applies: no commit in `later` (oldest first) that applies claims to revert it."""
    return not any(
        other.claims_to_revert(commit.sha) and in_force(other, later[index + 1 :]) for index, other in enumerate(later)
    )


def refusal_before_attempt(commit: Commit, *, on_branch: bool, by_person: bool) -> Refusal | None:
    """Return why a commit may not be reverted, as far as this is known before the attempt."""
    if not on_branch:
        return Refusal.NOT_ON_BRANCH
    if not commit.parents:
        return Refusal.ROOT
    if commit.is_own_revert and not by_person:
        return Refusal.OWN_REVERT
    return None


def refusal_after_attempt(attempt: Attempt, earlier: EarlierRevert, *, by_person: bool) -> Refusal | None:
    """Return why the result of an attempt may not be used; `None` also if the branch no longer contains the change."""
    if attempt is Attempt.EMPTY or (attempt is Attempt.CONFLICT and earlier is EarlierRevert.PROVEN):
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
