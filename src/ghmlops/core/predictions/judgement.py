"""The judgement of a prediction diff: from what was observed to findings, measurements and tables. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.regression import ChangedRow, RegressionDetails, RegressionSettings
from ghmlops.core.metrics import metrics_of
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured
from ghmlops.core.predictions.behaviour import determinism as behaviour
from ghmlops.core.predictions.behaviour import drift_findings, flips
from ghmlops.core.predictions.behaviour import noise_floor as noise
from ghmlops.core.predictions.behaviour import rank_correlation as ranks
from ghmlops.core.predictions.comparison import compare_overall, overall_metrics, shifted
from ghmlops.core.predictions.contract import checks as contract
from ghmlops.core.predictions.findings import metric_finding, ruling_reason
from ghmlops.core.predictions.implausible import implausible_result
from ghmlops.core.predictions.observed import APART, Judged
from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.ruling import ALPHA, Comparison, rule, tidy
from ghmlops.core.predictions.subgroups import heterogeneity as uneven
from ghmlops.core.predictions.subgroups.subgroup_tests import Hunt, metric_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Grid
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observed import Observed


def judge_observed(seen: Sequence[Observed], policy: Regression) -> Judged:
    """Judge all data sets by the rules of the policy: the contract first, then all rows, then slices and windows."""
    judged = Judged(details=RegressionDetails(settings=_settings(policy)))
    compared = [one for one in seen if _contract(one, policy, judged)]
    overall: list[Place] = []
    for one in compared:
        found = compare_overall(one, policy)
        overall += [Place(slice={}, window=None, found=c, dataset=one.dataset) for c in found]
        _judge_overall(one, found, policy, judged)
        _judge_behaviour(one, policy, judged)
    if len(compared) > 1:
        judged.findings.extend(uneven.datasets_uneven(overall))
    hunt = Hunt(compared, policy, judged)
    reported = hunt.places("slice") | hunt.places("window")
    hunt.classes()
    hunt.search(overall, reported)
    return judged


def _contract(one: Observed, policy: Regression, judged: Judged) -> bool:
    """Judge the contract of one data set; true where its rows can be compared."""
    blocked = contract.blocking_findings(one.facts)
    findings = blocked or contract.judge_contract(one.facts)
    judged.findings.extend(named(finding, one.dataset) for finding in findings)
    if blocked or not one.tables or one.facts.pairs is None:
        what = f"every metric of data set {one.dataset}" if one.dataset else "every metric"
        judged.not_measured.append(NotMeasured(what=what, why="the two artifacts cannot be compared"))
        return False
    judged.skipped(one, contract.not_measured(one.facts, group=bool(policy.group), windows=bool(policy.window)))
    return True


def named(finding: Finding, dataset: str) -> Finding:
    """Return the finding with the name of its data set."""
    return msgspec.structs.replace(finding, dataset=dataset) if dataset else finding


def _judge_overall(one: Observed, found: Sequence[Comparison], policy: Regression, judged: Judged) -> None:
    for comparison in found:
        finding = None
        if comparison.margin is not None:
            ruling = rule(comparison, policy.undecided)
            reason = ruling_reason(comparison, ruling)
            finding = metric_finding(comparison, ruling.outcome, reason, dataset=one.dataset)
            judged.findings.append(finding)
        warning = implausible_result(comparison, one.dataset)
        judged.findings.extend([warning] if warning else [])
        judged.measurements.extend(_measured(comparison, one.dataset))
        judged.details.metrics.append(metric_row(comparison, one.dataset, finding))
    shown = {comparison.metric.id for comparison in found}
    for metric in overall_metrics(policy):
        if metric.id not in shown:
            why = "no row has what it needs"
            if one.grid is not None or (metric.compare_columns and one.columns is None):
                why = "too many rows to read their scores, and no bins serve it"
            judged.skipped(one, [NotMeasured(what=metric.title, why=why)])


def _measured(found: Comparison, dataset: str) -> list[Measurement]:
    """Return the metric's value an arm; a rate that only the pair has is the candidate's, with its limits."""
    name = f"{dataset}/{found.metric.id}" if dataset else found.metric.id
    fields: dict[str, Any] = {"id": name, "unit": found.metric.unit, "n": found.n}
    candidate = {"value": tidy(found.candidate)}
    if found.paired_only:
        limits = {"low": tidy(found.low), "high": tidy(found.high)}
        return [Measurement(arm="candidate", values=candidate | limits, **fields)]
    return [
        Measurement(arm="baseline", values={"value": tidy(found.baseline)}, **fields),
        Measurement(arm="candidate", values=candidate, **fields),
    ]


def _judge_behaviour(one: Observed, policy: Regression, judged: Judged) -> None:
    """Judge what changed whether or not it is better: determinism, flips, order, drift, the noise floor."""
    if policy.intent == "unchanged":
        judged.findings.extend(behaviour.judge_unchanged(one.changes, one.dataset))
    judged.details.columns.extend(behaviour.determinism_table(one.changes, one.dataset))
    counts = one.tables[()].counts
    if counts is not None:
        names = policy.classes or ("0", "1")
        asymmetry, churn = flips.judge_symmetry(counts, names, one.dataset)
        judged.findings.append(asymmetry)
        judged.details.churn.append(churn)
        judged.details.flips.extend(flips.flip_table(counts, names, one.dataset))
    order = ranks.from_columns(one.columns) if one.columns is not None else one.grid and ranks.from_grid(one.grid)
    if order:
        reordered, rank = ranks.judge_ranks(order, one.dataset)
        judged.findings.extend([reordered] if reordered else [])
        judged.details.rank.append(rank)
    if columns := [*one.scores, *one.features]:
        findings, rows = drift_findings.judge_drift(columns, policy.drift, policy.minimum_rows, one.dataset)
        judged.findings.extend(findings)
        judged.details.drift.extend(rows)
        judged.details.distributions.extend(drift_findings.shrink(column, dataset=one.dataset) for column in columns)
    _judge_noise(one, policy, judged)
    judged.details.changed_rows.extend(ChangedRow(dataset=one.dataset, values=dict(row)) for row in one.changed_rows)


def _judge_noise(one: Observed, policy: Regression, judged: Judged) -> None:
    if one.noise is None:
        why = "no second baseline of the same recipe was given (`noise`), so churn has nothing to be held against"
        judged.skipped(one, [NotMeasured(what="the noise floor", why=why)])
        return
    own = one.tables[()].counts
    churn = scores = None
    if own is not None and one.noise.counts is not None:
        churn = noise.churn_excess(own, one.noise.counts)
    apart = one.tables[()].sums.get(APART)
    if apart is not None and one.noise.apart is not None:
        scores = noise.mean_excess(apart, one.noise.apart)
    findings, rows = noise.judge_noise(churn, scores, margin=policy.margins.get("churn"), dataset=one.dataset)
    judged.findings.extend(findings)
    judged.details.noise.extend(rows)


def _settings(policy: Regression) -> RegressionSettings:
    margins = {metric.id: policy.margins.get(metric.id, metric.margin) for metric in metrics_of(policy)}
    return RegressionSettings(
        task=policy.task,
        alpha=ALPHA,
        margins={name: margin for name, margin in margins.items() if margin is not None},
        either_way=tuple(metric.id for metric in metrics_of(policy) if metric.direction is Direction.TARGET),
        minimum_rows=policy.minimum_rows,
        threshold=policy.threshold if policy.task == "binary" and not policy.prediction else None,
        group=policy.group or None,
        intent=policy.intent,
    )


def needs_rows(grid: Grid, policy: Regression) -> bool:
    """True where the scores must be read after all: a verdict from bins could be another within their bound."""
    for metric in metrics_of(policy):
        if metric.compare_grid is None or policy.margins.get(metric.id, metric.margin) is None:
            continue
        outcomes = {rule(found).outcome for found in shifted(metric, grid, policy) if found.margin is not None}
        if len(outcomes) > 1:
            return True
    return False
