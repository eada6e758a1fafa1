"""The contract between two artifacts: facts that were counted, and the findings that follow, before any metric."""

from __future__ import annotations

from ghmlops.core.contract_facts import Facts, PairFacts, SchemaFacts
from ghmlops.core.judge import DOCS as README
from ghmlops.core.model import Finding, NotMeasured, Outcome

DOCS = f"{README}#the-contract"
TOLERATED = 0.01
"""Share of missing, added or contradicting rows above which the two artifacts do not describe the same data."""


def blocking(facts: Facts) -> list[Finding]:
    """Return what makes any comparison meaningless; the pairing is then not even tried."""
    found = [
        _finding("empty", Outcome.ERROR, f"The {side} holds no rows.", n=0)
        for side, seen in facts.sides
        if seen.rows == 0
    ]
    if facts.labels is not None and facts.labels.rows == 0:
        found.append(_finding("empty", Outcome.ERROR, "The file of labels holds no rows.", n=0))
    schema = facts.schema
    for name, differences, mend in (
        ("key-type", schema.mismatched_keys, "a key is never cast, because 7, 07 and 7.0 would meet"),
        ("label-type", schema.mismatched_labels, "labels of different types are never cast"),
    ):
        if differences:
            found.append(_finding(name, Outcome.ERROR, f"{_listed(differences)}: {mend}."))
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
        *_scores(facts),
        *_labels(facts, facts.pairs),
        *_rows(facts, facts.pairs),
        *_attributes(facts.pairs),
    ]
    return [_kept(facts, facts.pairs), *faults] if facts.pairs.usable else [*faults, _nothing(facts.pairs)]


def _kept(facts: Facts, pairs: PairFacts) -> Finding:
    schema = facts.schema
    notes = [
        said
        for said, known in (
            ("scores are compared at single precision, which is all that one side holds", schema.single),
            (f"widths differ: {_listed(schema.widths)}", schema.widths),
            (f"times without a zone were read as UTC: {_listed(schema.naive)}", schema.naive),
            (f"columns that only one side has and nothing uses: {_listed(schema.only)}", schema.only),
        )
        if known
    ]
    said = (
        f"{pairs.paired:,} rows paired by key, {pairs.usable:,} of them with usable predictions on both sides; "
        f"{facts.schema.columns} columns in use"
    )
    return _finding("rows", Outcome.PASS, "; ".join([said, *notes]) + ".", n=pairs.usable)


def _nothing(pairs: PairFacts) -> Finding:
    return _finding(
        "rows",
        Outcome.ERROR,
        f"No row can be compared: {pairs.paired:,} rows were paired by key, none of them with usable predictions on "
        "both sides.",
        n=0,
    )


def _schema(schema: SchemaFacts) -> list[Finding]:
    if not schema.different:
        return []
    return [_finding("column-type", Outcome.WARN, f"Types differ between the sides: {_listed(schema.different)}.")]


def _keys(facts: Facts) -> list[Finding]:
    found = []
    sides = [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]
    for side, seen in sides:
        if seen.null_keys:
            found.append(
                _finding(
                    "null-key",
                    Outcome.FAIL,
                    f"{seen.null_keys:,} of {seen.rows:,} rows of the {side} have no key and were left out.",
                    n=seen.null_keys,
                )
            )
        if seen.repeated_keys:
            found.append(
                _finding(
                    "repeated-key",
                    Outcome.FAIL if seen.conflicting_keys else Outcome.WARN,
                    f"{seen.repeated_keys:,} keys occur more than once in the {side} ({seen.repeated_rows:,} rows, "
                    f"{seen.conflicting_keys:,} keys with rows that differ); all their rows were left out.",
                    n=seen.repeated_rows,
                )
            )
    return found


def _scores(facts: Facts) -> list[Finding]:
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
                _finding(
                    "unusable-prediction",
                    outcome,
                    f"Predictions of the {side} that cannot be compared and were left out, of {seen.rows:,}: "
                    f"{_listed(faults)}.",
                    n=seen.null_scores + seen.nan_scores + seen.infinite_scores + seen.null_predictions,
                )
            )
        if seen.outside_scores:
            found.append(
                _finding(
                    "score-range",
                    outcome,
                    f"{seen.outside_scores:,} of {seen.rows:,} scores of the {side} lie outside 0..1 "
                    f"({seen.low_score:.4g} to {seen.high_score:.4g}) and were left out; are they log-odds?",
                    n=seen.outside_scores,
                )
            )
        if seen.stale_predictions:
            found.append(
                _finding(
                    "stale-prediction",
                    Outcome.WARN,
                    f"{seen.stale_predictions:,} of {seen.rows:,} decisions of the {side} contradict its scores at the "
                    "threshold; the column of decisions was believed.",
                    n=seen.stale_predictions,
                )
            )
    return found


def _labels(facts: Facts, pairs: PairFacts) -> list[Finding]:
    found = []
    for side, seen in [*facts.sides, *([("file of labels", facts.labels)] if facts.labels else [])]:
        if seen.odd_labels:
            examples = f" (for example {_listed(seen.odd_label_examples)})" if seen.odd_label_examples else ""
            what = "name no class" if facts.task == "binary" else "are not finite numbers"
            found.append(
                _finding(
                    "label-values",
                    Outcome.FAIL,
                    f"{seen.odd_labels:,} of {seen.rows:,} labels of the {side} {what}{examples}; they were left out.",
                    n=seen.odd_labels,
                )
            )
    if pairs.label_conflicts:
        found.append(
            _finding(
                "label-changed",
                _by_share(pairs.label_conflicts, pairs.paired),
                f"The label differs between the sides in {_of(pairs.label_conflicts, pairs.paired)} paired rows, which "
                "were left out of the quality metrics: the two artifacts do not describe the same data.",
                n=pairs.label_conflicts,
            )
        )
    if pairs.usable and not pairs.labelled:
        found.append(
            _finding(
                "labels-missing",
                Outcome.INCONCLUSIVE,
                f"None of the {pairs.usable:,} usable rows has a label, so quality was not measured.",
                n=0,
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
            reason = f"{_of(count, whole)} {said}{_hard_rows(facts, pairs) if name == 'removed-rows' else ''}."
            found.append(_finding(name, _by_share(count, whole), reason, n=count))
    return found


def _hard_rows(facts: Facts, pairs: PairFacts) -> str:
    """Say whether the missing rows are the hard ones: quality on the paired rows against quality on all rows."""
    if any(number is None for number in pairs.quality):
        return ""
    before, after, all_before, all_after = (float(number or 0.0) for number in pairs.quality)
    if facts.task == "binary":
        return (
            f"; accuracy moved by {100 * (after - before):+.2f} points on the paired rows and by "
            f"{100 * (all_after - all_before):+.2f} points if each side is taken over all its own rows"
        )
    return (
        f"; RMSE moved by {after - before:+.4g} on the paired rows and by {all_after - all_before:+.4g} if each "
        "side is taken over all its own rows"
    )


def _attributes(pairs: PairFacts) -> list[Finding]:
    found = []
    if pairs.time_conflicts:
        found.append(
            _finding(
                "time-changed",
                _by_share(pairs.time_conflicts, pairs.paired),
                f"The time differs between the sides in {_of(pairs.time_conflicts, pairs.paired)} paired rows; the "
                "baseline's was used.",
                n=pairs.time_conflicts,
            )
        )
    for column, count in pairs.slice_conflicts.items():
        if count:
            found.append(
                _finding(
                    "slice-changed",
                    _by_share(count, pairs.paired),
                    f"The slice column {column} differs between the sides in {_of(count, pairs.paired)} paired rows; "
                    "the baseline's values were used.",
                    n=count,
                )
            )
    return found


def unchanged(pairs: PairFacts) -> Finding:
    """Judge the intent "predictions must not change"."""
    if not pairs.paired:
        return _finding("predictions-changed", Outcome.INCONCLUSIVE, "No row was paired.", n=0, prefix="")
    if not pairs.changed:
        return _finding(
            "predictions-changed",
            Outcome.PASS,
            f"No prediction of {pairs.paired:,} differs by more than {pairs.tolerance:g} (relative above 1).",
            n=pairs.paired,
            prefix="",
        )
    largest = f", by at most {pairs.largest_change:.4g}" if pairs.largest_change is not None else ""
    return _finding(
        "predictions-changed",
        Outcome.FAIL,
        f"{_of(pairs.changed, pairs.paired)} predictions changed beyond {pairs.tolerance:g}{largest}, and the policy "
        "says `intent: unchanged`.",
        n=pairs.changed,
        prefix="",
    )


def not_measured(facts: Facts, *, group: bool, windows: bool) -> list[NotMeasured]:
    """List what a reader could believe was looked at. Needs the facts of the pairing."""
    pairs, found = facts.pairs, []
    if pairs is None:
        return []
    unlabelled = pairs.usable - pairs.labelled
    if unlabelled > 0:
        found.append(
            NotMeasured(
                what="quality of rows without a label",
                why=f"{_of(unlabelled, pairs.usable)} usable rows have no label (yet): only their behaviour counted",
            )
        )
    if windows and pairs.windows_without_time:
        found.append(NotMeasured(what="windows", why=f"{pairs.windows_without_time:,} usable rows have no time"))
    if group and pairs.no_group:
        found.append(
            NotMeasured(
                what="groups", why=f"{pairs.no_group:,} usable rows have no group; each was taken to stand alone"
            )
        )
    return found


def _finding(name: str, outcome: Outcome, reason: str, *, n: int | None = None, prefix: str = "contract-") -> Finding:
    return Finding(
        id=f"{prefix}{name}",
        metric="contract",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="Do both artifacts describe the same rows, completely?",
        method="count",
        n=n,
    )


def _by_share(count: int, whole: int) -> Outcome:
    return Outcome.FAIL if count > TOLERATED * whole else Outcome.WARN


def _of(count: int, whole: int) -> str:
    share = 100 * count / whole if whole else 0.0
    return f"{count:,} of {whole:,} ({share:.2g} %)"


def _listed(parts: tuple[str, ...] | list[str], most: int = 5) -> str:
    shown = ", ".join(parts[:most])
    return shown if len(parts) <= most else f"{shown} and {len(parts) - most} more"
