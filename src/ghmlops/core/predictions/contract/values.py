"""Checks of the contract value by value: predictions, labels, times and slice values of the paired rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.contract.finding import (
    contract_finding,
    count_of,
    enumerate_parts,
    outcome_by_share,
    share_limit,
    visible,
)

if TYPE_CHECKING:
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SideFacts


def check_scores(facts: Facts) -> list[Finding]:
    """Check the predictions of each side: unusable, out of range, or contradicted by the column of decisions.

    Faults of the candidate fail, those of the baseline warn.
    """
    findings = []
    for side, counts in facts.sides:
        outcome = Outcome.FAIL if side == "candidate" else Outcome.WARN
        findings += [_check_usable(side, counts, outcome), _check_range(facts.task, side, counts, outcome)]
        findings += [*_check_vectors(facts.task, side, counts, outcome), _check_decisions(facts.task, side, counts)]
    return [finding for finding in findings if finding is not None]


def _check_usable(side: str, counts: SideFacts, outcome: Outcome) -> Finding | None:
    kinds = (
        (counts.null_scores, "null"),
        (counts.nan_scores, "NaN"),
        (counts.infinite_scores, "infinite"),
        (counts.broken_vectors, "with an element that is null, NaN or infinite"),
        (counts.null_predictions, "without a class of the policy"),
        (counts.null_queries, "without a query"),
    )
    faults = [f"{count:,} {kind}" for count, kind in kinds if count]
    if not faults:
        return None
    total = sum(count for count, _ in kinds)
    reason = (
        f"{total:,} of {counts.rows:,} predictions of the {side} cannot be compared and were left out: "
        f"{enumerate_parts(faults, len(kinds))}."
    )
    return contract_finding("unusable-prediction", outcome, reason, n=total)


def _check_range(task: str, side: str, counts: SideFacts, outcome: Outcome) -> Finding | None:
    if not counts.outside_scores:
        return None
    if task == "multiclass":
        subject, hint = f"probability vectors of the {side} have an element", "logits before the softmax"
    else:
        subject, hint = f"scores of the {side} lie", "log-odds"
    extremes = ""
    if counts.low_score is not None and counts.high_score is not None:
        extremes = f" ({counts.low_score:.4g} to {counts.high_score:.4g})"
    reason = (
        f"{count_of(counts.outside_scores, counts.rows)} {subject} outside 0..1{extremes} and were left out; "
        f"they may be {hint}."
    )
    return contract_finding("score-range", outcome, reason, n=counts.outside_scores)


def _check_vectors(task: str, side: str, counts: SideFacts, outcome: Outcome) -> list[Finding]:
    noun = "vectors" if task == "embedding" else "probability vectors"
    faults = (
        (
            "ragged-vector",
            counts.ragged_vectors,
            "do not have one probability per class. Check that `classes` in the policy names them all",
        ),
        ("unnormalised-vector", counts.unnormalised_vectors, "do not add up to 1; a softmax may be missing"),
        ("zero-vector", counts.zero_vectors, "are empty or all 0 and have no direction"),
    )
    return [
        contract_finding(
            name, outcome, f"{count_of(count, counts.rows)} {noun} of the {side} were left out: they {fault}.", n=count
        )
        for name, count, fault in faults
        if count
    ]


def _check_decisions(task: str, side: str, counts: SideFacts) -> Finding | None:
    """Check for decisions that their scores contradict; if these are the majority, the order of classes is wrong."""
    count = counts.stale_predictions
    if not count:
        return None
    if task == "multiclass":
        fault = "are not the class of the largest probability"
        hint = "the order of `classes` is probably not that of the vector"
    else:
        fault = "contradict its scores at the threshold"
        hint = "the score is probably that of the other class"
    majority = f"; {hint}" if 2 * count > counts.rows else ""
    reason = (
        f"{count_of(count, counts.rows)} decisions of the {side} {fault}; the column of decisions was used{majority}."
    )
    return contract_finding("stale-prediction", Outcome.WARN, reason, n=count)


_INVALID_LABEL = {"regression": "are not finite numbers", "ranking": "are not finite numbers of 0 or more"}


def check_labels(facts: Facts, pairs: PairFacts) -> list[Finding]:
    """Check the labels: invalid values, contradictions between the sides, or no label at all."""
    findings = []
    for side, counts in facts.artifacts:
        if counts.odd_labels:
            examples = f" (for example {enumerate_parts([visible(text) for text in counts.odd_label_examples])})"
            reason = (
                f"{counts.odd_labels:,} of {counts.rows:,} labels of the {side} "
                f"{_INVALID_LABEL.get(facts.task, 'are no class of the policy')}"
                f"{examples if counts.odd_label_examples else ''}; they were left out."
            )
            findings.append(contract_finding("label-values", Outcome.FAIL, reason, n=counts.odd_labels))
    if pairs.label_conflicts:
        findings.append(
            _conflict(
                "label-changed",
                pairs.label_conflicts,
                pairs,
                "paired rows have different labels on the two sides",
                "they were left out of the quality metrics",
            )
        )
    if pairs.usable and not pairs.labelled and facts.expects_labels:
        reason = f"None of the {pairs.usable:,} usable rows has a label, so quality was not measured."
        findings.append(contract_finding("labels-missing", Outcome.INCONCLUSIVE, reason, n=0))
    return findings


def check_weights(facts: Facts, pairs: PairFacts) -> list[Finding]:
    """Check the weights: unusable ones, whose rows were left out, and weights that differ between the sides.

    How many rows may be left out is judged by `coverage`, for all reasons together.
    """
    findings = []
    missing = [(side, counts.odd_weights, counts.rows) for side, counts in facts.sides]
    missing.append(("file of labels", pairs.unweighted, pairs.paired))
    for side, count, total in missing:
        if count:
            reason = (
                f"{count_of(count, total)} rows have no usable weight in the {side} (null, NaN, infinite, 0 or "
                "negative) and were left out."
            )
            findings.append(contract_finding("weight-values", Outcome.WARN, reason, n=count))
    if pairs.weight_conflicts:
        subject = "paired rows have different weights on the two sides"
        findings.append(
            _conflict("weight-changed", pairs.weight_conflicts, pairs, subject, "the baseline's weights were used")
        )
    return findings


def check_attributes(pairs: PairFacts) -> list[Finding]:
    """Check for times and slice values that differ between the sides."""
    findings = []
    if pairs.time_conflicts:
        subject = "paired rows have different times on the two sides"
        findings.append(
            _conflict("time-changed", pairs.time_conflicts, pairs, subject, "the baseline's times were used")
        )
    for column, count in pairs.slice_conflicts.items():
        if count:
            subject = f"paired rows have different values of the slice column {column} on the two sides"
            findings.append(_conflict("slice-changed", count, pairs, subject, "the baseline's values were used"))
    return findings


def check_documents(pairs: PairFacts) -> list[Finding]:
    """Check for documents in different queries and for embeddings of different lengths."""
    findings = []
    if pairs.query_conflicts:
        subject = "paired documents belong to different queries on the two sides"
        findings.append(
            _conflict("query-changed", pairs.query_conflicts, pairs, subject, "they were left out of the metrics")
        )
    if pairs.unlike_lengths:
        reason = (
            f"{count_of(pairs.unlike_lengths, pairs.paired)} paired vectors have different lengths on the two sides, "
            "so they have no distance."
        )
        findings.append(contract_finding("vector-length", Outcome.FAIL, reason, n=pairs.unlike_lengths))
    return findings


def _conflict(name: str, count: int, pairs: PairFacts, subject: str, consequence: str) -> Finding:
    """Return the finding on values that contradict each other on the two sides, judged by their share of the pairs."""
    reason = f"{count_of(count, pairs.paired)} {subject}, {share_limit(count, pairs.paired)}; {consequence}."
    return contract_finding(name, outcome_by_share(count, pairs.paired), reason, n=count)
