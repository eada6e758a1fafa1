"""Judges the predictions of a candidate: from the aggregates of all data sets to findings, measurements and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.regression import MetricRow, RegressionDetails, RegressionSettings, WeightRow
from ghmlops.core.metrics import METRIC_IDS, UNWEIGHTED_METRICS, metrics_of, overall_metrics
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome
from ghmlops.core.policy.targets import split_scope
from ghmlops.core.predictions.behaviour_judgement import judge_behaviour
from ghmlops.core.predictions.comparison import compare_overall, compare_shifted
from ghmlops.core.predictions.constants import ALPHA, PREDICTION_FINDINGS
from ghmlops.core.predictions.contract import checks
from ghmlops.core.predictions.contract.finding import contract_finding
from ghmlops.core.predictions.findings import distance_interval, metric_finding, ruling_reason
from ghmlops.core.predictions.implausible import implausible_result
from ghmlops.core.predictions.left_out import left_out_rows, limit_by_labels, limit_ruling
from ghmlops.core.predictions.observation import Judgement
from ghmlops.core.predictions.private_values import mask_private
from ghmlops.core.predictions.ruling import Comparison, evidence_number, rule
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.heterogeneity import uneven_datasets
from ghmlops.core.predictions.subgroups.subgroup_tests import SubgroupFamilies
from ghmlops.core.predictions.targets.multiplicity import limit_by_holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import Grid
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.targets.multiplicity import TargetComparisons


def judge_observations(
    observations: Sequence[Observation], policy: Regression, targets: TargetComparisons | None = None
) -> Judgement:
    """Judge all data sets by the rules of the policy: the contract first, then all rows, then slices and windows.

    Args:
        observations: The aggregates of each data set, or of each target of each data set.
        policy: The rules; for several targets, those of one target.
        targets: For several targets: their comparisons over all rows.
    """
    judgement = Judgement(details=RegressionDetails(settings=settings_of(policy)))
    observations = mask_private(observations, policy.private_columns)
    comparable = [observation for observation in observations if _judge_contract(observation, policy, judgement)]
    overall: list[Subgroup] = []
    for observation in comparable:
        comparisons = targets.by_scope[observation.dataset] if targets else compare_overall(observation, policy)
        overall += [
            Subgroup(slice={}, window=None, comparison=comparison, dataset=observation.dataset)
            for comparison in comparisons
        ]
        _describe_weights(observation, policy, judgement)
        first = len(judgement.findings)
        judge_comparisons(observation, comparisons, policy, judgement, targets.adjusted if targets else {})
        _list_undefined(observation, comparisons, policy, judgement)
        judge_behaviour(observation, policy, judgement)
        _judge_basis(observation, judgement, first)
    for target in {split_scope(observation.dataset)[1]: None for observation in comparable}:
        same_target = [subgroup for subgroup in overall if split_scope(subgroup.dataset)[1] == target]
        if len({subgroup.dataset for subgroup in same_target}) > 1:
            judgement.findings.extend(uneven_datasets(same_target))
    families = SubgroupFamilies(comparable, policy, judgement)
    reported_keys = families.judge_declared("slice") | families.judge_declared("window")
    families.judge_classes()
    families.search(overall, reported_keys)
    return judgement


def _judge_contract(observation: Observation, policy: Regression, judgement: Judgement) -> bool:
    """Judge the contract of one data set and return whether its rows can be compared."""
    dataset, facts = observation.dataset, observation.facts
    blocking = checks.blocking_findings(facts)
    findings = blocking or checks.judge_contract(facts, min_label_coverage=policy.min_label_coverage)
    judgement.findings.extend(_with_dataset(finding, dataset) for finding in findings)
    if blocking or not observation.tables or facts.pairs is None:
        what = f"every metric of data set {dataset}" if dataset else "every metric"
        judgement.not_measured.append(NotMeasured(what=what, why="the two artifacts cannot be compared"))
        return False
    items = checks.not_measured(facts, group=bool(policy.group), windows=bool(policy.window), unjudged=policy.unjudged)
    judgement.add_not_measured(observation, items)
    return True


def _with_dataset(finding: Finding, dataset: str) -> Finding:
    return msgspec.structs.replace(finding, dataset=dataset) if dataset else finding


def judge_comparisons(
    observation: Observation,
    comparisons: Sequence[Comparison],
    policy: Regression,
    judgement: Judgement,
    adjusted: Mapping[tuple[str, str], float],
) -> None:
    """Judge every metric over all rows.

    Args:
        observation: The aggregates of one data set, or of one target.
        comparisons: The comparisons of its metrics.
        policy: The rules.
        judgement: Receives findings, measurements and rows.
        adjusted: For several targets: adjusted p-values, as in `TargetComparisons`.
    """
    dataset = observation.dataset
    for comparison in comparisons:
        finding, left_out = None, left_out_rows(comparison, policy, observation.facts.pairs)
        if left_out is not None:
            judgement.add_not_measured(
                observation, [NotMeasured(what=f"{comparison.metric.title} of some rows", why=left_out.clause)]
            )
        if comparison.margin is not None:
            ruling = limit_ruling(rule(comparison, policy.undecided), left_out)
            reason = ruling_reason(comparison, ruling)
            if left_out is not None:
                reason = f"{reason[:-1]}; {left_out.clause}, {left_out.limit}."
            limited = limit_by_labels(ruling, comparison, policy, observation.facts.pairs)
            if limited is not ruling:
                ruling, reason = limited, f"{reason[:-1]}; too few rows have a label."
            holm_p = adjusted.get((dataset, comparison.metric.id))
            limited = limit_by_holm(ruling, holm_p)
            if limited is not ruling:
                ruling, reason = limited, f"{reason[:-1]}; Holm p = {holm_p:.2g} over all targets does not confirm it."
            finding = metric_finding(comparison, ruling.outcome, reason, dataset=dataset)
            judgement.findings.append(finding)
        warning = implausible_result(comparison, dataset)
        judgement.findings.extend([warning] if warning else [])
        judgement.measurements.extend(_measurements(comparison, dataset))
        judgement.details.metrics.append(_metric_row(comparison, dataset, finding))


def _list_undefined(
    observation: Observation, comparisons: Sequence[Comparison], policy: Regression, judgement: Judgement
) -> None:
    """List the metrics that could not be computed."""
    computed_ids = {comparison.metric.id for comparison in comparisons}
    for metric in overall_metrics(policy):
        if metric.id not in computed_ids:
            why = "no row has the values it needs"
            if observation.grid is not None or (metric.compare_columns and observation.columns is None):
                why = "there are too many rows to read their scores, and the metric cannot be computed from bins"
            judgement.add_not_measured(observation, [NotMeasured(what=metric.title, why=why)])


def _describe_weights(observation: Observation, policy: Regression, judgement: Judgement) -> None:
    """Add the row of the table `weights`, and the metrics that weighted rows do not have."""
    pairs = observation.facts.pairs
    if not policy.weight or pairs is None:
        return
    rows = pairs.usable if pairs.queries is None else pairs.queries - pairs.queries_without_relevant
    effective = evidence_number(pairs.effective)
    row = WeightRow(dataset=observation.dataset, column=policy.weight, rows=rows, effective=effective)
    judgement.details.weights.append(row)
    items = [
        NotMeasured(what=metric, why=f"rows are weighted by {policy.weight}, and {why}")
        for metric, why in UNWEIGHTED_METRICS.items()
        if metric in METRIC_IDS.get(policy.task, ())
    ]
    if observation.scores or observation.features:
        why = f"the distributions count each row once, whatever its {policy.weight}"
        items.append(NotMeasured(what="drift of weighted rows", why=why))
    judgement.add_not_measured(observation, items)


def _measurements(comparison: Comparison, dataset: str) -> list[Measurement]:
    """Return the metric's value per arm; for a rate of the pair, the candidate's value with its confidence limits."""
    name = f"{dataset}/{comparison.metric.id}" if dataset else comparison.metric.id
    fields: dict[str, Any] = {"id": name, "unit": comparison.metric.unit, "n": comparison.n}
    candidate = {"value": evidence_number(comparison.candidate)}
    if comparison.paired_only:
        limits = {"low": evidence_number(comparison.low), "high": evidence_number(comparison.high)}
        return [Measurement(arm="candidate", values=candidate | limits, **fields)]
    return [
        Measurement(arm="baseline", values={"value": evidence_number(comparison.baseline)}, **fields),
        Measurement(arm="candidate", values=candidate, **fields),
    ]


def _metric_row(comparison: Comparison, dataset: str, finding: Finding | None) -> MetricRow:
    """Return the row of the table `metrics`; `finding` is None if the metric is reported but not judged."""
    return MetricRow(
        dataset=dataset,
        metric=comparison.metric.id,
        rows=comparison.n,
        baseline=None if comparison.paired_only else evidence_number(comparison.baseline),
        candidate=evidence_number(comparison.candidate),
        change=evidence_number(comparison.change),
        low=evidence_number(comparison.low),
        high=evidence_number(comparison.high),
        margin=evidence_number(comparison.margin),
        unit=comparison.metric.unit,
        outcome=finding.outcome if finding else None,
        method=comparison.method,
        loss=distance_interval(comparison),
    )


def _judge_basis(observation: Observation, judgement: Judgement, first: int) -> None:
    """Add an inconclusive finding if no finding from index `first` on judges predictions over all rows."""
    judged = any(finding.id.startswith(PREDICTION_FINDINGS) for finding in judgement.findings[first:])
    if judged:
        return
    reason = (
        "No metric of the predictions was judged, so the verdict would rest on the contract alone. Set a margin in "
        "`regression.margins`, `intent: unchanged`, or a second baseline (`noise`)."
    )
    finding = contract_finding("only", Outcome.INCONCLUSIVE, reason, n=0)
    judgement.findings.append(_with_dataset(finding, observation.dataset))


def settings_of(policy: Regression) -> RegressionSettings:
    """Return the settings of a judgement for its evidence."""
    margins = {metric.id: policy.margins.get(metric.id, metric.margin) for metric in metrics_of(policy)}
    return RegressionSettings(
        task=policy.task,
        alpha=ALPHA,
        margins={name: margin for name, margin in margins.items() if margin is not None},
        either_way=tuple(metric.id for metric in metrics_of(policy) if metric.direction is Direction.TARGET),
        minimum_rows=policy.minimum_rows,
        threshold=policy.threshold if policy.task == "binary" and not policy.prediction else None,
        group=policy.group or None,
        weight=policy.weight or None,
        intent=policy.intent,
    )


def needs_rows(grid: Grid, policy: Regression) -> bool:
    """Return whether the scores must be read after all, because binning them could have changed a verdict.

    That is so if a verdict differs when the true change lies at either end of the error bound of the bins.
    """
    for metric in metrics_of(policy):
        if metric.compare_grid is None or policy.margins.get(metric.id, metric.margin) is None:
            continue
        comparisons = compare_shifted(metric, grid, policy)
        if len({rule(c).outcome for c in comparisons if c.margin is not None}) > 1:
            return True
    return False
