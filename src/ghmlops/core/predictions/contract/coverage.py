"""Checks of the contract on coverage: what was left out, for whatever reason, was not judged and cannot pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.constants import MAX_FAULTY_SHARE, WEIGHT_DIGITS
from ghmlops.core.predictions.contract.finding import (
    contract_finding,
    count_of,
    enumerate_parts,
    share_limit,
    state_limit,
)

if TYPE_CHECKING:
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SideFacts


def check_coverage(facts: Facts, pairs: PairFacts, min_label_coverage: float) -> list[Finding]:
    """Check the rows that were not compared, the rows without a label and the rows without a window.

    Each finding is inconclusive: what is known about these rows does not fail, but nothing shows that they are good.

    Args:
        facts: Facts of one data set.
        pairs: Facts of its pairing, with at least one usable row.
        min_label_coverage: Smallest share of the usable rows (queries of a ranking) with a label.
    """
    findings = [
        _check_left_out(side, counts, pairs, only_here)
        for (side, counts), only_here in zip(facts.sides, (pairs.removed, pairs.added), strict=True)
    ]
    if facts.expects_labels and pairs.labelled:
        findings.append(_check_labels(facts.task, pairs, min_label_coverage))
    findings.append(_check_windows(pairs))
    return [finding for finding in findings if finding is not None]


def label_coverage(pairs: PairFacts) -> tuple[int, int]:
    """Return the number of usable rows with a label and of usable rows; of queries in a ranking."""
    if pairs.queries is not None:
        return pairs.queries - pairs.queries_without_label, pairs.queries
    return pairs.labelled, pairs.usable


def labels_suffice(pairs: PairFacts, min_label_coverage: float) -> bool:
    """Return whether enough rows (queries of a ranking) have a label; of weighted rows, with enough of the weight."""
    labelled, total = label_coverage(pairs)
    enough = labelled >= min_label_coverage * total
    if pairs.weights is None or pairs.queries is not None:
        return enough
    return enough and share_left_out(pairs.weights.labelled, pairs.weights.usable) <= 1.0 - min_label_coverage


def share_left_out(part: float, whole: float) -> float:
    """Return the share of a weight that is not in a part of it, without the rounding error of the sums."""
    share = 1.0 - part / whole if whole > 0 else 0.0
    return round(share, WEIGHT_DIGITS)


def _by_weight(share: float | None) -> str:
    """Return the clause that states a share of the weight; empty if rows are not weighted."""
    return "" if share is None else f" with {100 * share:.2g} % of the weight"


def _check_left_out(side: str, counts: SideFacts, pairs: PairFacts, only_here: int) -> Finding | None:
    """Check the rows of one side that are in no usable pair; surplus copies of a row are not left out."""
    total = counts.rows - counts.surplus_copies
    compared = pairs.usable - pairs.query_conflicts
    rows, share = total - compared, None
    if pairs.weights is not None:
        share = share_left_out(pairs.weights.usable, getattr(pairs.weights, side))
    if rows <= MAX_FAULTY_SHARE * total and (share or 0.0) <= MAX_FAULTY_SHARE:
        return None
    weight = " or a weight" if pairs.effective is not None else ""
    reasons = [
        (counts.null_keys, "without a key"),
        (counts.conflicting_rows, "with a key whose copies contradict each other"),
        (only_here, "that the other side does not have"),
        (pairs.paired - pairs.usable, f"with a prediction{weight} that cannot be compared on one of the sides"),
        (pairs.query_conflicts, "in different queries on the two sides"),
    ]
    rest = rows - sum(count for count, _ in reasons)
    reasons.append((rest, "with a key whose copies contradict each other on the other side"))
    parts = enumerate_parts([f"{count:,} {reason}" for count, reason in reasons if count > 0], len(reasons))
    limit = state_limit(beyond=True)
    reason = (
        f"{count_of(rows, total)} rows of the {side}{_by_weight(share)} were left out, {limit}, and were not judged: "
        f"{parts}."
    )
    return contract_finding("left-out", Outcome.INCONCLUSIVE, reason, n=rows)


def _check_labels(task: str, pairs: PairFacts, min_label_coverage: float) -> Finding | None:
    if labels_suffice(pairs, min_label_coverage):
        return None
    labelled, total = label_coverage(pairs)
    share = None
    if pairs.weights is not None and pairs.queries is None:
        share = 1.0 - share_left_out(pairs.weights.labelled, pairs.weights.usable)
    noun = "queries have a document with" if task == "ranking" else f"usable rows{_by_weight(share)} have"
    reason = (
        f"{count_of(labelled, total)} {noun} a label, fewer than the {100 * min_label_coverage:g} % that "
        "`min-label-coverage` requires, so quality was not judged on the others. If labels arrive late, lower "
        "`regression.min-label-coverage`."
    )
    return contract_finding("label-coverage", Outcome.INCONCLUSIVE, reason, n=total - labelled)


def _check_windows(pairs: PairFacts) -> Finding | None:
    count = pairs.windows_without_time
    if count <= MAX_FAULTY_SHARE * pairs.usable:
        return None
    reason = (
        f"{count_of(count, pairs.usable)} usable rows have no time and are in no window, "
        f"{share_limit(count, pairs.usable)}."
    )
    return contract_finding("null-time", Outcome.INCONCLUSIVE, reason, n=count)
