"""Checks of the contract on coverage: what was left out, for whatever reason, was not judged and cannot pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.constants import MAX_FAULTY_SHARE
from ghmlops.core.predictions.contract.finding import contract_finding, count_of, enumerate_parts, share_limit

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


def _check_left_out(side: str, counts: SideFacts, pairs: PairFacts, only_here: int) -> Finding | None:
    """Check the rows of one side that are in no usable pair; surplus copies of a row are not left out."""
    total = counts.rows - counts.surplus_copies
    compared = pairs.usable - pairs.query_conflicts
    rows = total - compared
    if rows <= MAX_FAULTY_SHARE * total:
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
    reason = (
        f"{count_of(rows, total)} rows of the {side} were left out, {share_limit(rows, total)}, and were not judged: "
        f"{parts}."
    )
    return contract_finding("left-out", Outcome.INCONCLUSIVE, reason, n=rows)


def _check_labels(task: str, pairs: PairFacts, min_label_coverage: float) -> Finding | None:
    labelled, total = label_coverage(pairs)
    if labelled >= min_label_coverage * total:
        return None
    noun = "queries have a document with" if task == "ranking" else "usable rows have"
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
