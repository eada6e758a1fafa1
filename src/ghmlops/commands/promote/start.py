"""Where a promotion starts: at the first rung, at the rung that the target has, or with the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ghmlops.act.targets import read_shares
from ghmlops.commands.promote.job import read_previous
from ghmlops.core.errors import DataError, GhmlopsError, NeedsPerson, PolicyError
from ghmlops.core.policy.target import CommandTarget
from ghmlops.core.promotion.recovery import BASELINE, Place, find_place, total_shares
from ghmlops.core.promotion.status_text import hold_seconds
from ghmlops.core.promotion.walk import Stop
from ghmlops.core.promotion.weights import CANDIDATE, represented_shares, rung_shares
from ghmlops.core.steps.step import REASON_LIMIT, short

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.promote.deployment import Deployment
    from ghmlops.commands.promote.job import Job
    from ghmlops.core.promotion.record import PromotionRecord
    from ghmlops.core.promotion.weights import Shares

ROLLBACK_ORDERED = "rollback-ordered"
"""Reason code of a rollback that a person or another command ordered."""
MAX_EXCESS = 0.1
"""Excess of the candidate's share, as a fraction of the rung, that the integer weights of a router may cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The start of a promotion.

    Attributes:
        shares: Shares that the target has.
        step: Index of the rung to enter, or why the traffic returns now.
        held_since: Since when the promotion is on hold, by the runs before this one; empty if it is not.
        alerted: Reason code of what the runs before alerted people to; empty if to nothing.
        problems: What only a promotion needs and is missing; the traffic returns without it.
    """

    shares: Shares
    step: int | Stop
    held_since: str = ""
    alerted: str = ""
    problems: tuple[GhmlopsError, ...] = ()


def choose_start(job: Job, deployment: Deployment, now: datetime, *, resume: bool, rollback: str) -> Start:
    """Return where to start: with the way back for the reason `rollback`, where the target is, or at the first rung.

    Raises:
        NeedsPerson: The target is not where a promotion can start.
        ServiceError: The target cannot be reached.
        GhmlopsError: Something is missing that a promotion needs, and the traffic does not return.
    """
    if not resume and not rollback:
        return first_start(job)
    problems = [*job.problems, *([deployment.problem] if deployment.problem else [])]
    try:
        previous = read_previous(job)
    except DataError as error:
        previous = None
        problems.append(error)
    if rollback:
        start = ordered_rollback(job, deployment, previous, rollback)
    else:
        start = resumed_start(job, deployment, previous, now)
    if problems and not isinstance(start.step, Stop):
        raise problems[0]
    return replace(start, problems=tuple(problems))


def first_start(job: Job) -> Start:
    """Return the start at the first rung; a target in mid-ladder needs a person's word.

    Raises:
        NeedsPerson: The candidate has traffic already.
        ServiceError: The target cannot be reached.
    """
    shares = read_shares(job.target)
    if shares.candidate > 0.0:
        raise NeedsPerson(
            f"the candidate has {shares.candidate:.2%} of the traffic already",
            hint="another run may be promoting, or was interrupted; pass `resume` to continue at this rung",
            reason_code="in-mid-ladder",
        )
    if has_header_traffic(job):
        raise NeedsPerson(
            "the candidate answers the requests with a header already",
            hint="another run may be promoting, or was interrupted; pass `resume` to judge them anew",
            reason_code="in-mid-ladder",
        )
    return Start(shares=shares, step=0)


def check_ladder(job: Job) -> None:
    """Check that the router can represent each rung: its smallest weight must not be much more than the rung allows.

    Raises:
        PolicyError: The candidate would receive more than a rung allows.
        ServiceError: The target cannot be reached.
    """
    servers, limit = job.target.servers(), job.target.limit
    for number, share in enumerate(job.policy.ladder, 1):
        shares = rung_shares(share, with_twin=job.policy.compare == "twin")
        lowest = represented_shares(shares, servers, limit).candidate
        if lowest > share * (1.0 + MAX_EXCESS):
            raise PolicyError(
                f"rung {number} of `promote.ladder` is {share:.4g}, and the candidate would receive {lowest:.4g}: the "
                f"highest weight of the target is {limit}",
                hint=f"begin the ladder at {lowest:.1%} or above"
                + (", or raise `limit` of the target" if isinstance(job.policy.target, CommandTarget) else ""),
            )


def has_header_traffic(job: Job) -> bool:
    """Return whether the candidate answers requests with a header.

    Raises:
        ServiceError: The target cannot be reached, or its route for them has no servers of these names.
    """
    return job.header_target is not None and any(job.header_target.server_weights()[CANDIDATE])


def resumed_start(job: Job, deployment: Deployment, previous: PromotionRecord | None, now: datetime) -> Start:
    """Return where to continue: a rollback in progress and an expired hold return the traffic now.

    A change that was interrupted is undone: the lower rung is entered and judged anew.

    Args:
        job: Everything that the promotion needs.
        deployment: The GitHub deployment.
        previous: The record of the run before; `None` if there is none, or it cannot be read.
        now: The current time (UTC).

    Raises:
        NeedsPerson: The weights are those of no rung, or the ladder is that of another commit.
        ServiceError: The target cannot be reached, or serves nothing.
    """
    policy = job.policy
    shares = total_shares(job.target.server_weights())
    alerted = (previous.alerted if previous and previous.commit == job.commit else "") or deployment.alerted
    if previous and previous.commit == job.commit and previous.decision == "rollback":
        stop = Stop(reaction="rollback", reason_code=previous.reason_code, reason=previous.reason)
        return Start(shares=shares, step=stop, alerted=alerted)
    if reason_code := deployment.rollback_reason:
        stop = Stop(reaction="rollback", reason_code=reason_code, reason="A rollback was interrupted.")
        return Start(shares=shares, step=stop, alerted=alerted)
    place = _place(job)  # a rollback ends whatever weights it left
    if place.rung == BASELINE and not place.interrupted and not has_header_traffic(job):
        return Start(shares=shares, step=0)
    owner = previous.commit if previous else deployment.commit_in_progress
    if owner and owner != job.commit:
        raise NeedsPerson(
            f"the ladder in progress is that of {owner[:12]}",
            hint="resume with that commit, or return its traffic first",
            reason_code="other-commit",
        )
    held_since = (previous.held_since if previous else "") or deployment.held_since
    age = hold_seconds(held_since, now)
    if age is not None and age > policy.hold.max and policy.hold.then == "rollback":
        reason = f"The promotion waited for a person for {age:.0f} s, longer than {policy.hold.max:.0f} s."
        stop = Stop(reaction="rollback", reason_code="hold-expired", reason=reason)
        return Start(shares=shares, step=stop, held_since=held_since, alerted=alerted)
    return Start(shares=shares, step=max(place.rung, 0), held_since=held_since, alerted=alerted)


def ordered_rollback(job: Job, deployment: Deployment, previous: PromotionRecord | None, reason: str) -> Start:
    """Return the way back from whatever share the candidate has, for a reason that the promotion did not find itself.

    Args:
        job: Everything that the promotion needs.
        deployment: The GitHub deployment.
        previous: The record of the run before; `None` if there is none, or it cannot be read.
        reason: The reason.

    Raises:
        NeedsPerson: The candidate has no traffic, or it is that of another commit: one that was promoted last on this
            machine, or whose ladder is in progress by its deployment.
        ServiceError: The target cannot be reached, or serves nothing.
    """
    shares = total_shares(job.target.server_weights())
    # Both: a checkout removes the record, and a runner that keeps its folder does not know what ran on another one.
    owners = (deployment.commit_in_progress, previous.commit if previous else "")
    if other := next((owner for owner in owners if owner not in ("", job.commit)), ""):
        raise NeedsPerson(
            f"the last promotion is that of {other[:12]}",
            hint="only the commit whose servers are the candidate can be rolled back",
            reason_code="other-commit",
        )
    if shares.candidate == 0.0 and not has_header_traffic(job):
        raise NeedsPerson(
            "the candidate has no traffic that could return",
            hint="were its servers made the baseline? Then revert the commit: actions/revert",
            reason_code="no-traffic",
        )
    stop = Stop(reaction="rollback", reason_code=ROLLBACK_ORDERED, reason=short(reason, REASON_LIMIT))
    return Start(shares=shares, step=stop)


def _place(job: Job) -> Place:
    policy, target = job.policy, job.target
    rungs = [rung_shares(share, with_twin=policy.compare == "twin") for share in policy.ladder]
    weights = target.server_weights()
    place = find_place(weights, rungs, target.limit)
    if place is None:
        listed = "; ".join(f"{arm} {', '.join(map(str, values))}" for arm, values in weights.items())
        raise NeedsPerson(
            f"the weights of the target are those of no rung of the ladder: {listed}",
            hint="a person may have set them; set the weights of a rung, or 0 for the candidate",
            reason_code="weights-changed",
        )
    return place
