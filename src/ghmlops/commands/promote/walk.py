"""The loop of a promotion: observe, judge, decide, and change the weights."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.commands.promote.capacity import Servers
from ghmlops.commands.promote.start import first_start, resumed_start
from ghmlops.commands.promote.way_back import WayBack
from ghmlops.core.errors import DataError, ServiceError
from ghmlops.core.promotion.metrics.judge import MetricJudge, reference_arm
from ghmlops.core.promotion.observation import ArmTraffic, Traffic
from ghmlops.core.promotion.record import Decision, PromotionRecord, RungRecord
from ghmlops.core.promotion.recovery import total_shares
from ghmlops.core.promotion.rollback import RecentRate
from ghmlops.core.promotion.rung import RungJudge, State
from ghmlops.core.promotion.split import Split, compare_split
from ghmlops.core.promotion.status_text import hold_text, rollback_text, rung_text
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait, next_decision
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, Shares, rung_shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.commands.promote.deployment import Deployment
    from ghmlops.commands.promote.hooks import HookRunner
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.promote.metrics import MetricReader
    from ghmlops.measure.telemetry import AccessLog

POLL_SECONDS = 0.25
"""Seconds between two looks at the access log: a verdict is at most so late."""
_MAX_DEMAND_LOOKS = 20
"""Looks after which a demand that is still unknown no longer delays the first rung."""


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
        hooks: Commands of the user before and after each rung; `None` without.
        metrics: Metrics of the service; `None` without.
        poll: Seconds between two looks at the access log.
    """

    job: Job
    deployment: Deployment
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    run_url: str
    hooks: HookRunner | None = None
    metrics: MetricReader | None = None
    poll: float = POLL_SECONDS
    _log: AccessLog = field(init=False)
    _judge: RungJudge = field(init=False)
    _rungs: list[RungRecord] = field(init=False, default_factory=list)
    _before: Shares = field(init=False, default=BASELINE_ONLY)
    _shares: Shares = field(init=False, default=BASELINE_ONLY)
    _counts: Counter[str] = field(init=False, default_factory=Counter)
    _rate: RecentRate = field(init=False)
    _servers: Servers = field(init=False)
    _metrics_of: int | None = field(init=False, default=None)
    """Index of the rung whose metrics are read."""
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
        policy = self.job.policy
        judged = MetricJudge(policy.judge.metrics, reference_arm(with_twin=policy.compare == "twin"))
        self._judge = RungJudge(policy.judge.errors, self.job.margins, judged)
        self._rate = RecentRate(self.now().timestamp())
        self._servers = Servers(job=self.job, now=self.now, note=self.note)
        start = resumed_start(self.job, self.deployment, self.now()) if resume else first_start(self.job)
        self._shares, self._held_since = start.shares, start.held_since
        if self.metrics:
            self.metrics.check(tuple(arm for arm in ARMS if self._shares.share(arm)))
        if self.job.scalable:
            self._measure_demand()
        try:
            stop = start.step if isinstance(start.step, Stop) else self._climb(start.step)
        except ServiceError as error:
            if not self._rungs and error.reason_code != "weight-not-accepted":
                raise
            stop = Stop(reaction="hold", reason_code=error.reason_code, reason=f"{error.message}.")
        return self._stop(stop)

    def _climb(self, first: int) -> Stop | Complete:
        """Walk the ladder until it ends."""
        if stop := self._make_ready(first, self._wait):
            return stop
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
                    if stop := self._between(position, decision.rung):
                        return stop
                    position = self._enter(decision.rung)
                case Complete():
                    return self._between(position, None) or decision
                case Stop():
                    return decision

    def _between(self, position: Position, following: int | None) -> Stop | None:
        """Do what lies between two rungs, while the candidate is judged on; return why the walk ends, or `None`."""

        def judge_on() -> Stop | None:
            decision = self._look(position)
            self.sleep(self.poll)
            return decision if isinstance(decision, Stop) else None

        if self.hooks and (stop := self.hooks.run("after-rung", position.rung, judge_on)):
            return stop
        return None if following is None else self._make_ready(following, judge_on)

    def _make_ready(self, rung: int, meanwhile: Callable[[], Stop | None]) -> Stop | None:
        """Have the servers of a rung ready, and run its hooks; return why the walk ends, or `None`."""
        shares = rung_shares(self.job.policy.ladder[rung], with_twin=self.job.policy.compare == "twin")
        if stop := self._servers.prepare(shares, self._rate.rate(), meanwhile):
            return stop
        return self.hooks.run("before-rung", rung, meanwhile) if self.hooks else None

    def _wait(self) -> None:
        """Wait before the first rung, and look at the demand."""
        self.sleep(self.poll)
        with contextlib.suppress(DataError):  # the next look at the candidate reports it
            self._rate.add(self.now().timestamp(), sum(self._log.read().counts().values()))

    def _measure_demand(self) -> None:
        """Observe until the demand is known, so that the servers of the first rung are enough for it."""
        for _ in range(_MAX_DEMAND_LOOKS):
            if self._rate.rate() is not None:
                return
            self._wait()

    def _enter(self, rung: int) -> Position:
        policy = self.job.policy
        self._before = self._shares
        shares = rung_shares(policy.ladder[rung], with_twin=policy.compare == "twin")
        self._shares = apply_shares(self.job.target, shares)
        moment = self.now()
        self._judge.start_rung()
        self._metrics_of = None
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
        self._read_metrics(position)
        self._add(traffic)
        split = compare_split(self._counts, before=self._before, after=self._shares)
        ruling = self._judge.ruling(self._shares, min_requests=self.job.policy.rung.min_requests)
        decision = next_decision(self.job.policy, position, split, ruling, self.now().timestamp())
        if ruling.state is State.FAIL:  # perhaps after it had passed, while it was judged on
            self._rungs[-1] = msgspec.structs.replace(self._rungs[-1], passed=False)
        if split is Split.NOT_IN_EFFECT and position.effective is None:
            self._counts.clear()  # requests before the router followed must not count against it for ever
        return decision

    def _read_metrics(self, position: Position) -> None:
        if self.metrics is None or position.effective is None:
            return
        moment, judge = self.now().timestamp(), self._judge.metrics
        if self._metrics_of != position.rung:
            self._metrics_of = position.rung
            self.metrics.start_rung(position.effective)
        self.metrics.feed(judge, moment, comparable=self._shares.share(judge.reference) > 0)

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
            metrics=self._judge.metrics.records(),
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
            self._servers.give_back(complete=True)
            return record
        if stop.reaction == "hold":
            return self._hold(stop.reason_code, stop.reason)
        self.note(f"rollback: {stop.reason}")
        # The next run finishes what this one does not: the intention is on disk before the first weight changes.
        self._write("rollback", stop.reason_code, stop.reason)
        since = self.now().isoformat(timespec="seconds")
        self.deployment.describe(rollback_text(self._shares.candidate, since, stop.reason_code))
        way_back = WayBack(
            job=self.job,
            log=self._log,
            rate=self._rate,
            now=self.now,
            sleep=self.sleep,
            note=self.note,
            servers=self._servers,
        )
        self._shares = way_back.run(self._shares)
        if way_back.problem[0]:
            return self._hold(*way_back.problem)
        record = self._write("rollback", stop.reason_code, stop.reason)
        self.deployment.finish(succeeded=False)
        self._servers.give_back(complete=False)
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
