"""Contradictions of prediction evidence: each metric is ruled again from its change, margin, direction and rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ghmlops.core.details.regression import regression_details
from ghmlops.core.metrics import TARGETS, metrics_of, overall_metrics
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.policy.targets import split_scope
from ghmlops.core.predictions.constants import PREDICTION_FINDINGS
from ghmlops.core.predictions.ruling import Comparison, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.details.regression import MetricRow, RegressionDetails
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.regression import Regression

_TOLERANCE = 1e-8
"""Relative difference of numbers that are written with 10 significant digits."""
_OPENING = (Outcome.PASS, Outcome.WARN)
"""Outcomes that let a gate open."""
_TABLES = ("classes", "slices", "searched", "windows", "timeline", "noise", "drift")
"""Tables of the details whose rows have an outcome."""


def prediction_contradictions(evidence: Evidence, policy: Regression | None) -> Iterator[str]:
    """Yield the contradictions in evidence of `regression`.

    Args:
        evidence: the evidence.
        policy: section `regression` of the trusted policy; `None` if the evidence was judged by another one.
    """
    details = regression_details(evidence.details)
    overall = [f for f in evidence.findings if f.id == f"regression-{f.metric}" and not f.slice and f.window is None]
    metrics = {metric.id: metric for metric in metrics_of(policy)} if policy else {}
    for finding in overall:
        metric = metrics.get(finding.metric)
        if policy and metric is None:
            yield f"judges {finding.id}, and the policy has no such metric"
        yield from _finding_contradictions(finding, metric, policy)
    judged = any(finding.id.startswith(PREDICTION_FINDINGS) for finding in evidence.findings)
    # Evidence that only says that there was no baseline is no contradiction; `completeness` judges what is missing.
    absent = evidence.outcome is Outcome.WARN and [finding.id for finding in evidence.findings] == ["no-baseline"]
    if evidence.outcome in _OPENING and not judged and not absent:
        yield f"has the outcome {evidence.outcome} without a finding that judges the predictions"
    yield from _row_contradictions(overall, details)
    yield from _measured_contradictions(overall, evidence)
    yield from _worse_rows(evidence.findings, details)
    if policy:
        yield from _spread_contradictions(overall, policy)
        yield from _setting_contradictions(details, policy)


def _finding_contradictions(finding: Finding, metric: Metric | None, policy: Regression | None) -> Iterator[str]:
    change, n, margin = finding.change, finding.n or 0, finding.margin
    if metric and finding.direction is not metric.direction:
        yield f"has another direction in {finding.id} than the metric"
    if margin is None and finding.outcome in _OPENING:
        yield f"has no margin in {finding.id}"
        return
    if metric and policy and margin is not None:
        limit = metric.limit(finding.baseline or 0.0, math.inf, policy.margins.get(metric.id))
        if limit is not None and margin > limit * (1 + _TOLERANCE):
            yield f"has a margin in {finding.id} that is looser than the policy's"
    if change is None or None in (change.estimate, change.low, change.high):
        if finding.outcome in _OPENING:
            yield f"has the outcome {finding.outcome} in {finding.id} without a change and its interval"
        return
    estimate, low, high = change.estimate or 0.0, change.low or 0.0, change.high or 0.0
    size = max(abs(estimate), abs(low), abs(high), abs(finding.baseline or 0.0), abs(finding.candidate or 0.0))
    slack = _TOLERANCE * size
    if not low - slack <= estimate <= high + slack:
        yield f"has a change in {finding.id} outside of its interval"
    before = 0.0 if finding.baseline is None else finding.baseline
    if finding.candidate is None or abs(finding.candidate - before - estimate) > slack:
        yield f"has a change in {finding.id} that is not the difference of its two values"
    undecided = Outcome(policy.undecided) if policy else Outcome.INCONCLUSIVE
    if finding.metric in TARGETS and (problem := _distance_problem(finding)):
        yield problem
    best = best_outcome(finding, (estimate, low, high), n, undecided)
    allowed = Outcome.WARN if policy is None and best is Outcome.INCONCLUSIVE else best
    if best is Outcome.FAIL and split_scope(finding.dataset)[1]:
        # Holm's method over the targets may leave a failure unconfirmed, which never opens a gate.
        allowed = Outcome.INCONCLUSIVE
    if finding.outcome.severity < allowed.severity:
        yield f"has the outcome {finding.outcome} in {finding.id}, and its numbers give {best}"


def best_outcome(
    finding: Finding, change: tuple[float, float, float], n: int, undecided: Outcome, p: float = 1.0
) -> Outcome:
    """Return the best outcome that the change (estimate, low, high) of a finding allows.

    The p-value is not in the evidence; 1 is the most favourable one. With NaN the interval alone decides.
    """
    estimate, low, high = change
    if finding.metric in TARGETS:
        loss, loss_low, loss_high = _distance(finding)
    elif finding.direction is Direction.HIGHER:
        loss, loss_low, loss_high = -estimate, -high, -low
    elif finding.direction is Direction.LOWER:
        loss, loss_low, loss_high = change
    else:
        loss, loss_low, loss_high = abs(estimate), max(low, -high, 0.0), max(abs(low), abs(high))
    margin = finding.margin or 0.0
    slack = _TOLERANCE * max(abs(loss_high), margin)
    metric: Any = _Judged(finding.metric, paired_only=finding.baseline is None)
    comparison = Comparison(
        metric=metric,
        n=n,
        baseline=finding.baseline or 0.0,
        candidate=finding.candidate or 0.0,
        low=low,
        high=high,
        loss=loss,
        loss_low=loss_low - slack,
        loss_high=loss_high - slack,
        p=p,
        error=0.0,
        margin=margin,
        method=finding.method,
    )
    return rule(comparison, "warn" if undecided is Outcome.WARN else "inconclusive").outcome


def _distance(finding: Finding) -> tuple[float, float, float]:
    """Return the growth of the distance from the target as stated, with its limits; infinite limits if it is not."""
    loss = finding.loss
    if loss is None or loss.estimate is None or loss.low is None or loss.high is None:
        return math.inf, -math.inf, math.inf
    return loss.estimate, loss.low, loss.high


def _distance_problem(finding: Finding) -> str:
    """Return why the stated growth of a distance contradicts the two values; empty if it does not."""
    target, (loss, low, high) = TARGETS[finding.metric], _distance(finding)
    if finding.candidate is None or finding.baseline is None or not math.isfinite(loss):
        return f"has no distance from the ideal value in {finding.id}" if finding.outcome in _OPENING else ""
    slack = _TOLERANCE * max(abs(finding.candidate), abs(finding.baseline), abs(target), abs(high), abs(low))
    distance = abs(finding.candidate - target) - abs(finding.baseline - target)
    if abs(distance - loss) > slack:
        return f"has a distance in {finding.id} that its two values do not give"
    return "" if low - slack <= loss <= high + slack else f"has a distance in {finding.id} outside of its interval"


class _Judged:
    """The two attributes of a metric that `rule` reads."""

    def __init__(self, name: str, *, paired_only: bool) -> None:
        self.id, self.paired_only = name, paired_only


def _row_contradictions(overall: Sequence[Finding], details: RegressionDetails) -> Iterator[str]:
    """Yield the findings that differ from their rows of the table `metrics`."""
    rows = {(row.dataset, row.metric): row for row in details.metrics}
    for finding in overall:
        row = rows.pop((finding.dataset, finding.metric), None)
        if row is None:
            yield f"has no row of details for {finding.id}"
        elif _row_values(row) != _finding_values(finding):
            yield f"has other numbers in {finding.id} than in its details"
    for row in rows.values():
        if row.outcome is not None:
            yield f"has no finding on {row.metric[:60]}, which its details judge"


def _row_values(row: MetricRow) -> tuple[object, ...]:
    return (row.rows, row.baseline, row.candidate, row.change, row.low, row.high, row.margin, row.outcome)


def _finding_values(finding: Finding) -> tuple[object, ...]:
    change = finding.change
    interval = (None, None, None) if change is None else (change.estimate, change.low, change.high)
    return (finding.n, finding.baseline, finding.candidate, *interval, finding.margin, finding.outcome)


def _measured_contradictions(overall: Sequence[Finding], evidence: Evidence) -> Iterator[str]:
    """Yield the findings whose two values differ from the measurements."""
    values = {(m.id, m.arm): m.values.get("value") for m in evidence.measurements}
    for finding in overall:
        name = f"{finding.dataset}/{finding.metric}" if finding.dataset else finding.metric
        stated = (finding.baseline, finding.candidate)
        if stated != (values.get((name, "baseline")), values.get((name, "candidate"))):
            yield f"measured other values of {finding.metric} than it judged"


def _worse_rows(findings: Sequence[Finding], details: RegressionDetails) -> Iterator[str]:
    """Yield the tables with a row that is worse than every finding."""
    worst = max(finding.outcome.severity for finding in findings)
    for table in _TABLES:
        rows = getattr(details, table)
        if max((row.outcome.severity for row in rows if row.outcome is not None), default=0) > worst:
            yield f"has a row in the table {table} that is worse than its findings"


def _spread_contradictions(overall: Sequence[Finding], policy: Regression) -> Iterator[str]:
    """Yield whether margins in units of the label's spread imply different spreads in one data set."""
    units = {m.id: policy.margins.get(m.id, m.margin) for m in metrics_of(policy) if m.margin_of == "label-spread"}
    spreads: dict[str, list[float]] = {}
    for finding in overall:
        unit = units.get(finding.metric)
        if unit and finding.margin is not None:
            spreads.setdefault(finding.dataset, []).append(finding.margin / unit)
    if any(max(values) > min(values) * (1 + 10 * _TOLERANCE) for values in spreads.values()):
        yield "has margins that imply different spreads of the label"


def _setting_contradictions(details: RegressionDetails, policy: Regression) -> Iterator[str]:
    """Yield the settings of the judgement that are not those of the policy."""
    settings = details.settings
    if settings is None:
        return
    margins = {m.id: policy.margins.get(m.id, m.margin) for m in metrics_of(policy)}
    names = {m.id for m in overall_metrics(policy)} | set(settings.margins)
    for name in sorted(names):
        stated, margin = settings.margins.get(name), margins.get(name)
        if stated is not None and margin is not None and stated > margin * (1 + _TOLERANCE):
            yield f"was judged with another margin of {name[:60]} than the policy's"
    demanded = (policy.task, policy.minimum_rows, policy.group or None, policy.intent)
    if (settings.task, settings.minimum_rows, settings.group, settings.intent) != demanded:
        yield "was judged with other settings than the policy's"
