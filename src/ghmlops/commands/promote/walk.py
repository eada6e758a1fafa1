"""The loop of a promotion: observe, judge, decide, and change the weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.core.errors import DataError, NeedsPerson
from ghmlops.core.promotion.observation import ArmTraffic, Traffic
from ghmlops.core.promotion.record import PromotionRecord, RungRecord
from ghmlops.core.promotion.rollback import rollback_share
from ghmlops.core.promotion.rung import RungJudge
from ghmlops.core.promotion.split import Split, compare_split
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait, next_decision
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, Shares, rung_shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.commands.promote.job import Job
    from ghmlops.measure.telemetry import AccessLog

POLL_SECONDS = 0.25
"""Seconds between two looks at the access log: a verdict is at most so late."""
_SAME_SHARE = 0.005
"""Difference of a share from that of a rung up to which the target counts as being at the rung."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One promotion on its way.

    Args:
        job: Everything that it needs.
        now: The current time (UTC).
        sleep: Waits for some seconds.
        note: Reports a decision to the user.
        run_url: Address of the run; may be empty.
        poll: Seconds between two looks at the access log.
    """

    job: Job
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

    def run(self, *, resume: bool) -> PromotionRecord:
        """Walk the ladder to its end, and return the record.

        Raises:
            NeedsPerson: The target is not where a promotion can start.
            ServiceError: The target cannot be reached, or refuses a change.
            DataError: There is no access log.
        """
        self._log = self.job.open_log()
        self._judge = RungJudge(self.job.policy.judge.errors, self.job.margins)
        position = self._enter(self._first_rung(resume=resume))
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
                case Complete():
                    return self._finish("complete", "promotion-complete", "The candidate serves all traffic.")
                case Stop():
                    return self._stop(decision)

    def _first_rung(self, *, resume: bool) -> int:
        """Return the rung to start at; a target in mid-ladder needs a person's word."""
        self._shares = read_shares(self.job.target)
        share, ladder = self._shares.candidate, self.job.policy.ladder
        if share == 0.0:
            return 0
        if not resume:
            raise NeedsPerson(
                f"the candidate has {share:.2%} of the traffic already",
                hint="another run may be promoting, or was interrupted; pass `resume` to continue at this rung",
                reason_code="in-mid-ladder",
            )
        rung = next((index for index, step in enumerate(ladder) if abs(step - share) < _SAME_SHARE), None)
        if rung is None:
            raise NeedsPerson(
                f"the candidate has {share:.2%} of the traffic, which is no rung of the ladder",
                hint="a person may have set it; set the weights of a rung, or 0",
                reason_code="weights-changed",
            )
        return rung

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
        return Position(rung=rung, since=moment.timestamp())

    def _look(self, position: Position) -> Wait | Advance | Complete | Stop:
        """Read what is new, judge it, and decide."""
        try:
            traffic = _since(self._log.read(), position.since)
        except DataError as error:
            return Stop(reaction=self.job.policy.on.inconclusive, reason_code=error.reason_code, reason=error.message)
        if read_shares(self.job.target) != self._shares:
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
            self._write("running", "", "")
        return position

    def _stop(self, stop: Stop) -> PromotionRecord:
        if stop.reaction == "hold" or stop.reason_code == "weights-changed":
            return self._finish("hold", stop.reason_code, stop.reason)
        self.note(f"rollback: {stop.reason}")
        for index, step in enumerate(self.job.policy.rollback.steps):
            share = rollback_share(current=self._shares.candidate, step=step, demand=0.0, ready_capacity=None)
            if index and share < self._shares.candidate:
                self.sleep(self.job.policy.rollback.step_duration)
            self._shares = apply_shares(self.job.target, Shares(candidate=share, pool=1.0 - share))
        return self._finish("rollback", stop.reason_code, stop.reason)

    def _finish(self, decision: str, reason_code: str, reason: str) -> PromotionRecord:
        return self._write(decision, reason_code, reason)

    def _write(self, decision: str, reason_code: str, reason: str) -> PromotionRecord:
        record = PromotionRecord(
            commit=self.job.commit,
            environment=self.job.environment,
            service=self.job.service,
            run_url=self.run_url,
            rungs=tuple(self._rungs),
            decision=decision,  # type: ignore[arg-type]
            reason_code=reason_code,
            reason=reason,
            shares=self._shares,
        )
        write_atomically(self.job.record_path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        return record


def _since(traffic: Traffic, start: float) -> Traffic:
    """Return the requests that arrived after a change of weights: those before it went by the old ones."""

    def later(arm: ArmTraffic) -> ArmTraffic:
        keep = arm.at >= start
        return ArmTraffic(at=arm.at[keep], response=arm.response[keep], failed=arm.failed[keep])

    return Traffic(candidate=later(traffic.candidate), twin=later(traffic.twin), pool=later(traffic.pool))
