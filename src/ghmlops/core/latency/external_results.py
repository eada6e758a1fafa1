"""Results that another load generator wrote, judged by the policy's objectives as far as the file tells. Pure.

Of each objective a file tells at least two bounds on how many requests missed it. Where every time or a histogram is
known they (nearly) meet. A percentile alone says less: when the q-quantile of n times is within the limit, at most
ceil((1 - q) n) of them are beyond it; when it is beyond the limit, at least floor((1 - q) n) are. Both hold for the
nearest-rank rule and for interpolation between neighbours; an estimator that is off by a share of the ranks widens
both. An objective passes only when the most misses there may be would pass, and fails only when the fewest would.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.objectives import LEVEL, allowed_shares, limits, sample_floor
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome, finite
from ghmlops.core.policy.latency import Expect
from ghmlops.core.policy.objectives import OBJECTIVES, Objectives
from ghmlops.core.quantities import format_duration
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policy.latency import Latency

DOCS = "actions/import/README.md#objectives"
METHOD = "exact binomial (Clopper-Pearson) bounds, 99 % each, of the fewest and the most misses that the file allows"
MOST_REQUESTS = 10**15
VALUES = ("mean", *OBJECTIVES, "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is known at one response time: how many of the timed requests took longer.

    Attributes:
        low, high: the time in ms; it lies between them where the tool rounds.
        fewest: at least so many took longer, if the time is beyond a limit, than the limit.
        most: at most so many took longer than the time.
    """

    low: float
    high: float
    fewest: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a file tells about one run.

    Attributes:
        tool: its name in `measure.foreign`'s table.
        timed: how many requests the times cover.
        timed_failures: True where failed requests are, or may be, among the timed ones.
        requests: how many requests the run made; `None` where the file does not say.
        failed: fewest and most failed requests, the most `None` where unknown.
        points: what percentiles and the maximum say.
        histogram: all times, where they are known.
        unit_ns: nanoseconds of the histogram's unit.
        values: of `VALUES`, in ms, as the tool reports them.
        not_measured: what the file cannot tell.
        unit: unit of the times in an HdrHistogram file; otherwise empty.
        intervals: number of intervals of an HdrHistogram log; otherwise `None`.
    """

    tool: str
    timed: int
    timed_failures: bool
    requests: int | None
    failed: tuple[int, int | None]
    points: tuple[Point, ...] = ()
    histogram: Histogram | None = None
    unit_ns: int = 1
    values: dict[str, float | None] = field(default_factory=dict)
    not_measured: tuple[NotMeasured, ...] = ()
    unit: str = ""
    intervals: int | None = None


def percentile(q: float, low: float, n: int, *, high: float | None = None, slack: float = 0.0) -> Point:
    """Return what the reported `q`-quantile of `n` times says.

    Args:
        q: 0..1; 1 is the maximum, of which no rank is in doubt.
        low: the time in ms; with `high` it lies between the two.
        n: how many times there are.
        high: upper end of what the tool may have rounded.
        slack: most share of the ranks by which the tool's estimator may be off.
    """
    top = low if high is None else high
    if q >= 1.0:
        return Point(low=low, high=top, fewest=min(1, n), most=0)
    beyond = round((1.0 - q) * n, 6)
    fewest = max(0, math.floor(beyond - slack * n))
    return Point(low=low, high=top, fewest=fewest, most=min(n, math.ceil(beyond + slack * n)))


def contradict(points: Sequence[Point]) -> bool:
    """Return whether no times at all can give these points: a longer time that is exceeded by more requests."""
    ascending = sorted(points, key=lambda p: p.low)
    lows = [p.low for p in ascending]
    beyond = [0]  # of the i longest, the largest `fewest`
    for point in reversed(ascending):
        beyond.append(max(beyond[-1], point.fewest))
    return any(beyond[len(lows) - bisect_right(lows, p.high)] > p.most for p in ascending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """How many requests missed an objective: between `low` and `high`, of between `fewest` and `most` requests."""

    low: int
    high: int
    fewest: int
    most: int


def slower(found: Imported, limit_ms: float) -> tuple[int, int]:
    """Return the fewest and the most of the timed requests that took longer than `limit_ms`."""
    if found.histogram is not None:
        limit = limit_ms * 1e6 / found.unit_ns
        return found.histogram.count_above(limit), found.histogram.count_possibly_above(limit)
    low = max((p.fewest for p in found.points if p.low > limit_ms), default=0)
    high = min((p.most for p in found.points if p.high <= limit_ms), default=found.timed)
    return low, max(low, high)


def time_misses(found: Imported, limit_ms: float) -> Misses:
    """Return the misses of "no longer than `limit_ms`"; a failed request misses it, whatever its time."""
    low, high = slower(found, limit_ms)
    fewest_failed, most_failed = found.failed
    if found.requests is None:  # whether failed requests are among the timed ones is not known
        fewest, most = found.timed, found.timed + (most_failed or 0)
    elif found.timed_failures:
        fewest = most = found.timed
        fewest_failed = max(0, fewest_failed - max(0, found.requests - found.timed))
    else:
        fewest = most = found.requests
    least = low + fewest_failed if found.requests is not None and not found.timed_failures else max(low, fewest_failed)
    worst = most if most_failed is None else min(most, high + most_failed)
    return Misses(low=min(least, most), high=max(worst, min(least, most)), fewest=fewest, most=most)


def error_misses(found: Imported) -> Misses:
    """Return how many requests failed."""
    low, high = found.failed
    n = found.timed if found.requests is None else found.requests
    most = max(n, low)
    return Misses(low=low, high=most if high is None else max(low, min(most, high)), fewest=n, most=most)


def judge(misses: Misses, allowed: float) -> Outcome:
    """Judge an objective that the share `allowed` of the requests may miss.

    A pass needs `sample_floor(allowed)` requests and an upper bound within `allowed` even with the most misses; a
    failure a lower bound beyond it with the fewest.
    """
    if misses.most <= 0:
        return Outcome.INCONCLUSIVE
    if lower_bound(misses.low, misses.most, LEVEL) > allowed:
        return Outcome.FAIL
    floor = sample_floor(allowed)
    enough = 0 < floor <= misses.fewest
    if enough and upper_bound(min(misses.high, misses.fewest), misses.fewest, LEVEL) <= allowed:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def findings(slo: Objectives, found: Imported) -> list[Finding]:
    """Return one finding an objective; one that the file says nothing about is inconclusive."""
    return [_finding(name, slo, found) for name in allowed_shares(slo)]


def _finding(name: str, slo: Objectives, found: Imported) -> Finding:
    allowed = allowed_shares(slo)[name]
    errors = name == "errors"
    quantile, limit = ("", allowed) if errors else limits(slo)[name]
    what = name.removesuffix(quantile).rstrip("-").replace("-", " ")
    stated = f"errors <= {100 * allowed:.4g}%" if errors else f"{what} {quantile} <= {format_duration(limit)}".lstrip()
    if what and not errors:  # a stream's times: no tool that is read tells them
        misses, outcome = None, Outcome.INCONCLUSIVE
        reason = f"{found.tool} does not tell this time"
    else:
        misses = error_misses(found) if errors else time_misses(found, limit * 1e3)
        outcome = judge(misses, allowed)
        reason = _reason(misses, outcome, allowed, errors=errors)
    return Finding(
        id=f"objective-{name.replace('.', '-')}",
        metric="error-ratio" if errors else name,
        description="The policy's objective on the candidate alone, from another tool's results.",
        outcome=outcome,
        reason=f"objective {stated}: {reason}.",
        docs=DOCS,
        unit="ratio" if errors else "ms",
        direction=Direction.LOWER,
        candidate=_share(found) if errors else finite(found.values.get(name)),
        method=METHOD,
        margin=limit if errors else limit * 1e3,
        n=None if misses is None else misses.fewest,
    )


def _share(found: Imported) -> float | None:
    low, high = found.failed
    return low / found.requests if found.requests and low == high else None


def _reason(misses: Misses, outcome: Outcome, allowed: float, *, errors: bool) -> str:
    low, high, n = misses.low, misses.high, misses.fewest
    counted = f"{low:,}" if low == high else f"between {low:,} and {high:,}"
    seen = f"{counted} of {n:,} requests {'failed' if errors else 'took longer or failed'}"
    share = f"the {100 * allowed:.4g}% allowed"
    if outcome is Outcome.FAIL:
        bound = lower_bound(low, misses.most, LEVEL)
        return f"{seen}; their true share is at least {bound:.3%} (99 %), more than {share}"
    if outcome is Outcome.PASS:
        bound = upper_bound(high, n, LEVEL)
        return f"{seen}; their true share is at most {bound:.3%} (99 %), within {share}"
    floor = sample_floor(allowed)
    if not floor:
        return f"{seen}; no sample can show a share of exactly 0: allow a small one, for example 0.1%"
    if n < floor:
        return f"{seen}; not enough data: a pass needs at least {floor:,} requests"
    below = lower_bound(low, misses.most, LEVEL) if misses.most else 0.0
    above = upper_bound(min(high, n), n, LEVEL)
    return f"{seen}, as far as the file tells; their true share lies between {below:.3%} and {above:.3%} (99 % each)"


def measurement(found: Imported) -> Measurement:
    """Return the response times; what the file does not tell is `None`."""
    values = {name: _rounded(found.values.get(name)) for name in VALUES}
    return Measurement(id="response-time", arm="candidate", unit="ms", n=found.timed, values=values)


def _rounded(value: float | None) -> float | None:
    known = finite(value)
    return None if known is None else round(known, 4)


def histogram_values(histogram: Histogram, unit_ns: int) -> dict[str, float | None]:
    """Return `VALUES` of a histogram in ms; p99.9 only from enough values."""
    ms = unit_ns / 1e6
    enough = histogram.total >= sample_floor(1 - OBJECTIVES["p99.9"])
    found: dict[str, float | None] = {"mean": finite(histogram.mean * ms), "max": finite(histogram.maximum * ms)}
    for name, q in OBJECTIVES.items():
        found[name] = finite(histogram.quantile(q) * ms) if name != "p99.9" or enough else None
    return found


def unmeasured(policy: Latency, found: Imported) -> list[NotMeasured]:
    """Return what a reader could believe was checked, and was not."""
    slo, rows = policy.slo, [*found.not_measured, *_not_sent_by_us(policy)]
    rows += [
        NotMeasured(what=f"{name} of the response time", why="it is not in the file")
        for name in VALUES
        if finite(found.values.get(name)) is None
    ]
    streams = [name for name in limits(slo) if name not in slo.quantiles]
    rows += [NotMeasured(what=name, why=f"{found.tool} does not tell it") for name in streams]
    if found.failed[1] is None:
        rows.append(NotMeasured(what="failed requests", why="the file does not count them: nothing can pass without"))
    rows.append(NotMeasured(what="the commit under test", why="the file does not say which build it was measured on"))
    rows.append(NotMeasured(what="latency against a baseline", why="the file holds one run"))
    return rows


def _not_sent_by_us(policy: Latency) -> list[NotMeasured]:
    """Return what of the policy says how `latency` sends and checks: another tool knew nothing of it."""
    rows = [NotMeasured(what="the policy's demand", why="the file is judged on the load that the other tool sent")]
    expected = {endpoint.expect for endpoint in policy.endpoints}
    if any(msgspec.structs.replace(expect, status=()) != Expect() for expect in expected):
        why = "no answer's body is in the file; only what the other tool checked itself can have failed"
        rows.append(NotMeasured(what="the policy's checks of the answers' bodies", why=why))
    if len({expect.status for expect in expected}) > 1:
        why = "the endpoints differ in them, and the file does not tell the endpoints apart: any 2xx counts as good"
        rows.append(NotMeasured(what="the policy's good statuses", why=why))
    return rows
