"""What a latency run found: quantiles against the baseline, the error ratio, the guards. Pure.

A guard that trips says that the measurement itself cannot be trusted: its finding is `error`, and every other finding
of the run that would pass or fail becomes `inconclusive`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.answers import Answers, Kind
from ghmlops.core.duet import BLOCK, FAIL_AT, FEWEST_TO_FAIL, FEWEST_TO_PASS, PASS_AT, Duet, quantile
from ghmlops.core.model import Direction, Finding, Interval, Outcome, finite
from ghmlops.core.objectives import objective_findings
from ghmlops.core.policy import QUANTILES
from ghmlops.core.stats import binomial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.latency import Judge, Plan
    from ghmlops.core.policy import Latency, LatencyMargin

    Floats = NDArray[np.float64]

README = "actions/latency/README.md"
LATE = 0.010
"""Seconds behind its schedule at which a send counts as late."""
LATE_SHARE = 0.01
"""Share of late sends at which a block is late: from there on lateness reaches its p99."""
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
_KEPT_BACK = (Kind.LOCAL, Kind.UNSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The judged part of a run: whole blocks without the warm-up. `baseline` is `None` where there is none.

    `dispatched` is when the generator turned to each request, shape (n,), same clock as the answers.
    """

    candidate: Answers
    baseline: Answers | None
    dispatched: Floats


def judge_run(judge: Judge, run: Run, policy: Latency, plan: Plan) -> list[Finding]:
    """Return every finding of a run that has ended: quantiles, error ratio, objectives, guards."""
    errors: Finding | None = None
    compared: list[Finding] = []
    if run.baseline is not None:
        errors = error_finding(run.baseline, run.candidate)
        compared = [*quantile_findings(judge, run, policy.margins, plan, run.baseline), errors]
    objectives = objective_findings(policy.slo, run.candidate)
    return distrust([*compared, *objectives, *guard_findings(judge, run, errors)])


def quantile_findings(
    judge: Judge, run: Run, margins: dict[str, LatencyMargin], plan: Plan, baseline: Answers
) -> list[Finding]:
    """Return one finding for each quantile: candidate against baseline."""
    both = baseline.timed & run.candidate.timed
    low, high = np.sort(baseline.response[both]), np.sort(run.candidate.response[both])
    found = []
    for name, q in QUANTILES.items():
        outcome, change, reason = _compared(name, judge.duet, margins[name], plan)
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
                baseline=finite(quantile(low, q) * 1e3),
                candidate=finite(quantile(high, q) * 1e3),
                change=change,
                method=f"duet: e-process on the log ratios of paired blocks of {BLOCK} requests; "
                f"fails at E >= {FAIL_AT:.0f} beyond the margin, passes at E >= {PASS_AT:.0f} within "
                f"{margins[name].safe:.3g}; baseline and candidate in ms",
                margin=margins[name].fail,
                n=judge.judged,
            )
        )
    return found


def _compared(name: str, duet: Duet, margin: LatencyMargin, plan: Plan) -> tuple[Outcome, Interval | None, str]:
    if 2 * plan.pairs < FEWEST_TO_PASS:
        least = (
            f"a pass needs at least {FEWEST_TO_PASS * BLOCK:,} requests an arm, a failure {FEWEST_TO_FAIL * BLOCK:,}"
        )
        planned = f"{plan.planned + plan.extension:,} are planned at most"
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


def error_finding(baseline: Answers, candidate: Answers) -> Finding:
    """Return the finding on failed requests: exact McNemar on the same payloads sent at the same time."""
    n = len(candidate)
    only_candidate = int((baseline.ok & ~candidate.ok).sum())
    only_baseline = int((~baseline.ok & candidate.ok).sum())
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
        baseline=finite(float((~baseline.ok).mean())) if n else None,
        candidate=finite(float((~candidate.ok).mean())) if n else None,
        change=Interval(estimate=finite(change), high=finite(high)),
        method="exact one-sided McNemar on pairs of the same payload (p < 1/300 fails); exact upper bound of "
        "candidate - baseline (99 %)",
        margin=ERROR_MARGIN,
        n=n,
    )


def guard_findings(judge: Judge, run: Run, errors: Finding | None) -> list[Finding]:
    """Return one finding for each guard over the measurement itself."""
    found = [_lateness(run), _data(judge, run, errors)]
    return [*found, _split(run.baseline, run.candidate)] if run.baseline is not None else found


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


def offered(answers: Answers) -> int:
    """Return how many requests reached the arm or were held up by it: all that the generator did not keep back."""
    return len(answers) - answers.count(_KEPT_BACK)


def _split(baseline: Answers, candidate: Answers) -> Finding:
    first, second = offered(baseline), offered(candidate)
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


def lateness(run: Run) -> dict[str, float]:
    """Return how well the generator kept its schedule: shares, and seconds behind it."""
    late = np.maximum(run.dispatched - run.candidate.scheduled, 0.0)
    if not len(late):
        return dict.fromkeys(("p50", "p99", "max"), math.inf) | {"late": 1.0, "late_blocks": 1.0, "achieved": 0.0}
    blocks = [float((late[start : start + BLOCK] > LATE).mean()) for start in range(0, len(late), BLOCK)]
    late_blocks = sum(share > LATE_SHARE for share in blocks)
    ordered = np.sort(late)
    end = float(run.candidate.scheduled[-1]) + LATE
    return {
        "late": float((late > LATE).mean()),
        "late_blocks": late_blocks / len(blocks) if late_blocks > 1 or len(blocks) == 1 else 0.0,
        "achieved": float((run.dispatched <= end).mean()),
        "p50": quantile(ordered, 0.5),
        "p99": quantile(ordered, 0.99),
        "max": float(ordered[-1]),
    }


def _lateness(run: Run) -> Finding:
    seen = lateness(run)
    shown = f"{seen['late']:.2%} of the requests more than {LATE * 1e3:.0f} ms late, median {seen['p50'] * 1e3:.2f} ms"
    problem = ""
    if seen["late_blocks"] > LATE_BLOCKS or seen["late"] > LATE_MOST:
        problem = f"the generator was the limit: {shown}; {seen['late_blocks']:.0%} of the blocks were late"
    elif seen["achieved"] < ACHIEVED:
        problem = f"the generator was the limit: only {seen['achieved']:.2%} of the offered requests were sent in time"
    elif seen["p50"] > max(LATE_MEDIAN_FLOOR, LATE_MEDIAN * _faster_median(run)):
        problem = f"the generator was the limit: {shown}, more than a quarter of the median response time"
    return _guard("lateness", "The generator keeps its schedule.", problem, f"on schedule: {shown}", len(run.candidate))


def _faster_median(run: Run) -> float:
    """Return the faster arm's median response time in seconds; infinite where no two arms answered."""
    if run.baseline is None or not run.baseline.ok.any() or not run.candidate.ok.any():
        return math.inf
    return min(quantile(np.sort(arm.response[arm.ok]), 0.5) for arm in (run.baseline, run.candidate))


def _data(judge: Judge, run: Run, errors: Finding | None) -> Finding:
    n = len(run.candidate)
    unsent = run.candidate.count([Kind.UNSENT]) + (run.baseline.count([Kind.UNSENT]) if run.baseline is not None else 0)
    harmed = errors is not None and errors.outcome is Outcome.FAIL
    problem = ""
    if not n:
        problem = "nothing was measured: no block of requests was completed"
    elif unsent:
        problem = f"{unsent:,} requests were never sent within the time allowed"
    elif judge.missing and not harmed:
        problem = f"{judge.missing} pairs of blocks have too few answers on both arms to compare"
    fine = f"all {n:,} requests of an arm are accounted for"
    if judge.missing and harmed:
        fine += f"; {judge.missing} pairs of blocks miss answers because requests failed, which `error-ratio` judges"
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
