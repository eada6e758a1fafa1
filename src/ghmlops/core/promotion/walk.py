"""The walk up the ladder: from what is known at a moment to the next decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ghmlops.core.promotion.rung import Ruling, State
from ghmlops.core.promotion.split import Split

if TYPE_CHECKING:
    from ghmlops.core.policy.promote import Promote, Reaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a promotion is. All times are seconds since the epoch.

    Attributes:
        rung: Index of the rung in the ladder; the last one is at full traffic.
        since: Time of the last change of weights.
        effective: Time at which the split was shown to be in effect; `None` before.
        passed: Time at which the rung passed; `None` before.
    """

    rung: int
    since: float
    effective: float | None = None
    passed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Continue to observe."""

    position: Position
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Change to the next rung."""

    rung: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The candidate serves all traffic and was good for the whole watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the walk: `rollback` returns the traffic, `hold` leaves the weights for a person to decide."""

    reaction: Reaction
    reason_code: str
    reason: str


Decision = Wait | Advance | Complete | Stop


def next_decision(  # noqa: PLR0913  (everything that is known at a moment)
    policy: Promote, position: Position, split: Split, ruling: Ruling, now: float, *, silent: float
) -> Decision:
    """Return what to do next.

    A failure or a hold of the judge counts at once, even before the split is in effect. Nothing passes before it.

    Args:
        policy: The section `promote`.
        position: Where the promotion is.
        split: Whether the router follows the weights, from the requests since the last change.
        ruling: The verdict of the rung so far.
        now: Seconds since the epoch. A clock that was set back waits; it never advances.
        silent: Seconds since a request of the candidate was last observed; infinite if none was.
    """
    if ruling.state is State.FAIL:
        return Stop(reaction=policy.on.fail, reason_code=ruling.reason_code, reason=ruling.reason)
    if ruling.state is State.HOLD:
        return Stop(reaction="hold", reason_code=ruling.reason_code, reason=ruling.reason)
    if position.effective is None:
        return _before_effect(policy, position, split, now)
    if position.passed is None:
        return _while_undecided(policy, position, ruling, now)
    return _after_pass(policy, position, ruling, now, silent)


def _before_effect(policy: Promote, position: Position, split: Split, now: float) -> Decision:
    if split is Split.IN_EFFECT:
        return Wait(position=replace(position, effective=now), reason="the new weights are in effect")
    elapsed = now - position.since
    if split is Split.NOT_IN_EFFECT and elapsed > policy.rung.settle:
        return Stop(
            reaction="hold",
            reason_code="split-not-in-effect",
            reason=f"The router does not follow the weights of rung {position.rung + 1} after {elapsed:.0f} s.",
        )
    if elapsed > policy.rung.max_duration:
        return Stop(
            reaction=policy.on.low_traffic,
            reason_code="low-traffic",
            reason=f"Too few requests in {elapsed:.0f} s to show that the router follows the weights.",
        )
    return Wait(position=position, reason="waiting for the new weights to take effect")


def _while_undecided(policy: Promote, position: Position, ruling: Ruling, now: float) -> Decision:
    if ruling.state is State.PASS:
        return Wait(position=replace(position, passed=now), reason=ruling.reason)
    elapsed = now - position.since
    if elapsed <= policy.rung.max_duration:
        return Wait(position=position, reason=ruling.reason)
    low = ruling.reason_code == "low-traffic"
    return Stop(
        reaction=policy.on.low_traffic if low else policy.on.inconclusive,
        reason_code=ruling.reason_code,
        reason=f"{ruling.reason} The rung ends after {elapsed:.0f} s.",
    )


def _after_pass(policy: Promote, position: Position, ruling: Ruling, now: float, silent: float) -> Decision:
    """Advance after the time that the policy asks for, if the candidate was observed until the end of it.

    A log that fell silent after the rung passed shows nothing: time alone never advances.
    """
    last = position.rung == len(policy.ladder) - 1
    elapsed, required = now - (position.passed or now), policy.watch if last else policy.rung.bake
    if elapsed < required:
        return Wait(position=position, reason=f"judged on for {required - elapsed:.0f} s")
    if silent > policy.rung.settle or ruling.state is not State.PASS:
        low = silent > policy.rung.settle
        reason = "No request of the candidate is observed any more." if low else ruling.reason
        if elapsed <= required + policy.rung.max_duration:
            return Wait(position=position, reason=reason)
        return Stop(
            reaction=policy.on.low_traffic if low else policy.on.inconclusive,
            reason_code="low-traffic" if low else ruling.reason_code,
            reason=f"{reason} The rung passed {elapsed:.0f} s ago.",
        )
    return Complete() if last else Advance(rung=position.rung + 1)
