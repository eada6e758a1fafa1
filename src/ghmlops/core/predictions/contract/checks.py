"""The contract between two artifacts: facts that were counted, and the findings that follow, before any metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.predictions.contract.finding import by_share, finding, listed, of
from ghmlops.core.predictions.contract.values import attributes, documents, labels, scores

if TYPE_CHECKING:
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SchemaFacts

SURE = 3.0
"""Standard errors by which missing rows are harder or easier than the others before that is said."""


def blocking(facts: Facts) -> list[Finding]:
    """Return what makes any comparison meaningless; the pairing is then not even tried."""
    found = [
        finding("empty", Outcome.ERROR, f"The {side} holds no rows.", n=0)
        for side, seen in facts.sides
        if seen.rows == 0
    ]
    if facts.labels is not None and facts.labels.rows == 0:
        found.append(finding("empty", Outcome.ERROR, "The file of labels holds no rows.", n=0))
    schema = facts.schema
    for name, differences, mend in (
        ("key-type", schema.mismatched_keys, "a key is never cast, because 7, 07 and 7.0 would meet"),
        ("label-type", schema.mismatched_labels, "labels of different types are never cast"),
    ):
        if differences:
            found.append(finding(name, Outcome.ERROR, f"{listed(differences)}: {mend}."))
    return found


def judge_contract(facts: Facts) -> list[Finding]:
    """Return one finding for each kind of fault, or one pass where there is none, once the rows are paired.

    Raises:
        ValueError: the rows have not been paired (a bug).
    """
    if facts.pairs is None:
        raise ValueError("judge_contract needs the facts of the pairing")
    faults = [
        *_schema(facts.schema),
        *_keys(facts),
        *scores(facts),
        *labels(facts, facts.pairs),
        *_rows(facts, facts.pairs),
        *attributes(facts.pairs),
        *documents(facts.pairs),
    ]
    return [_kept(facts, facts.pairs), *faults] if facts.pairs.usable else [*faults, _nothing(facts, facts.pairs)]


def _kept(facts: Facts, pairs: PairFacts) -> Finding:
    schema = facts.schema
    notes = [
        said
        for said, known in (
            ("scores are compared at single precision, which is all that one side holds", schema.single),
            (f"widths differ: {listed(schema.widths)}", schema.widths),
            (f"times without a zone were read as UTC: {listed(schema.naive)}", schema.naive),
            (f"columns that only one side has and nothing uses: {listed(schema.only)}", schema.only),
            (
                f"features that only one side has, whose drift is not known: {listed(schema.one_sided)}",
                schema.one_sided,
            ),
        )
        if known
    ]
    said = (
        f"{pairs.paired:,} rows paired by key, {pairs.usable:,} of them with usable predictions on both sides; "
        f"{facts.schema.columns} columns in use"
    )
    return finding("rows", Outcome.PASS, "; ".join([said, *notes]) + ".", n=pairs.usable)


def _nothing(facts: Facts, pairs: PairFacts) -> Finding:
    why = f"{pairs.paired:,} rows were paired by key, none of them with usable predictions on both sides."
    if not pairs.paired:
        why = "no key of one side occurs on the other."
        if facts.baseline.repeated_keys or facts.candidate.repeated_keys:
            why = "no key that occurs once is on both sides; does `key` in the policy name every column of it?"
    return finding("rows", Outcome.ERROR, f"No row can be compared: {why}", n=0)


def _schema(schema: SchemaFacts) -> list[Finding]:
    if not schema.different:
        return []
    return [finding("column-type", Outcome.WARN, f"Types differ between the sides: {listed(schema.different)}.")]


def _keys(facts: Facts) -> list[Finding]:
    found = []
    sides = [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]
    for side, seen in sides:
        if seen.null_keys:
            found.append(
                finding(
                    "null-key",
                    Outcome.FAIL,
                    f"{seen.null_keys:,} of {seen.rows:,} rows of the {side} have no key and were left out.",
                    n=seen.null_keys,
                )
            )
        if seen.repeated_keys:
            found.append(
                finding(
                    "repeated-key",
                    Outcome.FAIL if seen.conflicting_keys else Outcome.WARN,
                    f"{seen.repeated_keys:,} keys occur more than once in the {side} ({seen.repeated_rows:,} rows, "
                    f"{seen.conflicting_keys:,} keys with rows that differ); all their rows were left out.",
                    n=seen.repeated_rows,
                )
            )
    return found


def _rows(facts: Facts, pairs: PairFacts) -> list[Finding]:
    found = []
    for name, count, whole, said in (
        ("removed-rows", pairs.removed, facts.baseline.rows, "rows of the baseline are missing from the candidate"),
        ("added-rows", pairs.added, facts.candidate.rows, "rows of the candidate are not in the baseline"),
    ):
        if count:
            reason = f"{of(count, whole)} {said}{_hard_rows(facts, pairs) if name == 'removed-rows' else ''}."
            found.append(finding(name, by_share(count, whole), reason, n=count))
    return found


def _hard_rows(facts: Facts, pairs: PairFacts) -> str:
    """Say whether the missing rows are the hard ones, and what a comparison of averages would have said."""
    if any(number is None for number in pairs.quality):
        return ""
    before, after, all_before, all_after = (float(number or 0.0) for number in pairs.quality)
    share = pairs.removed / (pairs.paired + pairs.removed)
    if facts.task == "regression":
        name, paired, unpaired = "RMSE", before - after, all_before - all_after
        error = (all_before**2 - (1 - share) * before**2) / share
        harder, spread = error - before**2, before**2 * math.sqrt(2 / pairs.removed)
        told = [_moved(change if abs(change) > 1e-4 * before else 0.0, ".4g") for change in (paired, unpaired)]
    else:
        name, paired, unpaired = "accuracy", after - before, all_after - all_before
        harder, spread = (before - all_before) / share, math.sqrt(before * (1 - before) / pairs.removed)
        told = [_moved(round(100 * change, 2), ".2f", " points") for change in (paired, unpaired)]
    which = ""
    if abs(harder) > SURE * spread:
        which = f", and they are the {'hard' if harder > 0 else 'easy'} ones"
    return f"{which}: paired {name} is {told[0]}, unpaired {'is' if told[1] == 'unchanged' else 'looks'} {told[1]}"


def _moved(change: float, digits: str, unit: str = "") -> str:
    return f"{abs(change):{digits}}{unit} {'better' if change > 0 else 'worse'}" if change else "unchanged"


def not_measured(facts: Facts, *, group: bool, windows: bool) -> list[NotMeasured]:
    """List what a reader could believe was looked at. Needs the facts of the pairing."""
    pairs, found = facts.pairs, _unchecked(facts)
    if pairs is None:
        return found
    unlabelled = pairs.usable - pairs.labelled
    if unlabelled > 0 and facts.task != "embedding":
        found.append(
            NotMeasured(
                what="quality of rows without a label",
                why=f"{of(unlabelled, pairs.usable)} usable rows have no label (yet): only their behaviour counted",
            )
        )
    if pairs.pointless:
        why = f"{of(pairs.pointless, pairs.queries or 0)} queries have no relevant document: no order of them is better"
        found.append(NotMeasured(what="queries without a relevant document", why=why))
    if facts.schema.fine:
        why = f"too many values, and hardly a slice of one could be large enough: {listed(facts.schema.fine)}"
        found.append(NotMeasured(what="the search for slices in some features", why=why))
    if windows and pairs.windows_without_time:
        found.append(NotMeasured(what="windows", why=f"{pairs.windows_without_time:,} usable rows have no time"))
    if group and pairs.no_group:
        found.append(
            NotMeasured(
                what="groups", why=f"{pairs.no_group:,} usable rows have no group; each was taken to stand alone"
            )
        )
    return found


def _unchecked(facts: Facts) -> list[NotMeasured]:
    """Say which files carry no page checksums."""
    sides = [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]
    if all(seen.unchecked_chunks == seen.chunks for _, seen in sides):
        why = "the artifacts carry none (pyarrow: write_page_checksum)"
        return [NotMeasured(what="page checksums", why=why)] if any(seen.chunks for _, seen in sides) else []
    bare = [
        f"{of(seen.unchecked_chunks, seen.chunks)} column chunks of the {side}"
        for side, seen in sides
        if seen.unchecked_chunks
    ]
    return [NotMeasured(what="page checksums", why=f"{' and '.join(bare)} carry none")] if bare else []
