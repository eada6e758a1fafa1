"""The contract, value by value: predictions, labels, times and slice values of the rows that both artifacts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.contract.finding import by_share, finding, listed, of

if TYPE_CHECKING:
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SideFacts


def scores(facts: Facts) -> list[Finding]:
    """Judge the predictions of each side: unusable, out of range, or contradicted by the column of decisions."""
    found = []
    for side, seen in facts.sides:
        outcome = Outcome.FAIL if side == "candidate" else Outcome.WARN
        found += [_unusable(side, seen, outcome), _outside(facts.task, side, seen, outcome)]
        found += [*_vectors(facts.task, side, seen, outcome), _stale(facts.task, side, seen)]
    return [one for one in found if one is not None]


def _unusable(side: str, seen: SideFacts, outcome: Outcome) -> Finding | None:
    counts = (
        (seen.null_scores, "null"),
        (seen.nan_scores, "NaN"),
        (seen.infinite_scores, "infinite"),
        (seen.broken_vectors, "with an element that is null, NaN or infinite"),
        (seen.null_predictions, "without a known class"),
        (seen.null_queries, "without a query"),
    )
    faults = [f"{count:,} {what}" for count, what in counts if count]
    if not faults:
        return None
    return finding(
        "unusable-prediction",
        outcome,
        f"Predictions of the {side} that cannot be compared and were left out, of {seen.rows:,}: "
        f"{listed(faults, len(counts))}.",
        n=sum(count for count, _ in counts),
    )


def _outside(task: str, side: str, seen: SideFacts, outcome: Outcome) -> Finding | None:
    if not seen.outside_scores:
        return None
    if task == "multiclass":
        said, those = f"probability vectors of the {side} have an element outside 0..1", "logits before the softmax"
    else:
        said, those = f"scores of the {side} lie outside 0..1", "log-odds"
    if seen.low_score is not None and seen.high_score is not None:
        said += f" ({seen.low_score:.4g} to {seen.high_score:.4g})"
    return finding(
        "score-range",
        outcome,
        f"{of(seen.outside_scores, seen.rows)} {said} and were left out; are they {those}?",
        n=seen.outside_scores,
    )


def _vectors(task: str, side: str, seen: SideFacts, outcome: Outcome) -> list[Finding]:
    """Judge the shape of vectors."""
    noun = "vectors" if task == "embedding" else "probability vectors"
    faults = (
        (
            "ragged-vector",
            seen.ragged_vectors,
            "do not hold one probability for each of `classes`; does the policy name them all?",
        ),
        ("unnormalised-vector", seen.unnormalised_vectors, "do not add up to 1; is a softmax missing?"),
        ("zero-vector", seen.zero_vectors, "are empty or all 0, which has no direction."),
    )
    return [
        finding(name, outcome, f"{of(count, seen.rows)} {noun} of the {side} were left out: they {what}", n=count)
        for name, count, what in faults
        if count
    ]


def _stale(task: str, side: str, seen: SideFacts) -> Finding | None:
    """Judge decisions that their scores contradict; most of them together are a mistake in the order of classes."""
    if not seen.stale_predictions:
        return None
    most = 2 * seen.stale_predictions > seen.rows
    if task == "multiclass":
        said = "are not the class of the largest probability"
        hint = "the order of `classes` is probably not that of the vector"
    else:
        said = "contradict its scores at the threshold"
        hint = "the score is probably that of the other class"
    return finding(
        "stale-prediction",
        Outcome.WARN,
        f"{of(seen.stale_predictions, seen.rows)} decisions of the {side} {said}; the column of decisions was believed"
        f"{f', but {hint}' if most else ''}.",
        n=seen.stale_predictions,
    )


_NO_LABEL = {"regression": "are not finite numbers", "ranking": "are not finite numbers of 0 or more"}


def labels(facts: Facts, pairs: PairFacts) -> list[Finding]:
    """Judge the labels: no class or no number, in contradiction between the sides, or none at all."""
    found = []
    for side, seen in [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]:
        if seen.odd_labels:
            examples = f" (for example {listed(seen.odd_label_examples)})" if seen.odd_label_examples else ""
            what = _NO_LABEL.get(facts.task, "name no class")
            found.append(
                finding(
                    "label-values",
                    Outcome.FAIL,
                    f"{seen.odd_labels:,} of {seen.rows:,} labels of the {side} {what}{examples}; they were left out.",
                    n=seen.odd_labels,
                )
            )
    if pairs.label_conflicts:
        found.append(
            finding(
                "label-changed",
                by_share(pairs.label_conflicts, pairs.paired),
                f"The label differs between the sides in {of(pairs.label_conflicts, pairs.paired)} paired rows, which "
                "were left out of the quality metrics: the two artifacts do not describe the same data.",
                n=pairs.label_conflicts,
            )
        )
    if pairs.usable and not pairs.labelled and facts.task != "embedding":
        found.append(
            finding(
                "labels-missing",
                Outcome.INCONCLUSIVE,
                f"None of the {pairs.usable:,} usable rows has a label, so quality was not measured.",
                n=0,
            )
        )
    return found


def attributes(pairs: PairFacts) -> list[Finding]:
    """Judge times and slice values on which the sides disagree."""
    found = []
    if pairs.time_conflicts:
        found.append(
            finding(
                "time-changed",
                by_share(pairs.time_conflicts, pairs.paired),
                f"The time differs between the sides in {of(pairs.time_conflicts, pairs.paired)} paired rows; the "
                "baseline's was used.",
                n=pairs.time_conflicts,
            )
        )
    for column, count in pairs.slice_conflicts.items():
        if count:
            found.append(
                finding(
                    "slice-changed",
                    by_share(count, pairs.paired),
                    f"The slice column {column} differs between the sides in {of(count, pairs.paired)} paired rows; "
                    "the baseline's values were used.",
                    n=count,
                )
            )
    return found


def documents(pairs: PairFacts) -> list[Finding]:
    """Judge what the sides must agree on beyond single rows: the query of a document, the length of an embedding."""
    found = []
    if pairs.query_conflicts:
        found.append(
            finding(
                "query-changed",
                by_share(pairs.query_conflicts, pairs.paired),
                f"The sides give {of(pairs.query_conflicts, pairs.paired)} paired documents to different queries; they "
                "were left out of the metrics.",
                n=pairs.query_conflicts,
            )
        )
    if pairs.unlike_lengths:
        found.append(
            finding(
                "vector-length",
                Outcome.FAIL,
                f"{of(pairs.unlike_lengths, pairs.paired)} paired vectors have different lengths on the two sides, so "
                "there is no distance between them.",
                n=pairs.unlike_lengths,
            )
        )
    return found
