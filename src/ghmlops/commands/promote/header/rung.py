"""The rung before the ladder: the candidate answers the requests with a header, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.targets import read_shares
from ghmlops.core.errors import DataError
from ghmlops.core.promotion.record import RungRecord
from ghmlops.core.promotion.rung import RungJudge, State
from ghmlops.core.promotion.walk import Stop
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, CANDIDATE, POOL, Shares

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.act.targets import Target
    from ghmlops.commands.promote.job import Job
    from ghmlops.measure.telemetry import TrafficSource


@dataclass(slots=True, kw_only=True)
class HeaderRung:
    """The judgement of the requests with a header.

    Only failed requests are judged: who sends the header is no sample of all users, so that response times of the
    arms are not comparable.

    Args:
        job: Everything that the promotion needs.
        target: The route of the requests.
        source: Where the requests are read.
        since: Time from which the candidate answers them.

    Attributes:
        record: Its record so far.
    """

    job: Job
    target: Target
    source: TrafficSource
    since: datetime
    record: RungRecord = field(init=False)
    _judge: RungJudge = field(init=False)

    def __post_init__(self) -> None:
        self._judge = RungJudge(self.job.policy.judge.errors, None)
        self.record = RungRecord(
            share=0.0,
            shares=BASELINE_ONLY,
            since=self.since.isoformat(),
            requests=dict.fromkeys(ARMS, 0),
            errors=dict.fromkeys(ARMS, 0),
            by_header=True,
        )

    def look(self, now: float) -> Stop | None:
        """Read and judge what is new; return why the promotion stops, or `None`. The record says if the rung passed.

        Args:
            now: Seconds since the epoch.
        """
        policy, began = self.job.policy, self.since.timestamp()
        try:
            traffic = self.source.read()
        except DataError as error:
            return Stop(reaction=policy.on.inconclusive, reason_code=error.reason_code, reason=error.message)
        if read_shares(self.target).candidate < 1.0:
            return Stop(
                reaction="hold",
                reason_code="weights-changed",
                reason="The route of the requests with a header does not lead to the candidate any more.",
            )
        if traffic is not None:
            traffic = traffic.since(began)
            # The candidate has no weight: whatever it answers, a header routed.
            traffic = replace(traffic, candidate=replace(traffic.candidate, first=None))
            self._judge.feed(traffic, counts=True)
            arms = {arm: traffic.arm(arm) for arm in ARMS}
            self.record = msgspec.structs.replace(
                self.record,
                requests={arm: self.record.requests[arm] + rows.requests for arm, rows in arms.items()},
                errors={arm: self.record.errors[arm] + rows.errors for arm, rows in arms.items()},
            )
        return self._decide(now - began)

    def _decide(self, elapsed: float) -> Stop | None:
        policy, counts = self.job.policy, self.record.requests
        total = counts[CANDIDATE] + counts[POOL]
        part = counts[CANDIDATE] / total if total else 0.0
        shares = Shares(candidate=part, pool=1.0 - part)
        ruling = self._judge.ruling(shares, min_requests=policy.header.min_requests)
        match ruling.state:
            case State.PASS:
                self.record = msgspec.structs.replace(self.record, passed=True)
                return None
            case State.FAIL:
                return Stop(reaction=policy.on.fail, reason_code=ruling.reason_code, reason=ruling.reason)
            case State.HOLD:
                return Stop(reaction="hold", reason_code=ruling.reason_code, reason=ruling.reason)
        if elapsed <= policy.header.max_duration:
            return None
        low = ruling.reason_code == "low-traffic"
        return Stop(
            reaction=policy.on.low_traffic if low else policy.on.inconclusive,
            reason_code=ruling.reason_code,
            reason=f"{ruling.reason} The header rung ends after {elapsed:.0f} s.",
        )
