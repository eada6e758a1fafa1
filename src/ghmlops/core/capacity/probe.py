"""The vote of one probe: objectives by exact bounds, achieved rate, drift, and the limits of the generator.

A probe passes if every objective is shown to be met, at least 99 % of the offered requests were answered in time, and
the requests in flight did not grow. It fails if one of these is shown to be violated. Otherwise it is unsure.

Requests that queue behind each other are slow together, so n of them are worth fewer than n independent ones. The exact
(Clopper-Pearson) bounds use the effective number n / tau, with the autocorrelation time tau (`probe_statistics`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.capacity.constants import STOP_LEVEL
from ghmlops.core.capacity.probe_statistics import autocorrelation_time, count_late, is_drifting, mean_rate
from ghmlops.core.capacity.search_state import Cause, Probe, ProbeResult, Vote
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    LATE_SECONDS,
    MAX_LATE_BLOCKS,
    MAX_LATE_IN_BLOCK,
    MAX_LATE_SENDS,
    MIN_ACHIEVED,
    OBJECTIVE_LEVEL,
)
from ghmlops.core.latency.duet import quantile
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import allowed_shares, sample_floor, shares
from ghmlops.core.latency.wording import format_share
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ghmlops.core.latency.objectives import Share
    from ghmlops.core.policy.objectives import Objectives

    Floats = NDArray[np.float64]

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""Reported quantiles of the response time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRecording:
    """What the generator recorded of one probe, including warm-up.

    Attributes:
        answers: Results in schedule order.
        dispatched: Time at which the generator turned to each request, by the clock of the results, shape (n,).
        warmup: Number of leading requests that are not judged.
        timeout: Seconds from the scheduled send after which a request has failed.
        stopped: Whether the probe was stopped early because it had failed.
        took: Time that the probe used, in seconds.
        sent: Number of requests sent.
    """

    answers: Answers
    dispatched: Floats
    warmup: int
    timeout: float
    stopped: bool
    took: float
    sent: int

    @property
    def judged(self) -> Answers:
        """Results without the warm-up."""
        return self.answers.part(self.warmup, len(self.answers))


def probe_floor(slo: Objectives) -> int:
    """Return the number of requests that every objective requires to pass; 0 if one of them can never pass."""
    floors = [sample_floor(allowed) for allowed in allowed_shares(slo).values()]
    return max(floors) if floors and all(floors) else 0


def judge_probe(probe: Probe, recording: ProbeRecording, slo: Objectives) -> ProbeResult:
    """Return the numbers and the vote of a probe."""
    answers = recording.judged
    n = len(answers)
    ok = answers.ok
    times = np.where(ok, answers.response, np.inf)
    late = count_late(answers, slo, recording.timeout)
    steady = not recording.stopped and n > 1 and not is_drifting(recording.answers, recording.warmup)
    tau = autocorrelation_time(times) if n else 1.0
    ruling = _rule(recording, slo, tau=tau, late=late, steady=steady)
    achieved = 1.0 - late / n if n else 0.0
    offered = mean_rate(answers.scheduled) if n > 1 else math.nan
    response = float(answers.response[ok].mean()) if ok.any() else math.nan
    ascending = np.sort(times)
    return ProbeResult(
        probe=probe,
        vote=ruling.vote,
        cause=ruling.cause,
        reason=ruling.reason,
        too_few_samples=ruling.too_few_samples,
        n=n,
        missed=max((share.missed for share in shares(slo, answers).values()), default=0),
        quantiles={name: quantile(ascending, q) if n else math.nan for name, q in QUANTILES.items()},
        errors=float((~ok).mean()) if n else math.nan,
        achieved=achieved,
        in_flight=offered * achieved * response,
        throughput=offered * achieved,
        response=response,
        steady=steady and ruling.vote is not Vote.GENERATOR,
        effective=n / tau,
        took=recording.took,
        sent=recording.sent,
    )


class _Ruling(NamedTuple):
    vote: Vote
    cause: Cause
    reason: str
    too_few_samples: bool = False


def _rule(recording: ProbeRecording, slo: Objectives, *, tau: float, late: int, steady: bool) -> _Ruling:
    answers = recording.judged
    if reason := generator_limit(recording):
        return _Ruling(Vote.GENERATOR, "generator", reason)
    if not len(answers):
        return _Ruling(Vote.UNSURE, "", "not enough data: no request was judged", too_few_samples=True)
    rulings = list(_rule_objectives(answers, slo, tau))
    if not recording.stopped and not steady:
        rulings.append(_Ruling(Vote.FAIL, "service", "the number of requests in flight grew during the probe"))
    rulings.append(_rule_achieved(answers, late, tau))
    for vote in (Vote.FAIL, Vote.UNSURE):
        if decisive := [ruling for ruling in rulings if ruling.vote is vote]:
            reason = "; ".join(ruling.reason for ruling in decisive)
            return _Ruling(vote, decisive[0].cause, reason, any(ruling.too_few_samples for ruling in decisive))
    return _Ruling(Vote.PASS, "", f"every objective is shown to be met by {len(answers):,} requests")


def _rule_objectives(answers: Answers, slo: Objectives, tau: float) -> Iterator[_Ruling]:
    """Yield the ruling on each objective, by the exact bounds of its share at the effective number of requests."""
    for name, share in shares(slo, answers).items():
        allowed = allowed_shares(slo)[name]
        floor, limit = sample_floor(allowed), f"the {format_share(allowed)} allowed"
        counts = f"{share.missed:,} of {share.n:,} requests missed {name}"
        if lower_bound(share.missed / tau, share.n / tau, OBJECTIVE_LEVEL) > allowed:
            cause: Cause = "errors" if name == "errors" or _mostly_failed(answers, share.missed) else "service"
            yield _Ruling(Vote.FAIL, cause, f"{counts}, more than {limit}")
        elif share.n < floor:
            reason = f"not enough data for {name}: {share.n:,} requests, at least {floor:,} are required"
            yield _Ruling(Vote.UNSURE, "", reason, too_few_samples=True)
        elif upper_bound(share.missed / tau, share.n / tau, OBJECTIVE_LEVEL) > allowed:
            worth = f"(worth {share.n / tau:,.0f} independent ones)"
            yield _Ruling(Vote.UNSURE, "", f"{counts} {worth}, neither shown to exceed nor to be within {limit}")
        else:
            yield _Ruling(Vote.PASS, "", counts)


def _rule_achieved(answers: Answers, late: int, tau: float) -> _Ruling:
    """Return the ruling on the achieved rate: at least 99 % of the offered requests, or all except one."""
    n, allowed = len(answers), 1 - MIN_ACHIEVED
    counts = f"{late:,} of {n:,} requests had no complete response in time ({format_share(allowed)} allowed)"
    if lower_bound(late / tau, n / tau, OBJECTIVE_LEVEL) > allowed:
        return _Ruling(Vote.FAIL, "errors" if _mostly_failed(answers, late) else "service", counts)
    return _Ruling(Vote.UNSURE if late > max(1.0, allowed * n) else Vote.PASS, "", counts)


def _mostly_failed(answers: Answers, missed: int) -> bool:
    """Return whether more than half of the misses are failed requests rather than slow ones. A timeout is slow."""
    failed = len(answers) - answers.count([Kind.OK, Kind.TIMEOUT])
    return 2 * failed > missed


def has_failed(counts: Mapping[str, Share], responses: Floats, slo: Objectives) -> bool:
    """Return whether an objective is missed with so much confidence that the probe can be stopped.

    Args:
        counts: Misses so far by objective.
        responses: Response times in seconds in schedule order, infinite for failures, shape (n,).
        slo: The objectives.
    """
    allowed, tau = allowed_shares(slo), autocorrelation_time(responses)
    return any(
        lower_bound(share.missed / tau, share.n / tau, STOP_LEVEL) > allowed[name] for name, share in counts.items()
    )


def generator_limit(recording: ProbeRecording) -> str:
    """Return how the generator limited a probe, with numbers; empty if it did not."""
    lateness = np.maximum(recording.dispatched - recording.answers.scheduled, 0.0)[recording.warmup :]
    if not len(lateness):
        return ""
    if unsent := recording.answers.count([Kind.LOCAL, Kind.UNSENT]):
        return f"the generator was the limit: it could not send {unsent:,} requests"
    late = lateness > LATE_SECONDS
    is_late = [float(late[i : i + BLOCK_SIZE].mean()) > MAX_LATE_IN_BLOCK for i in range(0, len(late), BLOCK_SIZE)]
    # A single late block of several is a pause of the machine.
    blocks = sum(is_late) / len(is_late) if sum(is_late) > 1 or len(is_late) == 1 else 0.0
    share = float(late.mean())
    if share > MAX_LATE_SENDS or blocks > MAX_LATE_BLOCKS:
        counts = f"it sent {100 * share:.2f} % of the requests more than {LATE_SECONDS * 1e3:.0f} ms late"
        limits = f"{format_share(MAX_LATE_SENDS)} and {format_share(MAX_LATE_BLOCKS)} are allowed"
        return f"the generator was the limit: {counts}, in {100 * blocks:.0f} % of the blocks; {limits}"
    end = float(recording.answers.scheduled[-1]) + LATE_SECONDS
    achieved = float((recording.dispatched[recording.warmup :] <= end).mean())
    if achieved < MIN_ACHIEVED:
        counts = f"it sent only {100 * achieved:.2f} % of the requests in time"
        return f"the generator was the limit: {counts}, less than the {format_share(MIN_ACHIEVED)} required"
    return ""
