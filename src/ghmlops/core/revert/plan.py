"""Planning of a revert, pure: what was asked, who may ask, which commits may be reverted.

The bot acts alone only on a confirmed failure of exactly the commit it reverts, never on its own reverts, and never
twice on the same commit. A person who gives a reason may do what the bot may not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Verdict

TRAILER = "Ghmlops-Reverts"
MOST_COMMITS = 50
_HEX = re.compile(r"[0-9a-f]{7,64}")
_RANGE = re.compile(r"([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})")
_PULL_REQUEST = re.compile(r"#([1-9][0-9]{0,9})")
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_BRANCH = re.compile(r"[A-Za-z0-9_][^\x00-\x20\x7f~^:?*\[\\]{0,243}")
_SAYS_REVERTS = re.compile(rf"^(?:This reverts commit|{TRAILER}:) ([0-9a-f]{{7,64}})", re.MULTILINE)
_OWN = re.compile(rf"^{TRAILER}: ([0-9a-f]{{40,64}})$", re.MULTILINE)
_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What `--commit` named: object ids (full or at least seven digits), a range (`after`, `last`], or a number."""

    ids: tuple[str, ...] = ()
    after: str = ""
    last: str = ""
    pull_request: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as git stores it. `parents` are the real ones, also where a shallow clone hides them."""

    sha: str
    parents: tuple[str, ...]
    message: str

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message.partition("\n")[0].strip()

    @property
    def body(self) -> str:
        """Everything after the first line."""
        return self.message.partition("\n")[2]

    @property
    def own(self) -> bool:
        """True for a revert that ghmlops wrote."""
        return _OWN.search(self.body) is not None

    def says_it_reverts(self, sha: str) -> bool:
        """True where the message claims to revert `sha`; a claim, not a proof."""
        return any(sha.startswith(found) for found in _SAYS_REVERTS.findall(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why a revert may be done: by a person with a reason, or by a verdict for the commit `verdict_for`."""

    by_person: bool
    reason: str = ""
    reason_code: str = ""
    verdict_for: str = ""


class Earlier(StrEnum):
    """What the branch tells of an earlier revert of the same commit."""

    NONE = "none"
    CLAIMED = "claimed"
    """A later commit says that it reverts this one."""
    PROVEN = "proven"
    """A later commit is the exact inverse of this one, and was not reverted itself."""


class Attempt(StrEnum):
    """What undoing one commit on top of the branch gave."""

    CLEAN = "clean"
    EMPTY = "empty"
    CONFLICT = "conflict"


class Refusal(StrEnum):
    """Why a person is needed; the values are reason codes."""

    NOT_ON_BRANCH = "commit-not-on-branch"
    ROOT = "root-commit"
    OWN_REVERT = "own-revert"
    CAME_BACK = "reverted-before"
    CONFLICT = "revert-conflict"


def parse_spec(text: str) -> Spec:
    """Read `--commit`: a SHA, a comma list, a range `A..B` (B included, A not), or `#PR`.

    Raises:
        InputError: it is none of them. Names of branches and tags are not accepted: they move.
    """
    given = text.strip()
    lower = given.lower()
    if found := _PULL_REQUEST.fullmatch(given):
        return Spec(pull_request=int(found[1]))
    if found := _RANGE.fullmatch(lower):
        return Spec(after=found[1], last=found[2])
    ids = tuple(dict.fromkeys(part.strip() for part in lower.split(",")))
    if len(ids) <= MOST_COMMITS and all(_HEX.fullmatch(part) for part in ids):
        return Spec(ids=ids)
    many = len(ids) > MOST_COMMITS
    raise InputError(
        f"input `commit`: more than {MOST_COMMITS} commits"
        if many
        else f'input `commit`: cannot read "{one_line(given, 80)}"',
        hint="give a SHA of at least 7 digits, several with commas, a range A..B, or a pull request as #12",
    )


def check_names(remote: str, branch: str) -> None:
    """Refuse names that git could take for an option, a path outside, or another kind of reference.

    An empty `branch` stands for the default branch of the remote.

    Raises:
        InputError: names the input.
    """
    if not _REMOTE.fullmatch(remote) or ".." in remote:
        raise InputError(
            f'input `remote`: "{one_line(remote, 80)}" is not the name of a remote', hint="--remote origin"
        )
    parts = branch.split("/")
    bad = ".." in branch or "@{" in branch or any(p.startswith(".") or p.endswith((".", ".lock")) for p in parts)
    if branch and (not _BRANCH.fullmatch(branch) or bad or "" in parts or not branch.isprintable()):
        raise InputError(f'input `branch`: "{one_line(branch, 80)}" is not the name of a branch', hint="--branch main")


def grounds(verdict: Verdict | None, reason: str) -> Grounds:
    """Decide who asks, before any commit is looked at.

    Raises:
        EvidenceError: the verdict does not name the commit that it is about by a full SHA.
        InputError: neither a verdict nor a reason was given.
        NeedsPerson: the verdict did not fail, or its failure is not confirmed, and no person gave a reason.
    """
    said = one_line(reason, 500)
    if verdict is not None and not is_sha(verdict.commit):
        raise EvidenceError(
            "the verdict does not say by a full SHA which commit it is about",
            hint="write the verdict again with `ghmlops gate`, or leave --verdict-file out and say why with --reason",
        )
    code = verdict.reason_code if verdict is not None and _CODE.fullmatch(verdict.reason_code) else ""
    commit = verdict.commit if verdict is not None else ""
    if said:
        return Grounds(by_person=True, reason=said, reason_code=code, verdict_for=commit)
    if verdict is None:
        raise InputError(
            "neither `verdict-file` nor `reason` is given, and nothing is reverted without one",
            hint="name the verdict that failed with --verdict-file, or say why with --reason",
        )
    if verdict.outcome is not Outcome.FAIL:
        raise NeedsPerson(
            f"the verdict for {commit[:12]} is `{verdict.outcome.value}`, and only a failure is reverted",
            hint="a person may ask with --reason",
            reason_code="verdict-not-fail",
        )
    failing = {f.id for f in verdict.findings if f.outcome is Outcome.FAIL}
    pairs = [name.partition(":") for name in verdict.confirmed]
    if not any(command.strip() and finding in failing for command, _, finding in pairs):
        raise NeedsPerson(
            f"the failure of {commit[:12]} ({code or 'no reason code'}) is not confirmed by a second run",
            hint="measure again on a fresh deployment, or let a person ask with --reason",
            reason_code="failure-not-confirmed",
        )
    return Grounds(by_person=False, reason_code=code, verdict_for=commit)


def check_verdict_commits(asked: Grounds, ids: Sequence[str], *, pull_request: bool) -> None:
    """Hold the verdict against the commits to revert: without a person, it must be about each of them.

    Args:
        asked: who asks.
        ids: full ids, newest first.
        pull_request: they are what one pull request became; a verdict about the newest is about them all.

    Raises:
        NeedsPerson: there are commits that the verdict is not about.
        EvidenceError: the verdict is for another commit.
    """
    newest, others = ids[0], [sha for sha in ids if sha != asked.verdict_for]
    if not asked.by_person and not pull_request and 0 < len(others) < len(ids):
        raise NeedsPerson(
            f"the verdict is about {asked.verdict_for[:12]} alone, and not about {others[0][:12]}"
            + (f" and {len(others) - 1} more" if others[1:] else ""),
            hint="revert that commit alone, or let a person ask for all of them with --reason",
            reason_code="verdict-not-about",
        )
    if asked.verdict_for != newest and (asked.verdict_for or not asked.by_person):
        shown = asked.verdict_for[:12] if is_sha(asked.verdict_for) else "something else"
        raise EvidenceError(
            f"the verdict is for {shown}, not for {newest[:12]}",
            hint="revert the commit that failed, not the one that happens to be newest",
        )


def in_force(commit: Commit, later: Sequence[Commit]) -> bool:
    """True where no commit of `later` (oldest first) claims to revert `commit` and is in force itself."""
    return not any(
        other.says_it_reverts(commit.sha) and in_force(other, later[place + 1 :]) for place, other in enumerate(later)
    )


def guard(commit: Commit, *, on_branch: bool, by_person: bool) -> Refusal | None:
    """Decide what is known before anything is tried."""
    if not on_branch:
        return Refusal.NOT_ON_BRANCH
    if not commit.parents:
        return Refusal.ROOT
    if commit.own and not by_person:
        return Refusal.OWN_REVERT
    return None


def settle(attempt: Attempt, earlier: Earlier, *, by_person: bool) -> Refusal | None:
    """Decide after the attempt: go on (`None`; an empty attempt is done already), or why not."""
    if attempt is Attempt.EMPTY or (attempt is Attempt.CONFLICT and earlier is Earlier.PROVEN):
        return None
    if attempt is Attempt.CONFLICT:
        return Refusal.CONFLICT
    return Refusal.CAME_BACK if earlier is not Earlier.NONE and not by_person else None


def revert_branch(newest: str) -> str:
    """Name of the branch of a revert pull request; the same for the same commit, so that it is opened once."""
    return f"ghmlops/revert-{newest[:12]}"


def rebased_count(pull_request: Sequence[str], branch: Sequence[str]) -> int:
    """Tell how many commits a merged pull request became on its branch: all of them (rebase) or one (squash).

    Args:
        pull_request: messages of its commits, oldest first.
        branch: messages of as many commits of the branch, first parents, ending with the merged one, oldest first.
    """
    same = len(pull_request) == len(branch) and all(
        a.strip() == b.strip() for a, b in zip(pull_request, branch, strict=True)
    )
    return len(pull_request) if same and pull_request else 1


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line of at most `limit` printable characters."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
