"""One probe's answers to its vote: objectives by exact bounds, achieved rate, drift, and the generator's own limits.

Pure. A probe passes when every objective is shown to hold, at least 99 % of the offered requests were answered in time
and in-flight did not drift. It fails when one of these is shown to be broken. In between it is unsure.

Requests that queue behind each other are slow together, so n of them are worth fewer than n independent ones. The exact
(Clopper-Pearson) bounds are taken at the effective count n / tau, with tau the integrated autocorrelation time of
"slower than the probe's own p80", summed over lags while pairs of neighbours stay above noise (Geyer, 1992, initial
positive sequence).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.capacity.search import Cause, Probe, Probed, Vote
from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.latency.duet import BLOCK, quantile
from ghmlops.core.latency.objectives import LEVEL, allowed_shares, limits, sample_floor, shares
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ghmlops.core.latency.objectives import Share
    from ghmlops.core.policy.objectives import Objectives

    Floats = NDArray[np.float64]

ACHIEVED = 0.99
"""Least share of the offered requests that is answered in time."""
SLICES = 12
TREND_Z = 3.09
"""One-sided p = 0.001 of the Mann-Kendall test."""
DRIFT = 0.01
"""Least share of the offered requests that must pile up for a trend to count: what `ACHIEVED` allows to be missing."""
LATE = 0.010
LATE_SHARE, LATE_BLOCKS, LATE_MOST = 0.01, 0.25, 0.05
"""As in `latency`: seconds at which a send is late, share of late sends at which a block is late, most late blocks and
most late sends of the probe."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
STOP_LEVEL = 0.9999
"""Confidence at which a probe is stopped early because it has failed; looked at after every block."""
_SLOW = 0.8
_NOISE = 2.5
"""Over sqrt(n): a pair of neighbouring lags of independent values stays below it in 96 % of the probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the generator recorded of one probe, warm-up included.

    Attributes:
        answers: in the order of the schedule.
        dispatched: when the generator turned to each, shape (n,), same clock.
        warmup: how many of the first requests warmed up.
        timeout: seconds from the schedule after which a request has failed.
        stopped: the probe was ended early because it had failed.
        took: seconds used.
        sent: requests sent.
    """

    answers: Answers
    dispatched: Floats
    warmup: int
    timeout: float
    stopped: bool
    took: float
    sent: int


def floor_of(slo: Objectives) -> int:
    """Return how many samples a probe needs before every objective may pass; 0 where one of them never can."""
    floors = [sample_floor(allowed) for allowed in allowed_shares(slo).values()]
    return max(floors) if floors and all(floors) else 0


def judge_probe(probe: Probe, seen: Seen, slo: Objectives) -> Probed:
    """Return a probe's numbers and its vote."""
    answers = seen.answers.part(seen.warmup, len(seen.answers))
    n = len(answers)
    ok = answers.ok
    times = np.sort(np.where(ok, answers.response, np.inf))
    late = late_answers(answers, slo, seen.timeout)
    steady = not seen.stopped and n > 1 and not drifts(seen.answers, seen.warmup)
    tau = autocorrelation(np.where(ok, answers.response, np.inf)) if n else 1.0
    ruling = _rule(seen, slo, tau=tau, late=late, steady=steady)
    achieved = 1.0 - late / n if n else 0.0
    offered = _rate(answers.scheduled) if n > 1 else math.nan
    response = float(answers.response[ok].mean()) if ok.any() else math.nan
    counted = shares(slo, answers)
    return Probed(
        probe=probe,
        vote=ruling.vote,
        cause=ruling.cause,
        reason=ruling.reason,
        n=n,
        missed=max((share.missed for share in counted.values()), default=0),
        quantiles={name: quantile(times, q) if n else math.nan for name, q in QUANTILES.items()},
        errors=float((~ok).mean()) if n else math.nan,
        achieved=achieved,
        in_flight=offered * achieved * response,
        throughput=offered * achieved,
        response=response,
        steady=steady and ruling.vote is not Vote.GENERATOR,
        effective=n / tau,
        took=seen.took,
        sent=seen.sent,
    )


class _Ruling(NamedTuple):
    vote: Vote
    cause: Cause
    reason: str


def _rule(seen: Seen, slo: Objectives, *, tau: float, late: int, steady: bool) -> _Ruling:
    answers = seen.answers.part(seen.warmup, len(seen.answers))
    if held := generator_held(seen):
        return _Ruling(Vote.GENERATOR, "generator", held)
    if not len(answers):
        return _Ruling(Vote.UNSURE, "", "not enough data: nothing was judged")
    rulings = list(_objectives(answers, slo, tau))
    if not seen.stopped and not steady:
        rulings.append(_Ruling(Vote.FAIL, "service", "requests pile up: in-flight grows from begin to end"))
    rulings.append(_in_time(answers, late, tau))
    for vote in (Vote.FAIL, Vote.UNSURE):
        if telling := [ruling for ruling in rulings if ruling.vote is vote]:
            return _Ruling(vote, telling[0].cause, "; ".join(ruling.reason for ruling in telling))
    return _Ruling(Vote.PASS, "", f"every objective is shown to hold over {len(answers):,} requests")


def _objectives(answers: Answers, slo: Objectives, tau: float) -> Iterator[_Ruling]:
    """Rule on each objective by the exact bounds of its share, at the effective number of requests."""
    for name, share in shares(slo, answers).items():
        allowed = allowed_shares(slo)[name]
        clause = f"{share.missed:,} of {share.n:,} requests miss {name}"
        if lower_bound(share.missed / tau, share.n / tau, LEVEL) > allowed:
            cause: Cause = "errors" if name == "errors" or _mostly_failed(answers, share.missed) else "service"
            yield _Ruling(Vote.FAIL, cause, f"{clause}, shown to be more than the {100 * allowed:.4g}% allowed")
        elif share.n < sample_floor(allowed):
            need = sample_floor(allowed)
            yield _Ruling(Vote.UNSURE, "", f"not enough data for {name}: {share.n:,} requests, {need:,} are needed")
        elif upper_bound(share.missed / tau, share.n / tau, LEVEL) > allowed:
            worth = f"worth {share.n / tau:,.0f} independent ones"
            yield _Ruling(Vote.UNSURE, "", f"{clause}, {worth}: neither within nor beyond {100 * allowed:.4g}%")
        else:
            yield _Ruling(Vote.PASS, "", clause)


def _in_time(answers: Answers, late: int, tau: float) -> _Ruling:
    """Rule on the achieved rate: at least 99 % of the offered, or all but one request."""
    n = len(answers)
    clause = f"{late:,} of {n:,} requests were not answered whole in time"
    if lower_bound(late / tau, n / tau, LEVEL) > 1 - ACHIEVED:
        return _Ruling(Vote.FAIL, "errors" if _mostly_failed(answers, late) else "service", clause)
    return _Ruling(Vote.UNSURE if late > max(1.0, (1 - ACHIEVED) * n) else Vote.PASS, "", clause)


def _mostly_failed(answers: Answers, missed: int) -> bool:
    """True where failed requests, and not slow ones, are most of what missed. A time-out is slow."""
    failed = len(answers) - answers.count([Kind.OK, Kind.TIMEOUT])
    return 2 * failed > missed


def failing(counted: Mapping[str, Share], responses: Floats, slo: Objectives) -> bool:
    """True where an objective is missed beyond all doubt: the probe need not go on.

    Args:
        counted: misses so far, by objective.
        responses: seconds in the order of the schedule, infinite for failures, shape (n,).
        slo: the objectives.
    """
    allowed, tau = allowed_shares(slo), autocorrelation(responses)
    return any(
        lower_bound(share.missed / tau, share.n / tau, STOP_LEVEL) > allowed[name] for name, share in counted.items()
    )


def late_answers(answers: Answers, slo: Objectives, timeout: float) -> int:
    """Return how many requests had no whole answer by the end of the schedule plus the longest time allowed to one."""
    if not len(answers):
        return 0
    allowance = max((limit for _, limit in limits(slo).values()), default=timeout)
    end = float(answers.scheduled[-1]) + allowance
    return int((~answers.ok | (answers.done > end)).sum())


def _rate(times: Floats) -> float:
    """Return requests a second of ascending times."""
    span = float(times[-1] - times[0])
    return (len(times) - 1) / span if span > 0 else math.nan


def in_flight(answers: Answers, edges: Floats) -> Floats:
    """Return the mean number of requests between their schedule and their end, in each slice between two `edges`."""

    def area(times: Floats) -> Floats:
        ordered = np.sort(times)
        summed = np.concatenate(([0.0], np.cumsum(ordered)))
        place = np.searchsorted(ordered, edges)
        return np.asarray(edges * place - summed[place], dtype=np.float64)

    zero = edges[0]
    edges = edges - zero
    inside = np.diff(area(answers.scheduled - zero) - area(answers.done - zero))
    return np.asarray(inside / np.diff(edges), dtype=np.float64)


def drifts(answers: Answers, warmup: int) -> bool:
    """True where requests pile up over the judged part.

    Two conditions, both of them: the Mann-Kendall test (Mann, 1945; no model of the course, any distribution) on the
    mean in-flight of 12 equal slices shows a rise at p < 0.001; and from the first to the last third more than 1 % of
    the requests offered between their middles piled up. The second keeps the wandering of a busy but stable queue,
    which is no independent noise either, from counting as a trend.
    """
    if len(answers) - warmup < 2 * SLICES:
        return False
    edges = np.linspace(float(answers.scheduled[warmup]), float(answers.scheduled[-1]), SLICES + 1)
    if not edges[-1] > edges[0]:
        return False
    means = in_flight(answers, edges)
    rising = np.sign(means[None, :] - means[:, None])
    score = float(np.triu(rising, 1).sum())
    spread = math.sqrt(SLICES * (SLICES - 1) * (2 * SLICES + 5) / 18.0)
    third = SLICES // 3
    grown = float(means[-third:].mean() - means[:third].mean())
    offered = (len(answers) - warmup) * (SLICES - third) / SLICES
    return (score - 1) / spread > TREND_Z and grown > DRIFT * offered


def autocorrelation(values: Floats) -> float:
    """Return the integrated autocorrelation time of "slower than the p80", in requests; 1 for independent ones.

    Args:
        values: response times in the order of the schedule, infinite for failures, shape (n,).
    """
    n = len(values)
    threshold = np.sort(values)[min(int(_SLOW * n), n - 1)]
    slow = (values >= threshold).astype(np.float64)
    centred = slow - slow.mean()
    power = float(centred @ centred)
    if power <= 0.0:
        return 1.0
    spectrum = np.fft.rfft(centred, 2 * n)
    rho = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[:n] / power
    pairs = rho[1 : 1 + 2 * ((n - 1) // 2)].reshape(-1, 2).sum(axis=1)
    below = np.flatnonzero(pairs < _NOISE / math.sqrt(n))
    stop = int(below[0]) if len(below) else len(pairs)
    return float(min(max(1.0 + 2.0 * pairs[:stop].sum(), 1.0), max(n / 10.0, 1.0)))


def generator_held(seen: Seen) -> str:
    """Say in numbers how the generator was the limit of a probe; empty where it was not."""
    late = np.maximum(seen.dispatched - seen.answers.scheduled, 0.0)[seen.warmup :]
    if not len(late):
        return ""
    kept_back = seen.answers.count([Kind.LOCAL, Kind.UNSENT])
    share = float((late > LATE).mean())
    bad = [float((late[at : at + BLOCK] > LATE).mean()) > LATE_SHARE for at in range(0, len(late), BLOCK)]
    blocks = sum(bad) / len(bad) if sum(bad) > 1 or len(bad) == 1 else 0.0
    end = float(seen.answers.scheduled[-1]) + LATE
    sent = float((seen.dispatched[seen.warmup :] <= end).mean())
    shown = f"the generator was the limit: {share:.2%} of the requests were more than {LATE * 1e3:.0f} ms late"
    if kept_back:
        return f"the generator was the limit: it could not send {kept_back:,} requests"
    if share > LATE_MOST or blocks > LATE_BLOCKS:
        return f"{shown}, {blocks:.0%} of the blocks"
    if sent < ACHIEVED:
        return f"the generator was the limit: only {sent:.2%} of the requests were sent in time"
    return ""
