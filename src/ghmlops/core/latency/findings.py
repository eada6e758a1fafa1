"""What a latency run found: quantiles against the baseline, the error ratio, the guards. Pure.

A guard that trips says that the measurement itself cannot be trusted: its finding is `error`, and every other finding
of the run that would pass or fail becomes `inconclusive`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.latency.answers import Kind
from ghmlops.core.latency.duet import BLOCK, FAIL_AT, FEWEST_TO_FAIL, FEWEST_TO_PASS, PASS_AT, Duet
from ghmlops.core.latency.objectives import objective_findings
from ghmlops.core.latency.tally import LATE, Tally, tally_of
from ghmlops.core.model import Direction, Finding, Interval, Outcome, finite
from ghmlops.core.policy.latency import QUANTILES
from ghmlops.core.stats import binomial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.latency.stopping import Judge, Plan
    from ghmlops.core.latency.tally import ArmTally, Run
    from ghmlops.core.policy.latency import Latency, LatencyMargin

README = "actions/latency/README.md"
LATE_BLOCKS = 0.25
"""Most late blocks. A pause of the machine makes one or two blocks late, on both arms alike, and is no fault; a
generator that cannot keep up makes many of them so."""
LATE_MOST = 0.05
"""Most late sends of the whole run."""
LATE_MEDIAN = 0.25
"""Most that the generator's median lateness may be of the faster arm's median response time; it would hide a difference
between the arms."""
LATE_MEDIAN_FLOOR = 0.001
"""Seconds of median lateness that are always fine: both arms carry it, and every event loop has as much."""
ACHIEVED = 0.99
SPLIT_P = 1e-4
ERROR_P = 1.0 / FAIL_AT
ERROR_MARGIN = 0.01
ERROR_LEVEL = 0.99


def judge_run(judge: Judge, run: Run, policy: Latency, plan: Plan) -> list[Finding]:
    """Return every finding of a run that has ended."""
    return judge_tally(tally_of(judge, run, policy, plan), policy)


def judge_tally(tally: Tally, policy: Latency) -> list[Finding]:
    """Return every finding of a run, or of the sum of its shards: quantiles, error ratio, objectives, guards."""
    errors: Finding | None = None
    compared: list[Finding] = []
    if tally.baseline is not None:
        errors = error_finding(tally, tally.baseline)
        compared = [*quantile_findings(tally, tally.baseline, policy.margins), errors]
    objectives = objective_findings(policy.slo, tally.objectives)
    return distrust([*compared, *objectives, *guard_findings(tally, errors)])


def duet_of(tally: Tally, margins: Mapping[str, LatencyMargin]) -> Duet:
    """Return the paired verdict, fed with the tally's pairs of blocks in their order."""
    duet = Duet(margins, patient=tally.whole)
    for pair in tally.pairs:
        duet.feed(pair.told)
    return duet


def quantile_findings(tally: Tally, baseline: ArmTally, margins: Mapping[str, LatencyMargin]) -> list[Finding]:
    """Return one finding for each quantile: candidate against baseline."""
    duet = duet_of(tally, margins)
    found = []
    for name, q in QUANTILES.items():
        outcome, change, reason = _compared(name, duet, margins[name], tally)
        found.append(
            Finding(
                id=f"latency-{name}",
                metric=name,
                description="Response time of the candidate against the baseline's, on paired blocks.",
                outcome=outcome,
                reason=reason,
                docs=f"{README}#the-verdict",
                unit="ratio",
                direction=Direction.LOWER,
                baseline=_milliseconds(baseline, q),
                candidate=_milliseconds(tally.candidate, q),
                change=change,
                method=f"duet: e-process on the log ratios of paired blocks of {BLOCK} requests; "
                f"fails at E >= {FAIL_AT:.0f} beyond the margin, passes at E >= {PASS_AT:.0f} within "
                f"{margins[name].safe:.3g}; baseline and candidate in ms",
                margin=margins[name].fail,
                n=tally.requests,
            )
        )
    return found


def _milliseconds(arm: ArmTally, q: float) -> float | None:
    return None if arm.compared is None else finite(arm.compared.quantile(q) / 1e6)


def _compared(name: str, duet: Duet, margin: LatencyMargin, tally: Tally) -> tuple[Outcome, Interval | None, str]:
    if tally.planned_pairs * (1 if tally.whole else 2) < FEWEST_TO_PASS:
        least = (
            f"a pass needs at least {FEWEST_TO_PASS * BLOCK:,} requests an arm, a failure {FEWEST_TO_FAIL * BLOCK:,}"
        )
        planned = f"{tally.most:,} are planned at most"
        if tally.whole and tally.most >= FEWEST_TO_PASS * BLOCK:
            planned += f", in shards whose own requests make {tally.planned_pairs} blocks: use fewer shards"
        return Outcome.INCONCLUSIVE, None, f"{name}: too few requests for a decision: {least}; {planned}."
    if not duet.pairs:
        return Outcome.INCONCLUSIVE, None, f"{name}: no pair of blocks has enough answers to compare."
    ratio = duet.ratio(name)
    low, high = finite(ratio.low - 1) if ratio.low > 0 else None, finite(ratio.high - 1)
    change = Interval(estimate=finite(ratio.estimate - 1), low=low, high=high)
    seen = f"{name} of the candidate is {ratio.estimate - 1:+.1%} against the baseline"
    if ratio.failed:
        outcome = Outcome.FAIL
        shown = f"at least {_bound(low)} with 99.7% confidence, beyond the margin of {_limit(margin.fail)}"
    elif ratio.passed:
        outcome = Outcome.PASS
        shown = f"at most {_bound(high)} with 95% confidence, within the safe {_limit(margin.safe)}"
    else:
        outcome = Outcome.INCONCLUSIVE
        shown = f"between {_bound(low)} and {_bound(high)}, shown neither beyond the margin of {_limit(margin.fail)} "
        shown += f"nor within the safe {_limit(margin.safe)}"
    return outcome, change, f"{seen}, {shown}; {(duet.decided_at or duet.pairs) * BLOCK:,} requests an arm."


def _limit(share: float) -> str:
    return f"{100 * share:.4g}%"


def _bound(change: float | None) -> str:
    return "no limit" if change is None else f"{change:+.1%}"


def error_finding(tally: Tally, baseline: ArmTally) -> Finding:
    """Return the finding on failed requests: exact McNemar on the same payloads sent at the same time."""
    n, only_candidate, only_baseline = tally.requests, tally.only_candidate, tally.only_baseline
    p = binomial.mcnemar_p_harm(only_baseline, only_candidate)
    high = binomial.paired_excess_bound(only_baseline, only_candidate, n, ERROR_LEVEL)
    change = (only_candidate - only_baseline) / n if n else None
    seen = (
        f"{only_candidate:,} of {n:,} requests failed on the candidate alone, {only_baseline:,} on the baseline alone"
    )
    if p < ERROR_P:
        outcome, why = Outcome.FAIL, f"more than chance explains (exact McNemar p = {p:.2g})"
    elif n and high <= ERROR_MARGIN:
        outcome, why = Outcome.PASS, f"at most {high:.2%} more with 99% confidence, within {ERROR_MARGIN:.0%}"
    else:
        outcome = Outcome.INCONCLUSIVE
        why = f"it may be up to {high:.2%} more (99% confidence), beyond {ERROR_MARGIN:.0%}; p = {p:.2g} shows no harm"
    return Finding(
        id="error-ratio",
        metric="error-ratio",
        description="Requests that fail on the candidate and not on the baseline.",
        outcome=outcome,
        reason=f"{seen}: {why}.",
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


def guard_findings(tally: Tally, errors: Finding | None) -> list[Finding]:
    """Return one finding for each guard over the measurement itself."""
    found = [_lateness(tally), _data(tally, errors)]
    return [*found, _split(tally.baseline, tally.candidate)] if tally.baseline is not None else found


def _guard(name: str, what: str, problem: str, fine: str, n: int) -> Finding:
    return Finding(
        id=f"guard-{name}",
        metric=name,
        description=what,
        outcome=Outcome.ERROR if problem else Outcome.PASS,
        reason=(problem or fine) + ".",
        docs=f"{README}#guards",
        n=n,
    )


def _split(baseline: ArmTally, candidate: ArmTally) -> Finding:
    first, second = baseline.offered, candidate.offered
    p = binomial.p_even_split(first, second)
    counts = f"{first:,} requests offered to the baseline, {second:,} to the candidate"
    bad = f"the arms did not get the same load: {counts} (exact binomial p = {p:.2g} < {SPLIT_P:g})"
    return _guard(
        "split",
        "Both arms are offered the same load.",
        bad if p < SPLIT_P else "",
        f"even load: {counts}",
        first + second,
    )


def lateness(tally: Tally) -> dict[str, float]:
    """Return how well the generator kept its schedule: shares, and seconds behind it."""
    sends, n = tally.sends, tally.requests
    if not n:
        return dict.fromkeys(("p50", "p99", "max"), math.inf) | {"late": 1.0, "late_blocks": 1.0, "achieved": 0.0}
    several = sends.late_blocks > 1 or sends.blocks == 1
    return {
        "late": sends.late / n,
        "late_blocks": sends.late_blocks / sends.blocks if several else 0.0,
        "achieved": sends.achieved / n,
        "p50": sends.behind.quantile(0.5) / 1e9,
        "p99": sends.behind.quantile(0.99) / 1e9,
        "max": sends.behind.largest / 1e9,
    }


def _lateness(tally: Tally) -> Finding:
    seen = lateness(tally)
    shown = f"{seen['late']:.2%} of the requests more than {LATE * 1e3:.0f} ms late, median {seen['p50'] * 1e3:.2f} ms"
    problem = ""
    if seen["late_blocks"] > LATE_BLOCKS or seen["late"] > LATE_MOST:
        problem = f"the generator was the limit: {shown}; {seen['late_blocks']:.0%} of the blocks were late"
    elif seen["achieved"] < ACHIEVED:
        problem = f"the generator was the limit: only {seen['achieved']:.2%} of the offered requests were sent in time"
    elif seen["p50"] > max(LATE_MEDIAN_FLOOR, LATE_MEDIAN * _faster_median(tally)):
        problem = f"the generator was the limit: {shown}, more than a quarter of the median response time"
    return _guard("lateness", "The generator keeps its schedule.", problem, f"on schedule: {shown}", tally.requests)


def _faster_median(tally: Tally) -> float:
    """Return the faster arm's median response time in seconds; infinite where no two arms answered."""
    if tally.baseline is None or not (tally.baseline.ok and tally.candidate.ok):
        return math.inf
    return min(arm.spreads["response-time"].quantile(0.5) for arm in (tally.baseline, tally.candidate)) / 1e9


def _data(tally: Tally, errors: Finding | None) -> Finding:
    n, missing = tally.requests, tally.missing
    unsent = sum(arm.kinds.get(Kind.UNSENT.label, 0) for arm in tally.arms.values())
    harmed = errors is not None and errors.outcome is Outcome.FAIL
    problem = ""
    if not n:
        problem = "nothing was measured: no block of requests was completed"
    elif unsent:
        problem = f"{unsent:,} requests were never sent within the time allowed"
    elif missing and not harmed:
        problem = f"{missing} pairs of blocks have too few answers on both arms to compare"
    fine = f"all {n:,} requests of an arm are accounted for"
    if missing and harmed:
        fine += f"; {missing} pairs of blocks miss answers because requests failed, which `error-ratio` judges"
    return _guard("data", "No block of requests is missing answers.", problem, fine, n)


def distrust(findings: list[Finding]) -> list[Finding]:
    """Return `findings` with every judgement taken back where a guard tripped."""
    tripped = [f.id for f in findings if f.id.startswith("guard-") and f.outcome is Outcome.ERROR]
    if not tripped:
        return findings
    return [
        f
        if f.id.startswith("guard-")
        else msgspec.structs.replace(
            f, outcome=Outcome.INCONCLUSIVE, reason=f"Not judged, because {', '.join(tripped)} tripped: {f.reason}"
        )
        for f in findings
    ]
