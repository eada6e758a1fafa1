"""Contradictions of latency evidence: verdicts computed again, from the log ratios of the pairs and from counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.details.latency import LatencyCommon, LatencyDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    ERROR_LEVEL,
    ERROR_MARGIN,
    FAIL_E,
    MAX_LATE_BLOCKS,
    MAX_LATE_SENDS,
    MAX_LOG_RATIO,
    MIN_ACHIEVED,
    PASS_E,
)
from ghmlops.core.latency.duet import PAIR_STATISTICS, Duet
from ghmlops.core.latency.objectives import allowed_shares, judge_share, limits, sample_floor
from ghmlops.core.latency.saturated_runs.finding import ID as SATURATION
from ghmlops.core.latency.saturated_runs.finding import saturation_of
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.latency import QUANTILES
from ghmlops.core.stats.binomial import paired_excess_bound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.core.details.latency import DuetDetails
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.latency.duet import Ratio
    from ghmlops.core.latency.saturated_runs.finding import Saturation
    from ghmlops.core.policy.latency import Latency, LatencyMargin

LOG_E_SLACK = 0.05
"""Logarithm of an e-value that the rounding of the log ratios to 6 digits can change: 3e-5 per pair and unit of the
smallest stake, over 144 pairs, with a reserve of ten."""
RATIO_TOLERANCE = 2e-3
"""Difference of a bound that this rounding can cause."""
_RELATIVE = 1e-9
"""Relative difference that the arithmetic of equal numbers can cause."""
_OPENING = (Outcome.PASS, Outcome.WARN)
"""Outcomes that let a gate open."""


def latency_contradictions(evidence: Evidence, policy: Latency | None) -> Iterator[str]:
    """Yield the contradictions in evidence of `latency` and `import`.

    Args:
        evidence: the evidence.
        policy: section `latency` of the trusted policy; `None` if the evidence was judged by another one.
    """
    findings = {finding.id: finding for finding in evidence.findings}
    details = evidence.details
    if isinstance(details, LatencyCommon):
        yield from _quantiles(findings, details, policy)
        yield from _guards(findings, details)
    elif any(f"latency-{q}" in findings and findings[f"latency-{q}"].outcome in _OPENING for q in QUANTILES):
        yield "judges quantiles without the log ratios that they follow from"
    if "error-ratio" in findings:
        yield from _error_ratio(findings["error-ratio"])
    if policy:
        yield from _objectives(evidence, findings, policy)


def _quantiles(findings: Mapping[str, Finding], details: LatencyCommon, policy: Latency | None) -> Iterator[str]:
    margins = policy.margins if policy else details.settings.margins
    judged = {name: findings[f"latency-{name}"] for name in margins if f"latency-{name}" in findings}
    if not judged:
        return
    if details.duet is None:
        if any(finding.outcome in _OPENING for finding in judged.values()):
            yield "judges quantiles without the log ratios that they follow from"
        return
    if problem := _log_ratio_problem(details.duet, details.judged_per_arm):
        yield problem
        return
    duet = _replay_duet(details, margins, policy)
    trusted = not any(f.id.startswith("guard-") and f.outcome is Outcome.ERROR for f in findings.values())
    saturation = _replay_saturation(details, duet, policy)
    if saturation.is_saturated and all(finding.outcome in _OPENING for finding in judged.values()):
        yield "passes every quantile, and its response times show saturation"
    trusted = trusted and not (saturation.is_saturated and SATURATION in findings)
    for name, finding in judged.items():
        if finding.n != details.judged_per_arm:
            yield f"has another n in {finding.id} than requests were judged"
        if finding.margin is None or finding.margin > margins[name].fail * (1 + _RELATIVE):
            yield f"has a margin in {finding.id} that is looser than the policy's"
        yield from _ratio_contradictions(finding, duet.ratio(name) if duet.pairs else None, trusted=trusted)


def _log_ratio_problem(duet: DuetDetails, requests: int) -> str:
    """Return why the log ratios are impossible; empty if they are not."""
    columns = duet.log_ratios
    if set(columns) != set(PAIR_STATISTICS):
        return "lacks log ratios of a statistic"
    if len(duet.blocks) != duet.pairs or any(len(values) != duet.pairs for values in columns.values()):
        return "has another number of log ratios than of pairs"
    if duet.pairs * BLOCK_SIZE > requests:
        return f"has {duet.pairs:,} pairs of blocks of {BLOCK_SIZE}, and {requests:,} requests"
    if duet.blocks != sorted(duet.blocks) or any(block < 1 for block in duet.blocks):
        return "has numbers of blocks that are not in order"
    if any(not abs(value) <= MAX_LOG_RATIO for values in columns.values() for value in values):
        return "has a log ratio that no response time can give"
    return ""


def _replay_duet(details: LatencyCommon, margins: Mapping[str, LatencyMargin], policy: Latency | None) -> Duet:
    """Return the paired verdict over the log ratios, up to the pair at which the run decided."""
    assert details.duet is not None  # noqa: S101  (checked by the caller)
    part = isinstance(details, MergeShardsDetails) or (
        isinstance(details, LatencyDetails) and details.shard is not None
    )
    patient = (policy.arrivals if policy else details.settings.arrivals).shaped or part
    duet = Duet(margins, patient=patient)
    columns, decided = details.duet.log_ratios, details.duet.decided_at_pair
    # A pass may come at any pair, so the pair that the run names is as good as the first one; rounding can shift it.
    pairs = details.duet.pairs if patient or decided is None else min(max(decided, 0), details.duet.pairs)
    for index in range(pairs):
        duet.feed({name: columns[name][index] for name in PAIR_STATISTICS}, details.duet.blocks[index])
    return duet


def _replay_saturation(details: LatencyCommon, duet: Duet, policy: Latency | None) -> Saturation:
    """Return the signs of saturation over all pairs, also those after the decision."""
    assert details.duet is not None  # noqa: S101  (checked by the caller)
    observed = Duet(policy.margins if policy else details.settings.margins)
    for index, block in enumerate(details.duet.blocks):
        observed.feed({name: details.duet.log_ratios[name][index] for name in PAIR_STATISTICS}, block)
    return saturation_of(duet, details.settings.arrivals, observed)


def _ratio_contradictions(finding: Finding, ratio: Ratio | None, *, trusted: bool) -> Iterator[str]:
    """Yield how a finding on a quantile is better than its ratio, or states another change."""
    if ratio is None:
        if finding.outcome in _OPENING:
            yield f"has the outcome {finding.outcome} in {finding.id} without a compared pair"
        return
    best = Outcome.INCONCLUSIVE
    if ratio.log_e_fail >= math.log(FAIL_E) + LOG_E_SLACK:
        best = Outcome.FAIL
    elif ratio.log_e_pass >= math.log(PASS_E) - LOG_E_SLACK:
        best = Outcome.PASS
    withdrawn = not trusted and finding.outcome is Outcome.INCONCLUSIVE
    if finding.outcome.severity < best.severity and not withdrawn:
        yield f"has the outcome {finding.outcome} in {finding.id}, and its log ratios give {best}"
    change = finding.change
    if finding.outcome in _OPENING and change is None:
        yield f"has no change in {finding.id}"
    if change is None:
        return
    low = ratio.low - 1 if ratio.low > 0 else None
    for stated, computed in ((change.estimate, ratio.estimate - 1), (change.low, low), (change.high, ratio.high - 1)):
        if not _close(stated, computed, RATIO_TOLERANCE):
            yield f"states another change in {finding.id} than its log ratios give"
            return


def _close(stated: float | None, computed: float | None, tolerance: float) -> bool:
    if computed is None or not math.isfinite(computed):
        return stated is None
    return stated is not None and abs(stated - computed) <= tolerance * (1 + abs(computed))


def _guards(findings: Mapping[str, Finding], details: LatencyCommon) -> Iterator[str]:
    """Yield the guards that pass although the numbers of the generator violate them."""
    for name in ("guard-lateness", "guard-data", "guard-split"):
        finding = findings.get(name)
        if finding and finding.outcome in _OPENING and not finding.n:
            yield f"passes {name} without a request"
    if isinstance(details, LatencyDetails | MergeShardsDetails):
        generator, lateness = details.generator, findings.get("guard-lateness")
        violated = (
            (generator.late_share or 0.0) > MAX_LATE_SENDS + 1e-4
            or (generator.late_blocks_share or 0.0) > MAX_LATE_BLOCKS + 1e-4
            or (1.0 if generator.achieved_share is None else generator.achieved_share) < MIN_ACHIEVED - 1e-4
        )
        if lateness and lateness.outcome in _OPENING and violated:
            yield "passes guard-lateness, and its generator was late"


def _error_ratio(finding: Finding) -> Iterator[str]:
    """Yield how the finding on failed requests is better than its numbers."""
    if finding.outcome not in _OPENING:
        return
    change, n = finding.change, finding.n
    if not n or change is None or change.estimate is None or change.high is None:
        yield "passes error-ratio without numbers"
        return
    if finding.margin is None or finding.margin > ERROR_MARGIN * (1 + _RELATIVE) or change.high > ERROR_MARGIN:
        yield "passes error-ratio beyond its margin"
    if None in (finding.baseline, finding.candidate) or not _close(
        change.estimate, (finding.candidate or 0.0) - (finding.baseline or 0.0), 1e-6
    ):
        yield "states another change in error-ratio than its two shares give"
    # The bound is smallest if no request failed on both arms, and none on the better arm alone.
    excess = round(change.estimate * n)
    if (
        not -n <= excess <= n
        or change.high < paired_excess_bound(max(-excess, 0), max(excess, 0), n, ERROR_LEVEL) - 1e-6
    ):
        yield "states an upper bound in error-ratio that its counts do not allow"


def _objectives(evidence: Evidence, findings: Mapping[str, Finding], policy: Latency) -> Iterator[str]:
    failures = _failed_requests(evidence)
    times = {m.arm: m.values for m in evidence.measurements if m.id == "response-time"}.get("candidate", {})
    thresholds = limits(policy.slo)
    for name, allowed in allowed_shares(policy.slo).items():
        finding = findings.get(f"objective-{name.replace('.', '-')}")
        if finding is None:
            continue
        limit = allowed if name == "errors" else thresholds[name][1] * 1e3
        if finding.margin is None or finding.margin > limit * (1 + _RELATIVE):
            yield f"has a limit in {finding.id} that is looser than the policy's"
        if finding.outcome not in _OPENING:
            continue
        n, value = finding.n or 0, finding.candidate
        missed = failures
        if name == "errors":
            missed = max(failures, round((value or 0.0) * n))
        if n < sample_floor(allowed) or not n or judge_share(min(missed, n), n, allowed) is not Outcome.PASS:
            yield f"has the outcome {finding.outcome} in {finding.id}, which its {n:,} requests do not allow"
        stated = [value, times.get(name)]
        if evidence.command == "latency" and value is None:
            yield f"has no value in {finding.id}"
        if name != "errors" and any(v is not None and v > limit * (1 + 1e-6) + 1e-3 for v in stated):
            yield f"has the outcome {finding.outcome} in {finding.id}, and a value beyond the limit"


def _failed_requests(evidence: Evidence) -> int:
    """Return the number of judged requests that failed on the candidate; each of them misses every objective."""
    details = evidence.details
    if not isinstance(details, LatencyCommon):
        return 0
    return sum(kind.count for kind in details.failures.get("candidate", {}).values())
