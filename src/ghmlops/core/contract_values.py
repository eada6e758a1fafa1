"""The contract, value by value: predictions, labels, times and slice values of the rows that both artifacts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.contract_finding import by_share, finding, listed, of
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from ghmlops.core.contract_facts import Facts, PairFacts


def scores(facts: Facts) -> list[Finding]:
    """Judge the predictions of each side: unusable, out of range, or contradicted by the column of decisions."""
    found = []
    for side, seen in facts.sides:
        outcome = Outcome.FAIL if side == "candidate" else Outcome.WARN
        faults = [
            f"{count:,} {what}"
            for count, what in (
                (seen.null_scores, "null"),
                (seen.nan_scores, "NaN"),
                (seen.infinite_scores, "infinite"),
                (seen.null_predictions, "without a known class"),
            )
            if count
        ]
        if faults:
            found.append(
                finding(
                    "unusable-prediction",
                    outcome,
                    f"Predictions of the {side} that cannot be compared and were left out, of {seen.rows:,}: "
                    f"{listed(faults)}.",
                    n=seen.null_scores + seen.nan_scores + seen.infinite_scores + seen.null_predictions,
                )
            )
        if seen.outside_scores:
            found.append(
                finding(
                    "score-range",
                    outcome,
                    f"{seen.outside_scores:,} of {seen.rows:,} scores of the {side} lie outside 0..1 "
                    f"({seen.low_score:.4g} to {seen.high_score:.4g}) and were left out; are they log-odds?",
                    n=seen.outside_scores,
                )
            )
        if seen.stale_predictions:
            found.append(
                finding(
                    "stale-prediction",
                    Outcome.WARN,
                    f"{seen.stale_predictions:,} of {seen.rows:,} decisions of the {side} contradict its scores at the "
                    "threshold; the column of decisions was believed.",
                    n=seen.stale_predictions,
                )
            )
    return found


def labels(facts: Facts, pairs: PairFacts) -> list[Finding]:
    """Judge the labels: no class or no number, in contradiction between the sides, or none at all."""
    found = []
    for side, seen in [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]:
        if seen.odd_labels:
            examples = f" (for example {listed(seen.odd_label_examples)})" if seen.odd_label_examples else ""
            what = "name no class" if facts.task == "binary" else "are not finite numbers"
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
    if pairs.usable and not pairs.labelled:
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
