"""The loop of a promotion: observe, judge, decide, and change the weights."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.commands.promote.job import read_previous
from ghmlops.commands.promote.way_back import WayBack
from ghmlops.core.errors import DataError, NeedsPerson, ServiceError
from ghmlops.core.promotion.observation import ArmTraffic, Traffic
from ghmlops.core.promotion.record import Decision, PromotionRecord, RungRecord
from ghmlops.core.promotion.recovery import BASELINE, Place, find_place, total_shares
from ghmlops.core.promotion.rollback import RecentRate
from ghmlops.core.promotion.rung import RungJudge
from ghmlops.core.promotion.split import Split, compare_split
from ghmlops.core.promotion.status_text import hold_seconds, hold_text, rollback_text, rung_text
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait, next_decision
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, Shares, rung_shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.commands.promote.deployment import Deployment
    from ghmlops.commands.promote.job import Job
    from ghmlops.measure.telemetry import AccessLog

POLL_SECONDS = 0.25
"""Seconds between two looks at the access log: a verdict is at most so late."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One promotion on its way.

    Args:
        job: Everything that it needs.
        deployment: The GitHub deployment.
        now: The current time (UTC).
        sleep: Waits for some seconds.
        note: Reports a decision to the user.
        run_url: Address of the run; may be empty.
        poll: Seconds between two looks at the access log.
    """

    job: Job
    deployment: Deployment
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    run_url: str
    poll: float = POLL_SECONDS
    _log: AccessLog = field(init=False)
    _judge: RungJudge = field(init=False)
    _rungs: list[RungRecord] = field(init=False, default_factory=list)
    _before: Shares = field(init=False, default=BASELINE_ONLY)
    _shares: Shares = field(init=False, default=BASELINE_ONLY)
    _counts: Counter[str] = field(init=False, default_factory=Counter)
    _rate: RecentRate = field(init=False)
    _held_since: str = field(init=False, default="")
    """Since when the promotion is on hold, by the runs before this one."""

    def run(self, *, resume: bool) -> PromotionRecord:
        """Walk the ladder to its end, and return the record.

        Raises:
            NeedsPerson: The target is not where a promotion can start.
            ServiceError: The target cannot be reached, or refuses a change.
            DataError: There is no access log.
        """
        self._log = self.job.open_log()
        self._judge = RungJudge(self.job.policy.judge.errors, self.job.margins)
        self._rate = RecentRate(self.now().timestamp())
        start = self._resume() if resume else self._begin()
        try:
            stop = start if isinstance(start, Stop) else self._climb(start)
        except ServiceError as error:
            if not self._rungs and error.reason_code != "weight-not-accepted":
                raise
            stop = Stop(reaction="hold", reason_code=error.reason_code, reason=f"{error.message}.")
        return self._stop(stop)

    def _climb(self, first: int) -> Stop | Complete:
        """Walk the ladder until it ends."""
        position = self._enter(first)
        while True:
            decision = self._look(position)
            match decision:
                case Wait():
                    if decision.position != position:
                        self.note(decision.reason)
                    position = self._remember(decision.position)
                    self.sleep(self.poll)
                case Advance():
                    position = self._enter(decision.rung)
                case Complete() | Stop():
                    return decision

    def _begin(self) -> int:
        """Return the first rung; a target in mid-ladder needs a person's word."""
        self._shares = read_shares(self.job.target)
        if self._shares.candidate > 0.0:
            raise NeedsPerson(
                f"the candidate has {self._shares.candidate:.2%} of the traffic already",
                hint="another run may be promoting, or was interrupted; pass `resume` to continue at this rung",
                reason_code="in-mid-ladder",
            )
        return 0

    def _resume(self) -> int | Stop:
        """Return the rung to continue at, or why the traffic returns now: a rollback in progress, or an expired hold.

        A change that was interrupted is undone: the lower rung is entered and judged anew.
        """
        policy, previous = self.job.policy, read_previous(self.job)
        place = self._place()
        self._shares = total_shares(self.job.target.server_weights())
        if previous and previous.commit == self.job.commit and previous.decision == "rollback":
            return Stop(reaction="rollback", reason_code=previous.reason_code, reason=previous.reason)
        if reason_code := self.deployment.rollback_reason:
            return Stop(reaction="rollback", reason_code=reason_code, reason="A rollback was interrupted.")
        if place.rung == BASELINE and not place.interrupted:
            return 0
        owner = previous.commit if previous else self.deployment.commit_in_progress
        if owner and owner != self.job.commit:
            raise NeedsPerson(
                f"the ladder in progress is that of {owner[:12]}",
                hint="resume with that commit, or return its traffic first",
                reason_code="other-commit",
            )
        self._held_since = (previous.held_since if previous else "") or self.deployment.held_since
        age = hold_seconds(self._held_since, self.now())
        if age is not None and age > policy.hold.max and policy.hold.then == "rollback":
            reason = f"The promotion waited for a person for {age:.0f} s, longer than {policy.hold.max:.0f} s."
            return Stop(reaction="rollback", reason_code="hold-expired", reason=reason)
        return max(place.rung, 0)

    def _place(self) -> Place:
        policy, target = self.job.policy, self.job.target
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

    def _enter(self, rung: int) -> Position:
        policy = self.job.policy
        self._before = self._shares
        shares = rung_shares(policy.ladder[rung], with_twin=policy.compare == "twin")
        self._shares = apply_shares(self.job.target, shares)
        moment = self.now()
        self._judge.start_rung()
        self._counts.clear()
        self._rungs.append(
            RungRecord(
                share=policy.ladder[rung],
                shares=self._shares,
                since=moment.isoformat(),
                requests=dict.fromkeys(ARMS, 0),
                errors=dict.fromkeys(ARMS, 0),
            )
        )
        self.note(
            f"rung {rung + 1}/{len(policy.ladder)}: {self._shares.candidate:.2%} of the traffic since {moment:%H:%M:%S}"
        )
        self._write("running", "", "")
        self.deployment.describe(
            rung_text(rung + 1, len(policy.ladder), policy.ladder[rung], moment.isoformat(timespec="seconds"))
        )
        return Position(rung=rung, since=moment.timestamp())

    def _look(self, position: Position) -> Wait | Advance | Complete | Stop:
        """Read what is new, judge it, and decide."""
        try:
            traffic = _since(self._log.read(), position.since)
        except DataError as error:
            return Stop(reaction=self.job.policy.on.inconclusive, reason_code=error.reason_code, reason=error.message)
        self._rate.add(self.now().timestamp(), sum(traffic.counts().values()))
        if not self._has_own_weights():
            return Stop(
                reaction="hold",
                reason_code="weights-changed",
                reason="The weights of the target are not those of this promotion: a person or a restart changed them.",
            )
        self._judge.feed(traffic, counts=position.effective is not None)
        self._add(traffic)
        split = compare_split(self._counts, before=self._before, after=self._shares)
        ruling = self._judge.ruling(self._shares, min_requests=self.job.policy.rung.min_requests)
        decision = next_decision(self.job.policy, position, split, ruling, self.now().timestamp())
        if split is Split.NOT_IN_EFFECT and position.effective is None:
            self._counts.clear()  # requests before the router followed must not count against it for ever
        return decision

    def _has_own_weights(self) -> bool:
        try:
            return read_shares(self.job.target) == self._shares
        except ServiceError as error:
            if error.reason_code in ("weights-differ", "no-weights"):
                return False
            raise

    def _add(self, traffic: Traffic) -> None:
        rung = self._rungs[-1]
        self._counts.update(traffic.counts())
        self._rungs[-1] = msgspec.structs.replace(
            rung,
            requests={arm: rung.requests[arm] + traffic.arm(arm).requests for arm in ARMS},
            errors={arm: rung.errors[arm] + traffic.arm(arm).errors for arm in ARMS},
        )

    def _remember(self, position: Position) -> Position:
        if position.passed is not None and not self._rungs[-1].passed:
            self._rungs[-1] = msgspec.structs.replace(self._rungs[-1], passed=True)
            self._held_since = ""  # a rung that passed ends the hold
            self._write("running", "", "")
        return position

    def _stop(self, stop: Stop | Complete) -> PromotionRecord:
        if isinstance(stop, Complete):
            record = self._write("complete", "promotion-complete", "The candidate serves all traffic.")
            self.deployment.finish(succeeded=True)
            return record
        if stop.reaction == "hold":
            return self._hold(stop.reason_code, stop.reason)
        self.note(f"rollback: {stop.reason}")
        # The next run finishes what this one does not: the intention is on disk before the first weight changes.
        self._write("rollback", stop.reason_code, stop.reason)
        since = self.now().isoformat(timespec="seconds")
        self.deployment.describe(rollback_text(self._shares.candidate, since, stop.reason_code))
        way_back = WayBack(job=self.job, log=self._log, rate=self._rate, now=self.now, sleep=self.sleep, note=self.note)
        self._shares = way_back.run(self._shares)
        if way_back.problem[0]:
            return self._hold(*way_back.problem)
        record = self._write("rollback", stop.reason_code, stop.reason)
        self.deployment.finish(succeeded=False)
        return record

    def _hold(self, reason_code: str, reason: str) -> PromotionRecord:
        with contextlib.suppress(ServiceError, ValueError):  # the router may be what does not answer
            self._shares = total_shares(self.job.target.server_weights())
        self._held_since = self._held_since or self.now().isoformat(timespec="seconds")
        record = self._write("hold", reason_code, reason)
        self.deployment.describe(hold_text(self._shares.candidate, self._held_since, reason_code))
        return record

    def _write(self, decision: Decision, reason_code: str, reason: str) -> PromotionRecord:
        record = PromotionRecord(
            commit=self.job.commit,
            environment=self.job.environment,
            service=self.job.service,
            run_url=self.run_url,
            rungs=tuple(self._rungs),
            decision=decision,
            reason_code=reason_code,
            reason=reason,
            shares=self._shares,
            held_since=self._held_since,
        )
        write_atomically(self.job.record_path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        return record


def _since(traffic: Traffic, start: float) -> Traffic:
    """Return the requests that arrived after a change of weights: those before it went by the old ones."""

    def later(arm: ArmTraffic) -> ArmTraffic:
        keep = arm.at >= start
        return ArmTraffic(at=arm.at[keep], response=arm.response[keep], failed=arm.failed[keep])

    return Traffic(candidate=later(traffic.candidate), twin=later(traffic.twin), pool=later(traffic.pool))
