"""Checks of the contract between two artifacts: from counted facts to findings, before any metric is computed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.policy.regression import DEFAULT_LABEL_COVERAGE
from ghmlops.core.predictions.constants import EQUAL_RMSE, HARD_ROWS_ERRORS
from ghmlops.core.predictions.contract.coverage import check_coverage
from ghmlops.core.predictions.contract.finding import (
    contract_finding,
    count_of,
    enumerate_parts,
    outcome_by_share,
    share_limit,
)
from ghmlops.core.predictions.contract.values import (
    check_attributes,
    check_documents,
    check_labels,
    check_scores,
    check_weights,
)

if TYPE_CHECKING:
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SchemaFacts, SideFacts


def blocking_findings(facts: Facts) -> list[Finding]:
    """Return the faults that make any comparison meaningless; the rows are then not even paired."""
    findings = [
        contract_finding("empty", Outcome.ERROR, f"The {side} has no rows.", n=0)
        for side, counts in facts.artifacts
        if counts.rows == 0
    ]
    schema = facts.schema
    for name, differences, why in (
        ("key-type", schema.mismatched_keys, "a key is never cast, because 7, 07 and 7.0 would become equal"),
        ("label-type", schema.mismatched_labels, "labels of different types are never cast"),
    ):
        if differences:
            findings.append(contract_finding(name, Outcome.ERROR, f"{enumerate_parts(differences)}: {why}."))
    return findings


def judge_contract(facts: Facts, *, min_label_coverage: float = DEFAULT_LABEL_COVERAGE) -> list[Finding]:
    """Return one finding per kind of fault and the finding `contract-rows`, once the rows are paired.

    Args:
        facts: Facts of one data set.
        min_label_coverage: Smallest share of the usable rows with a label, from the policy.

    Raises:
        ValueError: The rows have not been paired (a bug).
    """
    pairs = facts.pairs
    if pairs is None:
        raise ValueError("judge_contract needs the facts of the pairing")
    faults = [
        *_check_types(facts.schema),
        *_check_keys(facts),
        *check_scores(facts),
        *check_labels(facts, pairs),
        *_check_row_sets(facts, pairs),
        *check_weights(facts, pairs),
        *check_attributes(pairs),
        *check_documents(pairs),
    ]
    if not pairs.usable:
        return [*faults, _no_rows_finding(facts, pairs)]
    return [_rows_finding(facts, pairs), *faults, *check_coverage(facts, pairs, min_label_coverage)]


def _rows_finding(facts: Facts, pairs: PairFacts) -> Finding:
    """Return the passing finding on the number of paired rows, with harmless differences of the schema as notes."""
    schema = facts.schema
    notes = [
        note
        for note, applies in (
            ("scores are compared at single precision, because one side has no more", schema.single_precision),
            (f"column types differ, with comparable values: {enumerate_parts(schema.widths)}", schema.widths),
            (f"times without a zone were read as UTC: {enumerate_parts(schema.naive_times)}", schema.naive_times),
            (f"unused columns of one side only: {enumerate_parts(schema.unused)}", schema.unused),
            (
                f"features of one side only, whose drift is not measured: {enumerate_parts(schema.one_sided)}",
                schema.one_sided,
            ),
        )
        if applies
    ]
    summary = (
        f"{pairs.paired:,} rows were paired by key, {pairs.usable:,} of them with usable predictions on both sides; "
        f"{schema.columns} columns are in use"
    )
    return contract_finding("rows", Outcome.PASS, "; ".join([summary, *notes]) + ".", n=pairs.usable)


def _no_rows_finding(facts: Facts, pairs: PairFacts) -> Finding:
    if pairs.paired:
        why = f"{pairs.paired:,} rows were paired by key, none of them with usable predictions on both sides."
    elif facts.baseline.repeated_keys or facts.candidate.repeated_keys:
        why = "no key that occurs once is on both sides. Check that `key` in the policy names every column of the key."
    else:
        why = "no key of one side occurs on the other."
    return contract_finding("rows", Outcome.ERROR, f"No row can be compared: {why}", n=0)


def _check_types(schema: SchemaFacts) -> list[Finding]:
    findings = []
    if schema.different_kinds:
        reason = f"Column types differ between the sides: {enumerate_parts(schema.different_kinds)}."
        findings.append(contract_finding("column-type", Outcome.WARN, reason))
    for column, role, differing, rows in schema.partition_differences:
        if differing:
            reason = (
                f'{count_of(differing, rows)} rows of the {role} have a value of "{column}" that differs from their '
                "partition folder of that name; the values of the files were used."
            )
            findings.append(contract_finding("partition-values", Outcome.WARN, reason, n=differing))
    return findings


def _check_keys(facts: Facts) -> list[Finding]:
    findings = []
    for side, counts in facts.artifacts:
        if counts.null_keys:
            reason = f"{count_of(counts.null_keys, counts.rows)} rows of the {side} have no key and were left out."
            findings.append(contract_finding("null-key", Outcome.FAIL, reason, n=counts.null_keys))
        if counts.repeated_keys:
            findings.append(_repeated_keys_finding(side, counts))
    return findings


def _repeated_keys_finding(side: str, counts: SideFacts) -> Finding:
    reason = f"{counts.repeated_keys:,} keys occur more than once in the {side} ({counts.repeated_rows:,} rows)"
    agreeing = counts.repeated_keys - counts.conflicting_keys
    parts = []
    if agreeing:
        parts.append(f"the rows of {agreeing:,} keys are copies of each other, and each key counts once")
    if counts.conflicting_keys:
        parts.append(f"the rows of {counts.conflicting_keys:,} keys contradict each other and were left out")
    outcome = Outcome.FAIL if counts.conflicting_keys else Outcome.WARN
    return contract_finding("repeated-key", outcome, f"{reason}: {'; '.join(parts)}.", n=counts.repeated_rows)


def _check_row_sets(facts: Facts, pairs: PairFacts) -> list[Finding]:
    """Check for rows that only one side has."""
    findings = []
    for name, count, total, text in (
        ("removed-rows", pairs.removed, facts.baseline.rows, "baseline rows are missing from the candidate"),
        ("added-rows", pairs.added, facts.candidate.rows, "candidate rows are missing from the baseline"),
    ):
        if count:
            difficulty = _removed_rows_difficulty(facts, pairs) if name == "removed-rows" else ""
            reason = f"{count_of(count, total)} {text}, {share_limit(count, total)}{difficulty}."
            findings.append(contract_finding(name, outcome_by_share(count, total), reason, n=count))
    return findings


def _removed_rows_difficulty(facts: Facts, pairs: PairFacts) -> str:
    """Return a clause: are the removed rows harder than the others, and how would an unpaired comparison look?

    Without pairing by key, a candidate that drops hard rows appears to be better than it is.
    """
    if any(number is None for number in pairs.quality):
        return ""
    before, after, all_before, all_after = (float(number or 0.0) for number in pairs.quality)
    share = pairs.removed / (pairs.paired + pairs.removed)
    if facts.task == "regression":
        name, paired, unpaired = "RMSE", before - after, all_before - all_after
        removed_square = (all_before**2 - (1 - share) * before**2) / share
        excess, error = removed_square - before**2, before**2 * math.sqrt(2 / pairs.removed)
        texts = [
            _improvement(change if abs(change) > EQUAL_RMSE * before else 0.0, ".4g") for change in (paired, unpaired)
        ]
    else:
        name, paired, unpaired = "accuracy", after - before, all_after - all_before
        excess, error = (before - all_before) / share, math.sqrt(before * (1 - before) / pairs.removed)
        texts = [_improvement(round(100 * change, 2), ".2f", " points") for change in (paired, unpaired)]
    difficulty = ""
    if abs(excess) > HARD_ROWS_ERRORS * error:
        difficulty = f" and {'harder' if excess > 0 else 'easier'} than the others"
    return f"{difficulty}: {name} is {texts[0]} on the paired rows, and {texts[1]} on all rows of each side"


def _improvement(change: float, digits: str, unit: str = "") -> str:
    return f"{abs(change):{digits}}{unit} {'better' if change > 0 else 'worse'}" if change else "unchanged"


def not_measured(facts: Facts, *, group: bool, windows: bool, unjudged: str = "irrelevant") -> list[NotMeasured]:
    """List what a reader could believe was measured and was not, after the rows were paired.

    Args:
        facts: Facts of one data set.
        group: The policy names a group column.
        windows: The policy asks for time windows.
        unjudged: What a document of a ranking without a label counts as, from the policy.
    """
    pairs, items = facts.pairs, _missing_checksums(facts)
    if pairs is None:
        return items
    unlabelled = pairs.usable - pairs.labelled
    if unlabelled > 0 and facts.expects_labels:
        count = f"{count_of(unlabelled, pairs.usable)} usable rows have no label (yet)"
        if facts.task == "ranking":
            treatment = "left out of the lists" if unjudged == "left-out" else "taken as irrelevant"
            what = "relevance of documents without a label"
            items.append(NotMeasured(what=what, why=f"{count}: {treatment}"))
        else:
            why = f"{count}: they count for behaviour only"
            items.append(NotMeasured(what="quality of rows without a label", why=why))
    if pairs.queries_without_relevant:
        count = count_of(pairs.queries_without_relevant, pairs.queries or 0)
        why = f"{count} queries have no relevant document, so no order of their documents is better than another"
        items.append(NotMeasured(what="queries without a relevant document", why=why))
    if facts.schema.set_aside:
        why = f"nothing uses them, and they were not read: {enumerate_parts(facts.schema.set_aside)}"
        items.append(NotMeasured(what="the content of some columns", why=why))
    if facts.schema.high_cardinality:
        names = enumerate_parts(facts.schema.high_cardinality)
        why = f"too many distinct values, so that few slices would be large enough: {names}"
        items.append(NotMeasured(what="the search for slices in some features", why=why))
    if windows and pairs.windows_without_time:
        items.append(NotMeasured(what="windows", why=f"{pairs.windows_without_time:,} usable rows have no time"))
    if group and pairs.ungrouped:
        why = f"{pairs.ungrouped:,} usable rows have no group; each was treated as independent"
        items.append(NotMeasured(what="groups", why=why))
    return items


def _missing_checksums(facts: Facts) -> list[NotMeasured]:
    """List the artifacts whose pages carry no checksums, or whose footer does not show where they are."""
    hidden = [side for side, counts in facts.artifacts if not counts.lists_chunks]
    if hidden:
        why = f"the footer of the {' and of the '.join(hidden)} has a statistic that DuckDB cannot represent"
        return [NotMeasured(what="page checksums", why=f"{why} (a time near the smallest 64-bit number)")]
    if all(counts.unchecked_chunks == counts.chunks for _, counts in facts.artifacts):
        why = "the artifacts contain none (pyarrow writes them with `write_page_checksum=True`)"
        has_chunks = any(counts.chunks for _, counts in facts.artifacts)
        return [NotMeasured(what="page checksums", why=why)] if has_chunks else []
    parts = [
        f"{count_of(counts.unchecked_chunks, counts.chunks)} column chunks of the {side}"
        for side, counts in facts.artifacts
        if counts.unchecked_chunks
    ]
    return [NotMeasured(what="page checksums", why=f"{' and '.join(parts)} have none")] if parts else []
