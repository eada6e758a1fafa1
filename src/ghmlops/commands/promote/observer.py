"""Observes the rungs of a promotion: reads what is new, judges it, and keeps the record of each rung."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.targets import read_shares
from ghmlops.core.errors import DataError, ServiceError
from ghmlops.core.promotion.metrics.judge import MetricJudge, reference_arm
from ghmlops.core.promotion.observation import Traffic
from ghmlops.core.promotion.record import RungRecord
from ghmlops.core.promotion.rollback import RecentRate
from ghmlops.core.promotion.rung import RungJudge, State
from ghmlops.core.promotion.split import Split, compare_split
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait, next_decision
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, Shares
from ghmlops.measure.telemetry import AccessLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.promote.metrics import MetricReader
    from ghmlops.core.promotion.traffic.sessions import Sessions
    from ghmlops.measure.telemetry import TrafficSource


@dataclass(slots=True, kw_only=True)
class Observer:
    """What is known about a promotion on its way.

    Args:
        job: Everything that it needs.
        source: Where the requests are read.
        now: The current time (UTC).
        metrics: Metrics of the service; `None` without.

    Attributes:
        rate: The demand so far.
        rungs: Record of each rung so far.
        shares: Shares that the target has, as this promotion set them.
        sticky: Whether sessions stay at an arm, so that the weights route only new ones.
    """

    job: Job
    source: TrafficSource
    now: Callable[[], datetime]
    metrics: MetricReader | None = None
    rate: RecentRate = field(init=False)
    rungs: list[RungRecord] = field(init=False, default_factory=list)
    shares: Shares = field(init=False, default=BASELINE_ONLY)
    sticky: bool = field(init=False, default=False)
    _sessions: Sessions | None = field(init=False)
    _before: Shares = field(init=False, default=BASELINE_ONLY)
    _judge: RungJudge = field(init=False)
    _counts: Counter[str] = field(init=False, default_factory=Counter)
    _last_request: float | None = field(init=False, default=None)
    """Time at which a request of the candidate was last read; seconds since the epoch."""
    _metrics_of: int | None = field(init=False, default=None)
    """Index of the rung whose metrics are read."""

    def __post_init__(self) -> None:
        policy = self.job.policy
        judged = MetricJudge(policy.judge.metrics, reference_arm(with_twin=policy.compare == "twin"))
        self._judge = RungJudge(policy.judge.errors, self.job.margins, judged)
        self.rate = RecentRate(self.now().timestamp())
        self._sessions = self.source.sessions if isinstance(self.source, AccessLog) else None

    def look_at_demand(self) -> None:
        """Read the requests before the first rung.

        Raises:
            DataError: The source has disappeared.
        """
        self._read()

    def start_rung(self, share: float, before: Shares, after: Shares, moment: datetime) -> None:
        """Begin the record of a rung whose weights were just set.

        Args:
            share: Share of the candidate that the ladder asks for.
            before: Shares before the change.
            after: Shares as the router represents them.
            moment: Time of the change.
        """
        self._before, self.shares = before, after
        self._judge.start_rung()
        self._metrics_of = None
        self._counts.clear()
        if self._sessions:
            self._sessions.start_rung()
        self.rungs.append(
            RungRecord(
                share=share,
                shares=after,
                since=moment.isoformat(),
                requests=dict.fromkeys(ARMS, 0),
                errors=dict.fromkeys(ARMS, 0),
            )
        )

    def look(self, position: Position) -> Wait | Advance | Complete | Stop:
        """Read what is new, judge it, and decide."""
        try:
            # Requests that arrived before the change of weights went by the old ones.
            traffic = self._read().since(position.since)
        except DataError as error:
            return Stop(reaction=self.job.policy.on.inconclusive, reason_code=error.reason_code, reason=error.message)
        if not self._has_own_weights():
            return Stop(
                reaction="hold",
                reason_code="weights-changed",
                reason="The weights of the target are not those of this promotion: a person or a restart changed them.",
            )
        self._judge.feed(traffic, counts=position.effective is not None)
        self._read_metrics(position)
        self._add(traffic)
        # Once the weights are in effect, no decision depends on the split.
        pending = position.effective is None
        split = compare_split(self._counts, before=self._before, after=self.shares) if pending else Split.IN_EFFECT
        ruling = self._judge.ruling(self.shares, min_requests=self.job.policy.rung.min_requests)
        moment = self.now().timestamp()
        if traffic.arm("candidate").requests:
            self._last_request = moment
        silent = math.inf if self._last_request is None else moment - self._last_request
        decision = next_decision(self.job.policy, position, split, ruling, moment, silent=silent)
        if ruling.state is State.FAIL:  # perhaps after it had passed, while it was judged on
            self.rungs[-1] = msgspec.structs.replace(self.rungs[-1], passed=False)
        if split is Split.NOT_IN_EFFECT:
            self._counts.clear()  # requests before the router followed must not count against it for ever
        return decision

    def pass_rung(self) -> bool:
        """Note that the rung passed; return whether this is new."""
        if self.rungs[-1].passed:
            return False
        self.rungs[-1] = msgspec.structs.replace(self.rungs[-1], passed=True)
        return True

    def caveats(self) -> tuple[str, ...]:
        """Return what limits the verdict: one sentence each."""
        sessions = self._sessions
        if sessions is None or not sessions.unnamed:
            return ()
        return (
            f"Sessions are sticky: a cookie routed {sessions.unnamed:,} requests whose session the log does not name. "
            "Failed requests of one session were counted as independent; name it in `observe.session`.",
        )

    def _read(self) -> Traffic:
        """Return what is new. Counters are read once per interval, and then cover all of it."""
        traffic = self.source.read()
        if traffic is None:
            return Traffic()
        self.rate.add(self.now().timestamp(), sum(traffic.counts().values()))
        return traffic

    def _read_metrics(self, position: Position) -> None:
        if self.metrics is None or position.effective is None:
            return
        moment, judge = self.now().timestamp(), self._judge.metrics
        if self._metrics_of != position.rung:
            self._metrics_of = position.rung
            self.metrics.start_rung(position.effective)
        self.metrics.feed(judge, moment, comparable=self.shares.share(judge.reference) > 0)

    def _has_own_weights(self) -> bool:
        try:
            return read_shares(self.job.target) == self.shares
        except ServiceError as error:
            if error.reason_code in ("weights-differ", "no-weights"):
                return False
            raise

    def _add(self, traffic: Traffic) -> None:
        rung, routed, sessions = self.rungs[-1], traffic.routed(), self._sessions
        self._counts.update(routed)
        has_sessions = sessions is not None and sessions.named + sessions.pinned > 0
        if sessions and not self.sticky:
            self.sticky = sessions.pinned > 0 or sessions.are_sticky(self.shares)
        self.rungs[-1] = msgspec.structs.replace(
            rung,
            requests={arm: rung.requests[arm] + traffic.arm(arm).requests for arm in ARMS},
            errors={arm: rung.errors[arm] + traffic.arm(arm).errors for arm in ARMS},
            routed={arm: rung.routed.get(arm, 0) + routed[arm] for arm in ARMS} if has_sessions else {},
            metrics=self._judge.metrics.records(),
        )
