"""Objectives on the candidate alone, judged by exact bounds of a share.

"p99 <= 150 ms" says that at most 1 % of the requests may take longer. Requests over the limit are counted (a request
that failed is over every limit), and the exact binomial (Clopper-Pearson, 1934) bounds of their share are compared
with what is allowed: `pass` when the upper bound is within it, `fail` when the lower bound is already beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.duet import quantile
from ghmlops.core.model import Direction, Finding, Outcome, finite
from ghmlops.core.policy import OBJECTIVES
from ghmlops.core.quantities import show_duration
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.answers import Answers
    from ghmlops.core.policy import Objectives

LEVEL = 0.99
"""Confidence of each bound at each look; there are at most two looks a run."""
DOCS = "actions/latency/README.md#objectives"
METHOD = "exact binomial (Clopper-Pearson) bounds of the share over the limit, 99 % each, at most two looks"
MOST = 10_000_000


def sample_floor(allowed: float) -> int:
    """Return the fewest requests that an objective allowing the share `allowed` needs before it may pass.

    It is the smallest n at which one request over the limit still lets the upper bound hold, that is
    P(X <= 1) <= 1 - LEVEL for X binomial(n, allowed): 64 for p90, 130 for p95, 662 for p99, 6,636 for p99.9. The rule
    is the early stopping of MLPerf Inference with one over-latency query.

    Returns:
        0 where nothing is allowed, which no sample can show.
    """
    if allowed <= 0:
        return 0
    low, high = 1, 2
    while upper_bound(1, high, LEVEL) > allowed and high < MOST:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(1, middle, LEVEL) <= allowed else (middle, high)
    return high


def allowed_shares(slo: Objectives) -> dict[str, float]:
    """Return each objective's name and the share of requests that may miss it."""
    shares = {name: 1.0 - OBJECTIVES[name] for name in slo.quantiles}
    return shares | ({"errors": slo.errors} if slo.errors is not None else {})


def misses(slo: Objectives, answers: Answers) -> dict[str, int]:
    """Return each objective's name and how many of `answers` miss it; a failed request misses all of them."""
    slow = np.where(answers.ok, answers.response, np.inf)
    counts = {name: int((slow > limit).sum()) for name, limit in slo.quantiles.items()}
    return counts | ({"errors": int((~answers.ok).sum())} if slo.errors is not None else {})


def judge_share(count: int, n: int, allowed: float) -> Outcome:
    """Judge one objective: `count` of `n` requests missed it, the share `allowed` may.

    A pass needs `sample_floor(allowed)` requests. A violation that is proven is a failure at any n.
    """
    if lower_bound(count, n, LEVEL) > allowed:
        return Outcome.FAIL
    floor = sample_floor(allowed)
    if floor and n >= floor and upper_bound(count, n, LEVEL) <= allowed:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def objective_findings(slo: Objectives, answers: Answers) -> list[Finding]:
    """Return one finding an objective over all of the candidate's judged requests."""
    counts, shares, n = misses(slo, answers), allowed_shares(slo), len(answers)
    times = np.sort(np.where(answers.ok, answers.response, np.inf))
    return [_finding(name, slo, counts[name], n, _seen(name, times, counts[name])) for name in shares]


def _seen(name: str, times: NDArray[np.float64], count: int) -> float | None:
    if name == "errors":
        return count / len(times) if len(times) else None
    return finite(quantile(times, OBJECTIVES[name]) * 1e3)


def _finding(name: str, slo: Objectives, count: int, n: int, seen: float | None) -> Finding:
    allowed = allowed_shares(slo)[name]
    outcome = judge_share(count, n, allowed)
    errors = name == "errors"
    limit = slo.errors if errors else slo.quantiles[name] * 1e3
    stated = f"errors <= {100 * allowed:.4g}%" if errors else f"{name} <= {show_duration(slo.quantiles[name])}"
    return Finding(
        id=f"objective-{name.replace('.', '-')}",
        metric="error-ratio" if errors else name,
        description="The policy's objective on the candidate alone.",
        outcome=outcome,
        reason=f"objective {stated}: {_reason(outcome, count, n, allowed, errors=errors)}.",
        docs=DOCS,
        unit="ratio" if errors else "ms",
        direction=Direction.LOWER,
        candidate=seen,
        method=METHOD,
        margin=limit,
        n=n,
    )


def _reason(outcome: Outcome, count: int, n: int, allowed: float, *, errors: bool) -> str:
    what = "failed" if errors else "took longer or failed"
    counted = f"{count:,} of {n:,} requests {what}"
    low, high = lower_bound(count, n, LEVEL), upper_bound(count, n, LEVEL)
    floor = sample_floor(allowed)
    if outcome is Outcome.FAIL:
        return f"{counted}; their true share is at least {low:.3%} (99 %), more than the {100 * allowed:.4g}% allowed"
    if outcome is Outcome.PASS:
        return f"{counted}; their true share is at most {high:.3%} (99 %), within the {100 * allowed:.4g}% allowed"
    if not floor:
        return f"{counted}; no sample can show a share of exactly 0: allow a small one, for example 0.1%"
    if n < floor:
        return f"{counted}; not enough data: a pass needs at least {floor:,} requests"
    between = f"their true share lies between {low:.3%} and {high:.3%} (99 % each)"
    return f"{counted}; {between}, {100 * allowed:.4g}% is allowed"


def reachable_floors(slo: Objectives, planned: int) -> dict[str, int]:
    """Return the sample floor of each objective that a plan of `planned` requests can reach at all."""
    floors = {name: sample_floor(share) for name, share in allowed_shares(slo).items()}
    return {name: floor for name, floor in floors.items() if 0 < floor <= planned}
