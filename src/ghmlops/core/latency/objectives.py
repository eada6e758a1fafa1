"""Objectives on the candidate alone, judged by exact bounds of a share of the requests.

"p99 <= 150 ms" says that at most 1 % of the requests may take longer. Requests over the limit are counted (a request
that failed is over every limit), and the exact binomial (Clopper-Pearson, 1934) bounds of their share are compared
with what is allowed: `pass` when the upper bound is within it, `fail` when the lower bound is already beyond it.

Streams: a request misses an objective on the first token where that came later, or never. Gaps between the tokens of
one answer hang together, so answers are counted, not gaps: an answer misses "token-gap p99 <= 50 ms" where the p99 of
its own gaps is longer (with fewer than 100 gaps that is about the longest), and 1 % of the answers may. An answer of
one token has no gap: it is no trial, so that a service that sends all at once passes nothing by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.histograms.exact_histogram import Spread
from ghmlops.core.model import Direction, Finding, Frozen, Outcome, finite
from ghmlops.core.policy.objectives import OBJECTIVES
from ghmlops.core.quantities import show_duration
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.objectives import Objectives

    Floats = NDArray[np.float64]

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


class Share(Frozen, frozen=True, kw_only=True):
    """How many requests missed an objective; shares of shards are added.

    Attributes:
        missed: requests that missed it.
        n: requests that could.
        values: what was compared with the limit, over the requests that have such a value; `None` for errors.
    """

    missed: int = 0
    n: int = 0
    values: Spread | None = None

    def __add__(self, other: Share) -> Share:
        both = self.values is not None and other.values is not None
        values = self.values + other.values if both else self.values or other.values  # type: ignore[operator]
        return Share(missed=self.missed + other.missed, n=self.n + other.n, values=values)


def limits(slo: Objectives) -> dict[str, tuple[str, float]]:
    """Return each objective on a time by its name, as (quantile, seconds)."""
    return {
        **{name: (name, limit) for name, limit in slo.quantiles.items()},
        **{f"first-token-{name}": (name, limit) for name, limit in slo.first_token.items()},
        **{f"token-gap-{name}": (name, limit) for name, limit in slo.token_gap.items()},
    }


def allowed_shares(slo: Objectives) -> dict[str, float]:
    """Return each objective's name and the share of requests that may miss it."""
    allowed = {name: 1.0 - OBJECTIVES[q] for name, (q, _) in limits(slo).items()}
    return allowed | ({"errors": slo.errors} if slo.errors is not None else {})


def misses(slo: Objectives, answers: Answers) -> dict[str, Share]:
    """Return each objective's name and how many of `answers` miss it; a failed request misses all of them."""
    found = {}
    for name, (_, limit) in limits(slo).items():
        values, trials = _values(name, answers)
        found[name] = Share(missed=int((values[trials] > limit).sum()), n=int(trials.sum()))
    if slo.errors is not None:
        found["errors"] = Share(missed=int((~answers.ok).sum()), n=len(answers))
    return found


def shares(slo: Objectives, answers: Answers) -> dict[str, Share]:
    """Return `misses` together with the values that were compared with the limits."""
    found = misses(slo, answers)
    for name in limits(slo):
        values, trials = _values(name, answers)
        known = Spread.of(values[trials & np.isfinite(values)])
        found[name] = Share(missed=found[name].missed, n=found[name].n, values=known)
    return found


def _values(name: str, answers: Answers) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what `name` limits for each request, infinite where it is missed anyway, and which requests count."""
    everyone = np.ones(len(answers), np.bool_)
    if not name.startswith(("first-token-", "token-gap-")):
        return np.where(answers.ok, answers.response, np.inf), everyone
    tokens = answers.tokens
    if tokens is None:  # nothing streamed was seen: no value, and no trial that could pass
        return np.full(len(answers), np.inf), ~answers.ok
    bad = ~answers.ok | (tokens.count == 0)
    if name.startswith("first-token-"):
        return np.where(bad, np.inf, tokens.first - answers.scheduled), everyone
    own = _own_quantiles(
        tokens.gap.astype(np.float64), tokens.gap_of, len(answers), OBJECTIVES[name.rpartition("-")[2]]
    )
    return np.where(bad, np.inf, own), bad | ~np.isnan(own)


def _own_quantiles(gaps: Floats, gap_of: NDArray[np.uint32], n: int, q: float) -> Floats:
    """Return for each of `n` answers the `q`-quantile of its own gaps (the nearest rank); NaN where it has none."""
    own = np.full(n, np.nan)
    order = np.lexsort((gaps, gap_of))
    answers, starts, counts = np.unique(gap_of[order], return_index=True, return_counts=True)
    ranks = np.maximum(np.ceil(q * counts - 1e-9).astype(np.int64), 1)
    own[answers] = gaps[order][starts + ranks - 1]
    return own


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


def objective_findings(slo: Objectives, counted: Mapping[str, Share]) -> list[Finding]:
    """Return one finding an objective over all of the candidate's judged requests."""
    return [_finding(name, slo, counted[name]) for name in allowed_shares(slo)]


def _seen(q: str, share: Share) -> float | None:
    """Return the quantile in ms over all requests, those without a value above it; `None` where it is one of them."""
    if not share.n or share.values is None or not share.values.n:
        return None
    place = OBJECTIVES[q] * share.n / share.values.n
    return finite(share.values.quantile(place) / 1e6) if place <= 1 else None


def _finding(name: str, slo: Objectives, share: Share) -> Finding:
    allowed = allowed_shares(slo)[name]
    outcome = judge_share(share.missed, share.n, allowed)
    errors = name == "errors"
    q, limit = ("", allowed) if errors else limits(slo)[name]
    what = name.removesuffix(q).rstrip("-").replace("-", " ")
    stated = f"errors <= {100 * allowed:.4g}%" if errors else f"{what} {q} <= {show_duration(limit)}".lstrip()
    rate = share.missed / share.n if share.n else None
    return Finding(
        id=f"objective-{name.replace('.', '-')}",
        metric="error-ratio" if errors else name,
        description="The policy's objective on the candidate alone.",
        outcome=outcome,
        reason=f"objective {stated}: {_reason(name, share, outcome, allowed)}.",
        docs=DOCS,
        unit="ratio" if errors else "ms",
        direction=Direction.LOWER,
        candidate=rate if errors else _seen(q, share),
        method=METHOD,
        margin=limit if errors else limit * 1e3,
        n=share.n,
    )


_MISSED = {
    "errors": "failed",
    "first-token": "failed, or had their first token later or none",
    "token-gap": "failed, had no token, or longer gaps",
}


def _reason(name: str, share: Share, outcome: Outcome, allowed: float) -> str:
    count, n = share.missed, share.n
    missed = _MISSED.get(name.rpartition("-")[0] or name, "took longer or failed")
    counted = f"{count:,} of {n:,} requests {missed}"
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
