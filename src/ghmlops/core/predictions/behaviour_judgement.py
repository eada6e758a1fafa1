"""Judges the behaviour of both models: flips, order, drift, and the noise of a second baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.regression import ChangedRow
from ghmlops.core.model import NotMeasured
from ghmlops.core.paired.aggregates import QueryRanks
from ghmlops.core.predictions.behaviour import (
    class_agreement,
    determinism,
    drift_findings,
    flips,
    noise_findings,
    noise_floor,
    rank_correlation,
)
from ghmlops.core.predictions.observation import SCORE_DISTANCE, Judgement
from ghmlops.core.predictions.score_bins import error_row, score_bins

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Observation


def judge_behaviour(observation: Observation, policy: Regression, judgement: Judgement) -> None:
    """Judge changes that need no label: determinism, flips, order of the scores, drift and the noise floor."""
    dataset, details = observation.dataset, judgement.details
    if policy.intent == "unchanged":
        judgement.findings.extend(determinism.judge_unchanged(observation.changes, dataset))
    details.columns.extend(determinism.determinism_table(observation.changes, dataset))
    counts = observation.tables[()].counts
    if counts is not None:
        class_names = policy.classes or ("0", "1")
        asymmetry, churn = flips.judge_symmetry(counts, class_names, dataset)
        judgement.findings.append(asymmetry)
        details.churn.append(churn)
        details.flips.extend(flips.flip_table(counts, class_names, dataset))
    _judge_order(observation, policy, judgement)
    if columns := [*observation.scores, *observation.features]:
        findings, rows = drift_findings.judge_drift(
            columns, policy.drift, policy.minimum_rows, dataset, declared=bool(policy.features)
        )
        judgement.findings.extend(findings)
        details.drift.extend(rows)
        details.distributions.extend(drift_findings.distribution_row(column, dataset=dataset) for column in columns)
    if policy.task == "binary" and (bins := score_bins(observation)):
        details.score_bins.append(bins)
    if policy.task == "regression" and (errors := error_row(observation)):
        details.errors.append(errors)
    _judge_noise(observation, policy, judgement)
    details.changed_rows.extend(ChangedRow(dataset=dataset, values=dict(row)) for row in observation.changed_rows)


def _judge_order(observation: Observation, policy: Regression, judgement: Judgement) -> None:
    """Judge whether both sides order the rows alike, or, without scores to order by, whether their classes agree."""
    dataset, ranks, counts = observation.dataset, observation.ranks, observation.tables[()].counts
    if ranks is not None and (policy.has_scores or policy.task == "regression"):
        if isinstance(ranks, QueryRanks):
            correlation = rank_correlation.from_queries(ranks)
        else:
            correlation = rank_correlation.from_scores(ranks)
        finding, row = rank_correlation.judge_ranks(correlation, dataset)
        judgement.findings.extend([finding] if finding else [])
        judgement.details.rank.append(row)
    elif counts is not None and counts.classes >= len(policy.classes):
        agreement = class_agreement.judge_agreement(counts, dataset)
        judgement.findings.extend([agreement] if agreement else [])
    elif policy.task in ("binary", "regression"):
        why = "there are too many rows to read their scores, and bins would hide their order"
        judgement.add_not_measured(observation, [NotMeasured(what="the rank correlation of the scores", why=why)])


def _judge_noise(observation: Observation, policy: Regression, judgement: Judgement) -> None:
    """Judge churn and score differences against those of two baselines of the same recipe."""
    noise, table = observation.noise, observation.tables[()]
    if noise is None:
        why = "the policy names no second baseline of the same recipe (`noise`) to compare churn with"
        judgement.add_not_measured(observation, [NotMeasured(what="the noise floor", why=why)])
        return
    churn = distance = None
    if table.counts is not None and noise.counts is not None:
        churn = noise_floor.churn_excess(table.counts, noise.counts)
    score_distance = table.sums.get(SCORE_DISTANCE)
    if score_distance is not None and noise.score_distance is not None:
        distance = noise_floor.mean_excess(score_distance, noise.score_distance)
    if churn is None and distance is None:
        why = f"the second baseline is compared by decisions or scores, and task `{policy.task}` has neither"
        judgement.add_not_measured(observation, [NotMeasured(what="the noise floor", why=why)])
    findings, rows = noise_findings.judge_noise(
        churn, distance, margin=policy.margins.get("churn"), dataset=observation.dataset
    )
    judgement.findings.extend(findings)
    judgement.details.noise.extend(rows)
