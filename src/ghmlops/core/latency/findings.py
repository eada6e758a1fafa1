"""Findings of a latency run: response time and failed requests of the candidate against the baseline, and all others.

If a guard (`guards`) finds that the measurement itself cannot be trusted, its finding is `error`, and every other
finding of the run that would pass or fail becomes `inconclusive`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    ERROR_LEVEL,
    ERROR_MARGIN,
    ERROR_P,
    FAIL_E,
    MIN_PAIRS_TO_FAIL,
    MIN_PAIRS_TO_PASS,
    PASS_E,
)
from ghmlops.core.latency.duet import Duet
from ghmlops.core.latency.guards import distrust, doubt_objectives, guard_findings
from ghmlops.core.latency.objectives import allowed_shares, objective_findings
from ghmlops.core.latency.saturated_runs.finding import saturation_finding, saturation_of, withdraw
from ghmlops.core.latency.wording import format_change, format_ms, format_share
from ghmlops.core.model import Direction, Finding, Interval, Outcome, finite
from ghmlops.core.policy.latency import QUANTILES
from ghmlops.core.stats import binomial
from ghmlops.core.text.p_value import format_p

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.latency.duet import Ratio
    from ghmlops.core.latency.tally import ArmTally, Tally
    from ghmlops.core.policy.latency import Latency, LatencyMargin

README = "actions/latency/README.md"


def judge_tally(tally: Tally, policy: Latency) -> list[Finding]:
    """Return every finding of a run, or of the sum of its shards: quantiles, error ratio, objectives, guards."""
    errors: Finding | None = None
    comparison: list[Finding] = []
    if tally.baseline is not None:
        errors = error_finding(tally, tally.baseline)
        comparison = [*quantile_findings(tally, tally.baseline, policy.margins), errors]
    objectives = objective_findings(policy.slo, tally.objectives, tally.baseline_objectives)
    objectives = doubt_objectives(objectives, tally, allowed_shares(policy.slo))
    judged = [*comparison, *objectives]
    if tally.baseline is not None:
        saturation = saturation_of(duet_of(tally, policy.margins), policy.arrivals)
        finding = saturation_finding(saturation, tally.requests)
        judged = [*([finding] if finding else []), *withdraw(judged, saturation)]
    return distrust([*judged, *guard_findings(tally, errors)])


def duet_of(tally: Tally, margins: Mapping[str, LatencyMargin]) -> Duet:
    """Return the paired verdict over the pairs of blocks of a tally, in their order."""
    duet = Duet(margins, patient=tally.full_schedule)
    for pair in tally.pairs:
        duet.feed(pair.log_ratios, pair.block)
    return duet


def quantile_findings(tally: Tally, baseline: ArmTally, margins: Mapping[str, LatencyMargin]) -> list[Finding]:
    """Return one finding per quantile: response time of the candidate against the baseline.

    Args:
        tally: The judged requests.
        baseline: The baseline arm of `tally`.
        margins: Margin and safe limit by quantile, as ratios.
    """
    duet = duet_of(tally, margins)
    return [_quantile_finding(name, duet, tally, baseline, margins[name]) for name in QUANTILES]


def _quantile_finding(name: str, duet: Duet, tally: Tally, baseline: ArmTally, margin: LatencyMargin) -> Finding:
    times = [_milliseconds(arm, QUANTILES[name]) for arm in (baseline, tally.candidate)]
    outcome, change = Outcome.INCONCLUSIVE, None
    if _is_too_short(tally):
        reason = _too_short(name, tally)
    elif not duet.pairs:
        reason = f"{name} cannot be compared: no pair of blocks has enough responses on both arms."
    else:
        ratio = duet.ratio(name)
        outcome = Outcome.FAIL if ratio.failed else Outcome.PASS if ratio.passed else Outcome.INCONCLUSIVE
        change = Interval(
            estimate=finite(ratio.estimate - 1),
            low=finite(ratio.low - 1) if ratio.low > 0 else None,
            high=finite(ratio.high - 1),
        )
        requests = (duet.decided_at or duet.pairs) * BLOCK_SIZE
        reason = f"{_movement(name, times, ratio)} {_limits(outcome, change, margin)}; {requests:,} requests per arm."
    return Finding(
        id=f"latency-{name}",
        metric=name,
        description="Response time of the candidate against the baseline's, on paired blocks.",
        outcome=outcome,
        reason=reason,
        docs=f"{README}#the-verdict",
        unit="ratio",
        direction=Direction.LOWER,
        baseline=times[0],
        candidate=times[1],
        change=change,
        method=f"duet: e-process on the log ratios of paired blocks of {BLOCK_SIZE} requests; "
        f"fails at E >= {FAIL_E:.0f} beyond the margin, passes at E >= {PASS_E:.0f} within "
        f"{margin.safe:.3g}; baseline and candidate in ms",
        margin=margin.fail,
        n=tally.requests,
    )


def _milliseconds(arm: ArmTally, q: float) -> float | None:
    return None if arm.compared is None else finite(arm.compared.quantile(q) / 1e6)


def _is_too_short(tally: Tally) -> bool:
    """Return whether the plan, with its possible extension, has fewer pairs of blocks than any decision needs."""
    return tally.planned_pairs * (1 if tally.full_schedule else 2) < MIN_PAIRS_TO_PASS


def _too_short(name: str, tally: Tally) -> str:
    to_pass, to_fail = MIN_PAIRS_TO_PASS * BLOCK_SIZE, MIN_PAIRS_TO_FAIL * BLOCK_SIZE
    shards = ""
    if tally.full_schedule and tally.max_requests >= to_pass:
        shards = f" in shards whose requests form only {tally.planned_pairs} blocks (use fewer shards)"
    available = f"the plan has at most {tally.max_requests:,} requests per arm{shards}"
    return f"{name} cannot be decided: {available}; a pass requires at least {to_pass:,} and a failure {to_fail:,}."


def _movement(name: str, times: list[float | None], ratio: Ratio) -> str:
    """Return the clause that states how a quantile moved, in milliseconds if both times are known."""
    before, after = times
    if before is None or after is None:
        return f"{name} changed"
    if format_ms(before) == format_ms(after):
        return f"{name} stayed at {format_ms(after)} ms"
    # The times are quantiles of all requests, the ratio is the median of the pairs: their directions can differ.
    consistent = (after > before) == (ratio.estimate > 1)
    verb = "changed" if not consistent else "rose" if after > before else "fell"
    return f"{name} {verb} from {format_ms(before)} to {format_ms(after)} ms"


def _limits(outcome: Outcome, change: Interval, margin: LatencyMargin) -> str:
    """Return the bounds of the change and the limit that decided: 99.7 % confidence below, 95 % above."""
    low, high, estimate = format_change(change.low), format_change(change.high), format_change(change.estimate)
    allowed, safe = format_share(margin.fail), format_share(margin.safe)
    if outcome is Outcome.FAIL:
        return f"({estimate}, at least {low}), more than the {allowed} allowed"
    if outcome is Outcome.PASS:
        return f"({estimate}, at most {high}), within the {safe} regarded as safe"
    return (
        f"({estimate}, between {low} and {high}), neither shown to exceed the {allowed} allowed nor to be within the "
        f"{safe} regarded as safe"
    )


def error_finding(tally: Tally, baseline: ArmTally) -> Finding:
    """Return the finding on failed requests: McNemar's exact test on the same payloads sent at the same time."""
    n, only_candidate, only_baseline = tally.requests, tally.only_candidate, tally.only_baseline
    p = binomial.mcnemar_exact_p(only_baseline, only_candidate)
    high = binomial.paired_excess_bound(only_baseline, only_candidate, n, ERROR_LEVEL)
    change = (only_candidate - only_baseline) / n if n else None
    counts = (
        f"{only_candidate:,} of {n:,} requests failed only on the candidate and {only_baseline:,} only on the baseline"
    )
    bound = f"at most {format_share(high)} more with 99 % confidence"
    if p < ERROR_P:
        outcome = Outcome.FAIL
        detail = f"more than chance explains ({format_p('exact McNemar p', p)}, limit {ERROR_P:.2g})"
    elif n and high <= ERROR_MARGIN:
        outcome, detail = Outcome.PASS, f"{bound}, within the {format_share(ERROR_MARGIN)} allowed"
    else:
        outcome = Outcome.INCONCLUSIVE
        detail = (
            f"{bound}, not within the {format_share(ERROR_MARGIN)} allowed; "
            f"{format_p('p', p)} does not show a regression"
        )
    return Finding(
        id="error-ratio",
        metric="error-ratio",
        description="Requests that fail on the candidate and not on the baseline.",
        outcome=outcome,
        reason=f"{counts}, {detail}.",
        docs=f"{README}#the-verdict",
        unit="ratio",
        direction=Direction.LOWER,
        baseline=finite(1 - baseline.ok / n) if n else None,
        candidate=finite(1 - tally.candidate.ok / n) if n else None,
        change=Interval(estimate=finite(change), high=finite(high)),
        method="exact one-sided McNemar on pairs of the same payload (p < 1/300 fails); exact upper bound of "
        "candidate - baseline (99 %)",
        margin=ERROR_MARGIN,
        n=n,
    )
