"""The grounds of a revert: a confirmed verdict about this service and environment, or a person's reason. No I/O.

Without a person, a revert requires a confirmed failure, and reverts exactly the range that the verdict covers: the
commits after the one that it compared with (`base_sha`), up to and including the one that it judged (`commit`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.model import Outcome
from ghmlops.core.revert.spec import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ghmlops.core.evidence.document import Verdict

CLOCK_SKEW = timedelta(minutes=10)
"""A verdict may be this much newer than the clock, because it comes from another machine."""
_REASON_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")
_BY_PERSON = "measure this commit and judge it again, or let a person ask for the revert with --reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a verdict must be about, so that it justifies a revert here."""

    repository: str
    """`owner/name`; not compared if empty, because a local remote has no such name."""
    service: str
    environment: str
    max_age: float
    """Maximum age of the verdict in seconds."""
    now: datetime
    """Current time (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why a revert is allowed: a person states a reason, or a verdict about a range of commits failed."""

    by_person: bool
    reason: str = ""
    """The reason of the person."""
    reason_code: str = ""
    """Reason code of the verdict."""
    verdict_commit: str = ""
    """Full SHA of the commit that the verdict judged."""
    verdict_base: str = ""
    """Full SHA of the commit that the verdict compared with; empty if it compared with none."""


def decide_grounds(verdict: Verdict | None, reason: str, target: Target | None = None) -> Grounds:
    """Return the grounds of a revert, before any commit is examined.

    Args:
        verdict: The verdict of the input `verdict-file`, if there is one.
        reason: The input `reason`, which makes a person responsible.
        target: What the verdict must be about; not compared if absent.

    Raises:
        EvidenceError: The verdict does not name its commits by full SHAs.
        InputError: There is neither a verdict nor a reason.
        NeedsPerson: The verdict is about something else; or there is no reason, and the verdict is too old, did not
            fail, or its failure is not confirmed.
    """
    reason = one_line(reason, 500)
    if verdict is None:
        if reason:
            return Grounds(by_person=True, reason=reason)
        raise InputError(
            "a revert requires a verdict or a reason, and the inputs `verdict-file` and `reason` are empty",
            hint="pass the verdict that failed with --verdict-file, or state a reason with --reason",
        )
    if not is_sha(verdict.commit) or not (is_sha(verdict.base_sha) or not verdict.base_sha):
        raise EvidenceError(
            "the verdict does not name its commit by a full SHA",
            hint="write the verdict again with `ghmlops gate`, or replace --verdict-file with --reason",
        )
    if target is not None:
        _check_subject(verdict, target)
    code = verdict.reason_code if _REASON_CODE.fullmatch(verdict.reason_code) else ""
    if not reason:
        if target is not None:
            _check_age(verdict, target)
        _check_failure(verdict, code)
    return Grounds(
        by_person=bool(reason),
        reason=reason,
        reason_code=code,
        verdict_commit=verdict.commit,
        verdict_base=verdict.base_sha,
    )


def _check_subject(verdict: Verdict, target: Target) -> None:
    """Refuse a verdict about another repository, service or environment, or about an unknown one."""
    names = (
        ("repository", verdict.repository.lower(), target.repository.lower()),
        ("service", verdict.service, target.service),
        ("environment", verdict.environment, target.environment),
    )
    for kind, subject, expected in names:
        if expected and subject != expected:
            raise NeedsPerson(
                f"the verdict is about the {kind} {one_line(subject, 100) or '(unknown)'}, "
                f"not about {one_line(expected, 100)}",
                hint=f"name the verdict of this {kind} with --verdict-file",
                reason_code="verdict-foreign",
            )


def _check_age(verdict: Verdict, target: Target) -> None:
    """Refuse a verdict that is older than the policy allows, or whose age is unknown."""
    created = parse_time(verdict.created)
    age = target.now - created if created else None
    limit = timedelta(seconds=target.max_age)
    if age is None or not -CLOCK_SKEW <= age <= limit:
        state = "does not state when it was written" if age is None else f"was written at {created}, {age} ago"
        raise NeedsPerson(
            f"the verdict for {verdict.commit[:12]} {state}; `gate: max-age` of the policy is {limit}",
            hint=_BY_PERSON,
            reason_code="verdict-stale",
        )


def parse_time(text: str) -> datetime | None:
    """Return a time of a verdict; `None` if it is malformed or has no time zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _check_failure(verdict: Verdict, code: str) -> None:
    """Refuse a verdict that did not fail, or whose failure no second run confirmed."""
    name = verdict.commit[:12]
    if verdict.outcome is not Outcome.FAIL:
        raise NeedsPerson(
            f"the verdict for {name} is `{verdict.outcome.value}`, and only a failure is reverted",
            hint="a person may ask for the revert with --reason",
            reason_code="verdict-not-fail",
        )
    failing = {f.id for f in verdict.findings if f.outcome is Outcome.FAIL}
    confirmations = [entry.partition(":") for entry in verdict.confirmed]
    if not any(command.strip() and finding in failing for command, _, finding in confirmations):
        raise NeedsPerson(
            f"the failure of {name} ({code or 'no reason code'}) is not confirmed by a second run",
            hint="measure again on a fresh deployment, or let a person ask for the revert with --reason",
            reason_code="failure-not-confirmed",
        )


def check_selection(
    grounds: Grounds, ids: Sequence[str], judged: Sequence[str], inside: Collection[str], *, single_commit: bool
) -> None:
    """Check that a verdict covers the commits to revert: without a person, all of its range or `single_commit`.

    Args:
        grounds: Why the revert is allowed.
        ids: Full ids of the commits to revert, newest first.
        judged: Full ids of the commits by which the branch went from the base to the judged commit, newest first.
        inside: Full ids of all commits of the judged range, those of merged branches too.
        single_commit: Whether one commit of the range may be reverted alone.

    Raises:
        NeedsPerson: The verdict is not about these commits.
    """
    if not grounds.verdict_commit:
        return
    if grounds.by_person:
        if ids[0] != grounds.verdict_commit and ids[0] not in inside:
            raise _not_about(grounds, ids[0], "")
        return
    if grounds.verdict_base in ("", grounds.verdict_commit):
        raise NeedsPerson(
            f"the verdict for {grounds.verdict_commit[:12]} compares it with no other commit, so it is unknown which "
            "commits it covers",
            hint=_BY_PERSON,
            reason_code="range-unknown",
        )
    foreign = [sha for sha in ids if sha not in inside]
    if foreign:
        more = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        raise _not_about(grounds, foreign[0], more)
    if single_commit and len(ids) == 1:
        return
    if missing := [sha for sha in judged if sha not in ids]:
        raise NeedsPerson(
            f"the verdict covers {len(judged)} commits, and {missing[0][:12]} is not among those to revert",
            hint=f"revert the range {grounds.verdict_base}..{grounds.verdict_commit}, or one commit with "
            "--single-commit",
            reason_code="verdict-not-about",
        )


def _not_about(grounds: Grounds, sha: str, more: str) -> NeedsPerson:
    base = f"{grounds.verdict_base[:12]}.." if grounds.verdict_base else ""
    return NeedsPerson(
        f"the verdict is about {base}{grounds.verdict_commit[:12]}, not about {sha[:12]}{more}",
        hint="revert the commits that failed, or let a person ask for others with --reason and without a verdict",
        reason_code="verdict-not-about",
    )


def review_cause(grounds: Grounds, tip_before: str, path_length: int) -> str:
    """Return why a person must merge the revert; empty if it may be pushed to the branch.

    Without a person, only the judged push is reverted on the branch itself, and only if the failure is confirmed
    against the commit that the branch had before this push.

    Args:
        grounds: Why the revert is allowed.
        tip_before: The commit of the branch before the judged push; empty if unknown.
        path_length: Number of commits by which the branch went from the base of the verdict to the judged commit.
    """
    if grounds.by_person or tip_before == grounds.verdict_base:
        return ""
    base, commit = grounds.verdict_base[:12], grounds.verdict_commit[:12]
    if tip_before:
        return (
            f"the verdict compares {commit} with {base}, but before the push the branch was at {tip_before[:12]}, so "
            "the failure is not confirmed for this push alone"
        )
    if path_length == 1:
        return ""
    return f"the verdict covers {path_length} commits ({base}..{commit}), and it is unknown which push added them"
