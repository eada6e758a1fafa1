"""The loop of a promotion: observe, decide, and change the weights."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.act.targets import apply_shares, check_climb
from ghmlops.commands.promote.aftermath.journal import QUARANTINE, Journal
from ghmlops.commands.promote.capacity import Servers
from ghmlops.commands.promote.header.rung import HeaderRung
from ghmlops.commands.promote.observer import Observer
from ghmlops.commands.promote.source import NOT_OBSERVED, open_source
from ghmlops.commands.promote.start import choose_start
from ghmlops.commands.promote.way_back import WayBack
from ghmlops.core.errors import DataError, ServiceError
from ghmlops.core.promotion.recovery import total_shares
from ghmlops.core.promotion.status_text import alerted_text, hold_text, rollback_text, rung_text
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait
from ghmlops.core.promotion.weights import ARMS, Shares, rung_shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.act.targets import Target
    from ghmlops.commands.promote.deployment import Deployment
    from ghmlops.commands.promote.hooks import HookRunner
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.promote.metrics import MetricReader
    from ghmlops.commands.shared.production.watch_runs import Schedule
    from ghmlops.core.promotion.record import PromotionRecord
    from ghmlops.measure.telemetry import CounterLog

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
        person: Login of the person who started the run; may be empty.
        counters: Counters of the requests; `None`: the access log of the job has them.
        hooks: Commands of the user before and after each rung; `None` without.
        metrics: Metrics of the service; `None` without.
        schedule: Looks whether `watch` still runs, before traffic moves to the candidate; `None`: nobody looks.
        poll: Seconds between two looks at the access log.

    Attributes:
        journal: What is written about the promotion.
        rolling_back: Whether a rollback has begun and not ended.
    """

    job: Job
    deployment: Deployment
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    run_url: str
    person: str = ""
    counters: CounterLog | None = None
    hooks: HookRunner | None = None
    metrics: MetricReader | None = None
    schedule: Callable[[], Schedule] | None = None
    poll: float = POLL_SECONDS
    journal: Journal = field(init=False)
    rolling_back: bool = field(init=False, default=False)
    _observer: Observer = field(init=False)
    _servers: Servers = field(init=False)
    _status: str = field(init=False, default="")
    """Description of the last status of the deployment."""

    def run(self, *, resume: bool, rollback: str = "") -> PromotionRecord:
        """Walk the ladder to its end, or back for the reason `rollback`, and return the record.

        Raises:
            NeedsPerson: The target is not where a promotion can start.
            ServiceError: The target cannot be reached, or refuses a change.
            DataError: There is no access log, and traffic would move to the candidate.
            GhmlopsError: Something else is missing that a promotion needs, and the traffic does not return.
        """
        start = choose_start(self.job, self.deployment, self.now(), resume=resume, rollback=rollback)
        returns = isinstance(start.step, Stop)
        source = open_source(self.job, self.counters, self.note, returns=returns)
        self._observer = Observer(job=self.job, source=source, now=self.now, metrics=self.metrics)
        self._servers = Servers(job=self.job, now=self.now, note=self.note)
        self._observer.shares = start.shares
        self.journal = Journal(
            job=self.job,
            deployment=self.deployment,
            observer=self._observer,
            note=self.note,
            run_url=self.run_url,
            person=self.person,
            held_since=start.held_since,
            alerted=start.alerted,
        )
        self.journal.go_without(start.problems)
        if not returns:
            self._report_schedule()
        if self.metrics and not returns:
            self.metrics.check(tuple(arm for arm in ARMS if start.shares.share(arm)))
        if self.job.scalable and not returns:
            self._measure_demand()
        try:
            stop = start.step if isinstance(start.step, Stop) else self._climb(start.step)
        except ServiceError as error:
            if not self._observer.rungs and error.reason_code != "weight-not-accepted":
                raise
            stop = Stop(reaction="hold", reason_code=error.reason_code, reason=f"{error.message}.")
        return self._stop(stop)

    def _report_schedule(self) -> None:
        """Record that nothing watches the candidate once it is promoted, or that this is unknown."""
        schedule = self.schedule() if self.schedule else None
        if schedule and schedule.dead:
            self.journal.add_caveat(schedule.dead)
        if schedule and schedule.unknown:
            self.journal.add_not_measured(f"Whether `watch` still runs is unknown: {schedule.unknown}.")

    def mark_alerted(self, reason_code: str) -> None:
        """Write that people were alerted, so that the runs that continue do not repeat it."""
        self.journal.mark_alerted(reason_code)
        if self._status:
            self.deployment.describe(alerted_text(self._status, reason_code))

    def _climb(self, first: int) -> Stop | Complete:
        """Walk the ladder until it ends."""
        if stop := self._make_ready(first, self._wait):
            return stop
        if self.job.header_target and self._observer.shares.candidate == 0.0:
            if stop := self._walk_header_rung(self.job.header_target):
                return stop
            check_climb(self.job.target)
        position, left = self._enter(first), -1
        while True:
            decision = self._observer.look(position)
            match decision:
                case Wait():
                    if decision.position != position:
                        self.note(decision.reason)
                    position = self._remember(decision.position)
                    self.sleep(self.poll)
                case Advance() | Complete() if left < position.rung:
                    # Hooks and servers take time, in which the log may fall silent: the next look decides again.
                    if stop := self._between(position, decision.rung if isinstance(decision, Advance) else None):
                        return stop
                    left = position.rung
                case Advance():
                    position = self._enter(decision.rung)
                case Complete() | Stop():
                    return decision

    def _walk_header_rung(self, target: Target) -> Stop | None:
        """Let the candidate answer the requests with a header; return why the walk ends, or `None` if they are good."""
        apply_shares(target, Shares(candidate=1.0))
        moment = self.now()
        rung = HeaderRung(job=self.job, target=target, source=self._observer.source, since=moment)
        self._observer.rungs.append(rung.record)
        self.note(f"header rung: the candidate answers requests with a header since {moment:%H:%M:%S}")
        self.journal.write_progress("running")
        text = rung_text(0, len(self.job.policy.ladder), 0.0, moment.isoformat(timespec="seconds"))
        self.deployment.describe(text)
        while True:
            stop = rung.look(self.now().timestamp())
            self._observer.rungs[-1] = rung.record
            if stop or rung.record.passed:
                self.journal.write_progress("running")
                return stop
            self.sleep(self.poll)

    def _between(self, position: Position, following: int | None) -> Stop | None:
        """Do what lies between two rungs, while the candidate is judged on; return why the walk ends, or `None`."""

        def judge_on() -> Stop | None:
            decision = self._observer.look(position)
            self.sleep(self.poll)
            return decision if isinstance(decision, Stop) else None

        if self.hooks and (stop := self.hooks.run("after-rung", position.rung, judge_on)):
            return stop
        return None if following is None else self._make_ready(following, judge_on)

    def _make_ready(self, rung: int, meanwhile: Callable[[], Stop | None]) -> Stop | None:
        """Have the servers of a rung ready, and run its hooks; return why the walk ends, or `None`."""
        check_climb(self.job.target)
        if stop := self._servers.prepare(self._rung_shares(rung), self._observer.rate.rate(), meanwhile):
            return stop
        return self.hooks.run("before-rung", rung, meanwhile) if self.hooks else None

    def _rung_shares(self, rung: int) -> Shares:
        return rung_shares(self.job.policy.ladder[rung], with_twin=self.job.policy.compare == "twin")

    def _wait(self) -> None:
        """Wait before the first rung, and look at the demand."""
        self.sleep(self.poll)
        with contextlib.suppress(DataError):  # the next look at the candidate reports it
            self._observer.look_at_demand()

    def _measure_demand(self) -> None:
        """Observe until the demand is known, so that the servers of the first rung are enough for it."""
        for _ in range(_MAX_DEMAND_LOOKS):
            if self._observer.rate.rate() is not None:
                return
            self._wait()

    def _enter(self, rung: int) -> Position:
        ladder, before = self.job.policy.ladder, self._observer.shares
        after = apply_shares(self.job.target, self._rung_shares(rung))
        moment = self.now()
        self._observer.start_rung(ladder[rung], before, after, moment)
        self.note(f"rung {rung + 1}/{len(ladder)}: {after.candidate:.2%} of the traffic since {moment:%H:%M:%S}")
        self.journal.write_progress("running")
        self.deployment.describe(rung_text(rung + 1, len(ladder), ladder[rung], moment.isoformat(timespec="seconds")))
        return Position(rung=rung, since=moment.timestamp())

    def _remember(self, position: Position) -> Position:
        if position.passed is not None and self._observer.pass_rung():
            self.journal.held_since = self.journal.alerted = ""  # a rung that passed ends the hold
            self.journal.write_progress("running")
        return position

    def _stop(self, stop: Stop | Complete) -> PromotionRecord:
        if isinstance(stop, Complete):
            record = self.journal.write_end("complete", "promotion-complete", "The candidate serves all traffic.")
            with self.journal.duty("the deployment was not closed as a success"):
                self.deployment.finish(succeeded=True)
            self._servers.give_back(complete=True)
            return record
        if stop.reaction == "hold":
            return self._hold(stop.reason_code, stop.reason)
        return self._roll_back(stop)

    def _roll_back(self, stop: Stop) -> PromotionRecord:
        self.note(f"rollback: {stop.reason}")
        before, moment = self._observer.shares, self.now()
        # The next run finishes what this one does not: the intention is on disk before the first weight changes.
        self.journal.write_progress("rollback", stop.reason_code, stop.reason)
        self._status = rollback_text(before.candidate, moment.isoformat(timespec="seconds"), stop.reason_code)
        self.rolling_back = True
        way_back = WayBack(
            job=self.job,
            source=self._observer.source,
            rate=self._observer.rate,
            now=self.now,
            sleep=self.sleep,
            note=self.note,
            servers=self._servers,
        )
        # GitHub may be slow: its status is set meanwhile.
        alerted = self.journal.alerted
        with self.deployment.describing(alerted_text(self._status, alerted) if alerted else self._status):
            self._observer.shares = way_back.run(before)
        self.rolling_back = False
        if way_back.problem[0]:
            return self._hold(*way_back.problem)
        incident = way_back.confirm(before)
        if not way_back.is_observed:
            self.journal.add_not_measured(NOT_OBSERVED)
        self.deployment = self.journal.deployment = self.deployment.read_again()
        record = self.journal.write_end("rollback", stop.reason_code, stop.reason, incident)
        with self.journal.duty(QUARANTINE):
            self.deployment.finish(succeeded=False)
        self._servers.give_back(complete=False)
        return record

    def _hold(self, reason_code: str, reason: str) -> PromotionRecord:
        with contextlib.suppress(ServiceError):  # the router may be what does not answer
            self._observer.shares = total_shares(self.job.target.server_weights())
        self.journal.held_since = self.journal.held_since or self.now().isoformat(timespec="seconds")
        record = self.journal.write_end("hold", reason_code, reason)
        self._status = hold_text(self._observer.shares.candidate, self.journal.held_since, reason_code)
        is_known = self.journal.alerted == reason_code
        self.deployment.describe(alerted_text(self._status, reason_code) if is_known else self._status)
        return record
