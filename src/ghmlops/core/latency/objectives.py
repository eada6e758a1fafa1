"""Objectives on the candidate alone, judged by exact bounds of the share of requests that miss them.

"p99 <= 150 ms" says that at most 1 % of the requests may take longer. The requests over the limit are counted (a failed
request is over every limit), and the exact binomial bounds of their share (Clopper & Pearson, 1934) are compared with
the share that is allowed: `pass` if the upper bound is within it, `fail` if the lower bound exceeds it.

Streams: a request misses an objective on the first token if the token arrived later, or never. Gaps between the tokens
of one response are correlated, so responses are counted, not gaps: a response misses "token-gap p99 <= 50 ms" if the
p99 of the gaps within the response is longer (with fewer than 100 gaps that is about the longest one), and 1 % of the
responses may miss it. A response with one token has no gap and is not a trial. Neither is one whose tokens arrived all
at once, and if more than 1 % of the responses did, no gap is judged: a service or proxy that holds answers back does
not pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET

from ghmlops.core.histograms.exact_histogram import Distribution
from ghmlops.core.latency.constants import MAX_BUFFERED, MAX_SAMPLE_FLOOR, OBJECTIVE_LEVEL
from ghmlops.core.latency.wording import format_bound, format_share
from ghmlops.core.model import Direction, Finding, Frozen, Outcome, finite
from ghmlops.core.policy.objectives import OBJECTIVES
from ghmlops.core.quantities import format_duration
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.objectives import Objectives

    Floats = NDArray[np.float64]

DOCS = "actions/latency/README.md#objectives"
METHOD = "exact binomial (Clopper-Pearson) bounds of the share over the limit, 99 % each, at most two looks"
ERRORS = "errors"
"""Name of the objective on the share of failed requests; all others limit a time."""
STREAM_PREFIXES = ("first-token-", "first-output-token-", "token-gap-")
"""Beginning of the names of objectives on streamed responses."""


def sample_floor(allowed: float) -> int:
    """Return the minimum number of requests for an objective that allows the share `allowed` to pass.

    It is the smallest n for which the upper bound still holds with one request over the limit, that is P(X <= 1) <= 1 -
    level for X binomial(n, allowed): 64 for p90, 130 for p95, 662 for p99, 6,636 for p99.9. This is the early stopping
    rule of MLPerf Inference with one over-latency query.

    Returns:
        0 if nothing is allowed, which no sample can show.
    """
    if allowed <= 0:
        return 0
    low, high = 1, 2
    while upper_bound(1, high, OBJECTIVE_LEVEL) > allowed and high < MAX_SAMPLE_FLOOR:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(1, middle, OBJECTIVE_LEVEL) <= allowed else (middle, high)
    return high


class Share(Frozen, frozen=True, kw_only=True):
    """Number of requests that missed an objective. Shares of shards are added.

    Attributes:
        missed: Number of requests that missed it.
        n: Number of requests that could miss it.
        values: Values that were compared with the limit (ns), of the requests that have one; `None` for errors.
    """

    missed: int = 0
    n: int = 0
    values: Distribution | None = None

    def __add__(self, other: Share) -> Share:
        both = self.values is not None and other.values is not None
        values = self.values + other.values if both else self.values or other.values  # type: ignore[operator]
        return Share(missed=self.missed + other.missed, n=self.n + other.n, values=values)


def limits(slo: Objectives) -> dict[str, tuple[str, float]]:
    """Return the quantile and the limit in seconds of each objective on a time, by name."""
    return {
        **{name: (name, limit) for name, limit in slo.quantiles.items()},
        **{f"first-token-{name}": (name, limit) for name, limit in slo.first_token.items()},
        **{f"first-output-token-{name}": (name, limit) for name, limit in slo.first_output_token.items()},
        **{f"token-gap-{name}": (name, limit) for name, limit in slo.token_gap.items()},
    }


def allowed_shares(slo: Objectives) -> dict[str, float]:
    """Return the share of requests that may miss each objective, by name."""
    allowed = {name: 1.0 - OBJECTIVES[q] for name, (q, _) in limits(slo).items()}
    return allowed | ({ERRORS: slo.errors} if slo.errors is not None else {})


def misses(slo: Objectives, answers: Answers) -> dict[str, Share]:
    """Return how many of `answers` miss each objective, by name; a failed request misses all of them."""
    counts = {}
    for name, (_, limit) in limits(slo).items():
        values, trials = _values(name, answers)
        counts[name] = Share(missed=int((values[trials] > limit).sum()), n=int(trials.sum()))
    if slo.errors is not None:
        counts[ERRORS] = Share(missed=int((~answers.ok).sum()), n=len(answers))
    return counts


def shares(slo: Objectives, answers: Answers) -> dict[str, Share]:
    """Return `misses` together with the values that were compared with the limits."""
    counts = misses(slo, answers)
    for name in limits(slo):
        values, trials = _values(name, answers)
        finite_values = Distribution.of(values[trials & np.isfinite(values)])
        counts[name] = Share(missed=counts[name].missed, n=counts[name].n, values=finite_values)
    return counts


def _values(name: str, answers: Answers) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the value in seconds that the objective `name` limits, and whether each request is a trial, shape (n,).

    The value is infinite for requests that miss the objective in any case.
    """
    all_trials = np.ones(len(answers), np.bool_)
    if not name.startswith(STREAM_PREFIXES):
        return np.where(answers.ok, answers.response, np.inf), all_trials
    tokens = answers.tokens
    # Without a stream there is no value, and no trial that could pass.
    if tokens is None:
        return np.full(len(answers), np.inf), ~answers.ok
    failed = ~answers.ok | (tokens.count == 0)
    if name.startswith("first-output-token-"):
        output = tokens.first if tokens.first_output is None else tokens.first_output
        return np.where(failed, np.inf, output - answers.scheduled), failed | (output > 0)
    if name.startswith("first-token-"):
        return np.where(failed, np.inf, tokens.first - answers.scheduled), all_trials
    q = OBJECTIVES[name.rpartition("-")[2]]
    quantiles = _gap_quantiles(tokens.gap.astype(np.float64), tokens.gap_of, len(answers), q)
    measured = ~np.isnan(quantiles)
    buffered = int((answers.ok & tokens.buffered).sum())
    if buffered > MAX_BUFFERED * (buffered + int((answers.ok & measured).sum())):
        measured[:] = False
    return np.where(failed, np.inf, quantiles), failed | measured


def _gap_quantiles(gaps: Floats, gap_of: NDArray[np.uint32], n: int, q: float) -> Floats:
    """Return the `q`-quantile (nearest rank) of the gaps of each response, shape (n,); NaN without gaps.

    Args:
        gaps: Gaps in seconds, shape (gaps,).
        gap_of: Index of the response of each gap, shape (gaps,).
        n: Number of responses.
        q: Probability in (0, 1).
    """
    quantiles = np.full(n, np.nan)
    order = np.lexsort((gaps, gap_of))
    responses, starts, counts = np.unique(gap_of[order], return_index=True, return_counts=True)
    ranks = np.maximum(np.ceil(q * counts - 1e-9).astype(np.int64), 1)
    quantiles[responses] = gaps[order][starts + ranks - 1]
    return quantiles


def judge_share(count: int, n: int, allowed: float) -> Outcome:
    """Return the outcome of an objective that `count` of `n` requests missed and that the share `allowed` may miss.

    A pass requires `sample_floor(allowed)` requests. A violation that is proven is a failure for any n.
    """
    if lower_bound(count, n, OBJECTIVE_LEVEL) > allowed:
        return Outcome.FAIL
    floor = sample_floor(allowed)
    if floor and n >= floor and upper_bound(count, n, OBJECTIVE_LEVEL) <= allowed:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def objective_findings(
    slo: Objectives, counts: Mapping[str, Share], baseline: Mapping[str, Share] | None = None
) -> list[Finding]:
    """Return one finding per objective over all judged requests of the candidate.

    Args:
        slo: The objectives.
        counts: Requests of the candidate that missed each objective, by name.
        baseline: The same of the baseline, which is displayed and decides nothing but whose failure it is: one that the
            baseline shares is not caused by this change, so that no run confirms it.
    """
    return [_finding(name, slo, counts[name], (baseline or {}).get(name)) for name in allowed_shares(slo)]


def objective_text(name: str, slo: Objectives) -> str:
    """Return an objective in human-readable form: `p99 <= 150 ms`, `errors <= 0.5 %`."""
    if name == ERRORS:
        return f"errors <= {format_share(allowed_shares(slo)[name])}"
    q, limit = limits(slo)[name]
    kind = name.removesuffix(q).rstrip("-").replace("-", " ")
    return f"{kind} {q} <= {format_duration(limit)}".lstrip()


def _quantile(q: str, share: Share) -> float | None:
    """Return the quantile in ms over all requests, of which those without a value are the slowest.

    `None` if the quantile falls on a request without a value.
    """
    if not share.n or share.values is None or not share.values.n:
        return None
    position = OBJECTIVES[q] * share.n / share.values.n
    return finite(share.values.quantile(position) / 1e6) if position <= 1 else None


def _value(q: str, share: Share | None) -> float | None:
    """Return the value that an objective limits: the quantile in ms, or the share of failures if `q` is empty."""
    if share is None or not share.n:
        return None
    return _quantile(q, share) if q else share.missed / share.n


def _finding(name: str, slo: Objectives, share: Share, baseline: Share | None) -> Finding:
    allowed = allowed_shares(slo)[name]
    outcome = judge_share(share.missed, share.n, allowed)
    errors = name == ERRORS
    q, limit = ("", allowed) if errors else limits(slo)[name]
    shared = outcome is Outcome.FAIL and baseline is not None and baseline.missed > allowed * baseline.n
    counts = f"{share.missed:,} of {share.n:,} requests {miss_phrase(name, limit)}"
    return Finding(
        id=f"objective-{name.replace('.', '-')}",
        metric="error-ratio" if errors else name,
        description="The policy's objective on the candidate alone.",
        outcome=outcome,
        reason=f"{counts}{_bounds(share, outcome, allowed, objective_text(name, slo))}.{_baseline(baseline, shared)}",
        docs=DOCS,
        unit="ratio" if errors else "ms",
        direction=Direction.LOWER,
        baseline=_value(q, baseline),
        candidate=_value(q, share),
        method=METHOD,
        margin=limit if errors else limit * 1e3,
        n=share.n,
        confirmed=False if shared else UNSET,
    )


def _baseline(share: Share | None, shared: bool) -> str:
    """Return the sentence about a baseline that misses the objective too; empty if it does not."""
    if share is None or not shared:
        return ""
    return f" Not this change alone: the baseline misses it too ({share.missed:,} of {share.n:,} requests)."


def miss_phrase(name: str, limit: float) -> str:
    """Return the verb phrase of a request that missed the objective."""
    if name == ERRORS:
        return "failed"
    duration = format_duration(limit)
    if name.startswith("first-token-"):
        return f"failed, or received their first token later than {duration} or never"
    if name.startswith("first-output-token-"):
        return f"failed, or received their first token of output later than {duration}"
    if name.startswith("token-gap-"):
        return f"had longer gaps than {duration}, no token, or failed"
    return f"took longer than {duration} or failed"


def _bounds(share: Share, outcome: Outcome, allowed: float, objective: str) -> str:
    """Return the clauses with the bounds of the true share and the limit."""
    low = format_bound(lower_bound(share.missed, share.n, OBJECTIVE_LEVEL))
    high = format_bound(upper_bound(share.missed, share.n, OBJECTIVE_LEVEL))
    limit = f"the {format_share(allowed)} that `{objective}` allows"
    floor = sample_floor(allowed)
    if outcome is Outcome.FAIL:
        return f" (at least {low} with 99 % confidence), more than {limit}"
    if outcome is Outcome.PASS:
        return f" (at most {high} with 99 % confidence), within {limit}"
    if not floor:
        return f"; `{objective}` cannot be shown by any sample: allow a small share, for example 0.1 %"
    if share.n < floor:
        return f"; not enough data for `{objective}`: a pass requires at least {floor:,} requests"
    return f" (between {low} and {high}, 99 % confidence each), neither shown to exceed nor to be within {limit}"


def reachable_floors(slo: Objectives, planned: int) -> dict[str, int]:
    """Return the sample floor of each objective, by name, that a plan of `planned` requests can reach."""
    floors = {name: sample_floor(share) for name, share in allowed_shares(slo).items()}
    return {name: floor for name, floor in floors.items() if 0 < floor <= planned}
