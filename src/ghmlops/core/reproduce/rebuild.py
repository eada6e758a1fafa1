"""Comparison of two builds of one artifact: how far they agree, and the typical cause of a difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.details.rebuild import RebuiltRow, Reproducibility
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.contract.finding import count_of, enumerate_parts
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.predictions.behaviour.determinism import ColumnChange

MAX_COLUMN_FINDINGS = 50
"""Columns with a separate finding, the most changed first; one more finding summarises the others."""
MAX_NAMES = 3
"""Artifacts, or columns with another type, that a reason names."""
RANDOM_SHARE = 0.5
"""Share of changed rows from which an unseeded random number is the typical cause."""
ROUNDING_DIFFERENCE = 1e-5
"""Largest difference that the order of summation explains for 32- or 64-bit numbers of about 1."""
METHOD = "comparison of two builds"
DESCRIPTION = "Does the same commit, built twice in fresh folders, give the same artifact?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentComparison:
    """Comparison of the contents of two builds. Pairs are (first build, second build).

    Attributes:
        rows: number of rows.
        missing_rows: rows whose key is only in the first build.
        added_rows: rows whose key is only in the second build.
        repeated_keys: keys that occur more than once; the rows are then compared as multisets, without tolerance.
        mismatched_rows: with repeated keys, rows of a common key with a combination of values of the first build only.
        moved_rows: paired rows at different positions in the artifact; None if unknown.
        columns: comparison of each column that both builds have with the same type.
        column_kinds: column to `float`, `time` or `other`.
        extra_columns: columns that only one of the builds has.
        changed_types: (column, type in the first build, type in the second build).
        pairing_problem: why the rows cannot be paired; empty if they can.
    """

    rows: tuple[int, int]
    missing_rows: int = 0
    added_rows: int = 0
    repeated_keys: int = 0
    mismatched_rows: int = 0
    moved_rows: int | None = None
    columns: tuple[ColumnChange, ...] = ()
    column_kinds: dict[str, str] = field(default_factory=dict)
    extra_columns: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    changed_types: tuple[tuple[str, str, str], ...] = ()
    pairing_problem: str = ""

    @property
    def same_schema(self) -> bool:
        """Whether both builds have the same columns with the same types."""
        return not (self.extra_columns[0] or self.extra_columns[1] or self.changed_types)

    @property
    def changed_columns(self) -> list[ColumnChange]:
        """Columns with changed values, the most changed first."""
        return sorted((c for c in self.columns if c.changed), key=lambda change: (-change.changed, change.column))


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildComparison:
    """Comparison of two builds of one data set's artifact. Pairs are (first build, second build).

    Attributes:
        dataset: name of the data set; empty if there is a single one.
        names: specifications of the artifact in the policy.
        files: number of files.
        fingerprints: over the names and bytes of all files.
        content: comparison of the contents.
    """

    dataset: str
    names: tuple[str, ...] = ()
    files: tuple[int, int]
    fingerprints: tuple[str, str]
    content: ContentComparison

    @property
    def reproducibility(self) -> Reproducibility:
        """The strongest claim that holds; "not measured" if there are no rows."""
        content = self.content
        if self.fingerprints[0] == self.fingerprints[1]:
            return "bit-identical" if content.rows[0] else "not measured"
        rows_differ = content.missing_rows or content.added_rows or content.mismatched_rows or content.changed_columns
        if rows_differ or not content.same_schema or content.pairing_problem:
            return "not reproducible"
        if not content.rows[0]:
            return "not measured"
        return "within tolerance" if any(change.within for change in content.columns) else "same content"


_OUTCOMES = {
    "bit-identical": Outcome.PASS,
    "same content": Outcome.PASS,
    "within tolerance": Outcome.PASS,
    "not reproducible": Outcome.FAIL,
    "not measured": Outcome.INCONCLUSIVE,
}


def judge_builds(comparison: BuildComparison) -> list[Finding]:
    """Return one finding for the artifact and one for each changed column."""
    artifact = f"{enumerate_parts(comparison.names, MAX_NAMES)}: " if comparison.names else ""
    reproducibility, content = comparison.reproducibility, comparison.content
    findings = [
        build_finding(
            f"rebuild-{reproducibility.replace(' ', '-')}",
            _OUTCOMES[reproducibility],
            f"{artifact}{describe_builds(comparison)}.",
            comparison.dataset,
            content.rows[0],
        )
    ]
    changed = content.changed_columns
    findings += [_column_finding(change, comparison) for change in changed[:MAX_COLUMN_FINDINGS]]
    if others := changed[MAX_COLUMN_FINDINGS:]:
        names = enumerate_parts([change.column for change in others])
        reason = f"{len(others):,} more columns differ between the builds: {names}."
        findings.append(build_finding("rebuild-column", Outcome.FAIL, reason, comparison.dataset, len(others)))
    return findings


def describe_builds(comparison: BuildComparison) -> str:
    """Return how far the builds agree and the typical cause of a difference, without a full stop."""
    reproducibility, content = comparison.reproducibility, comparison.content
    rows = f"{content.rows[0]:,} rows"
    if reproducibility == "not measured":
        return "both builds wrote no rows, so nothing was compared"
    if reproducibility == "bit-identical":
        files = f"{comparison.files[0]:,} file{'' if comparison.files[0] == 1 else 's'}"
        return f"two builds wrote identical bytes ({files}, {rows})"
    if reproducibility == "same content":
        return f"two builds wrote the same {rows} in different bytes: {_layout(comparison)}{_repeated_keys(content)}"
    if reproducibility == "within tolerance":
        close = [change for change in content.columns if change.within]
        largest = max((change.largest or 0.0 for change in close), default=0.0)
        names = enumerate_parts([change.column for change in close])
        return f"two builds agree within the tolerance: {names} by at most {largest:.2g}{_cause(close, content)}"
    return f"two builds differ: {'; '.join(_differences(content))}{_repeated_keys(content)}"


def _layout(comparison: BuildComparison) -> str:
    """Return what differs in addition to the contents."""
    files, moved = comparison.files, comparison.content.moved_rows
    if files[0] != files[1]:
        return f"{files[0]:,} and {files[1]:,} files (write a fixed number of files)"
    if moved:
        rows = count_of(moved, comparison.content.rows[0])
        return f"{rows} rows have another position (write them sorted, for example by the key)"
    if moved is None:
        return "the order of the rows, the encoding or the metadata in the footer"
    return "the encoding, the names of the files or the metadata in the footer, such as a time stamp or a path"


def _differences(content: ContentComparison) -> list[str]:
    parts = []
    for columns, build in zip(content.extra_columns, ("first", "second"), strict=True):
        if columns:
            parts.append(f"only the {build} build has the columns {enumerate_parts(columns)}")
    parts += [
        f"{column} is {first} in the first build and {second} in the second"
        for column, first, second in content.changed_types[:MAX_NAMES]
    ]
    if content.pairing_problem:
        parts.append(content.pairing_problem)
    if content.missing_rows or content.added_rows:
        missing = f"{content.missing_rows:,} of {content.rows[0]:,} rows are not in the second build"
        cause = _typical_cause("sampling, or a query without a fixed end")
        parts.append(f"{missing} and {content.added_rows:,} are only there{cause}")
    if changed := content.changed_columns:
        worst = changed[0]
        largest = "" if worst.largest is None else f", by at most {worst.largest:.3g}"
        names = enumerate_parts([change.column for change in changed])
        parts.append(
            f"{len(changed):,} of {len(content.columns):,} columns changed ({names}), {worst.column} in "
            f"{count_of(worst.changed, worst.rows)} rows{largest}{_cause([worst], content)}"
        )
    elif content.mismatched_rows:
        parts.append(f"{content.mismatched_rows:,} rows of repeated keys have other combinations of values")
    return parts


def _repeated_keys(content: ContentComparison) -> str:
    if not content.repeated_keys:
        return ""
    return f"; {content.repeated_keys:,} keys are repeated, so rows were compared as multisets instead of pairs"


def _cause(changes: Sequence[ColumnChange], content: ContentComparison) -> str:
    """Return the typical cause of these changes in parentheses; an empty string if none is typical."""
    kinds = {content.column_kinds.get(change.column, "other") for change in changes}
    small = all(change.largest is not None and change.largest <= ROUNDING_DIFFERENCE for change in changes)
    if kinds == {"float"} and small:
        cause = "the order of a parallel sum, or a GPU; compute it in a fixed order, or set `tolerance`"
        return _typical_cause(cause)
    if kinds == {"time"}:
        return _typical_cause("the artifact contains the time of the build")
    if content.repeated_keys:
        return ""
    if all(change.rows and change.changed >= RANDOM_SHARE * change.rows for change in changes):
        return _typical_cause("an unseeded random number")
    return _typical_cause("the order of a set or of threads, a random tie-break, or a random number in few rows")


def _typical_cause(cause: str) -> str:
    return f" (typical cause: {cause})"


def _column_finding(change: ColumnChange, comparison: BuildComparison) -> Finding:
    largest = "" if change.largest is None else f", by at most {change.largest:.4g}"
    tolerance = f" by more than the tolerance of {change.tolerance:g}" if change.tolerance else ""
    return Finding(
        id="rebuild-column",
        metric="reproducibility",
        outcome=Outcome.FAIL,
        reason=(
            f"{change.column}: {count_of(change.changed, change.rows)} values differ between two builds"
            f"{tolerance}{largest}{_cause([change], comparison.content)}."
        ),
        docs=f"{DOCS}#reproducibility",
        description=DESCRIPTION,
        dataset=comparison.dataset,
        candidate=evidence_number(change.largest),
        margin=evidence_number(change.tolerance),
        method=METHOD,
        n=change.changed,
    )


def build_finding(rule: str, outcome: Outcome, reason: str, dataset: str = "", n: int | None = None) -> Finding:
    """Return a finding about two builds."""
    return Finding(
        id=rule,
        metric="reproducibility",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#reproducibility",
        description=DESCRIPTION,
        dataset=dataset,
        method=METHOD,
        n=n,
    )


def rebuilt_row(comparison: BuildComparison) -> RebuiltRow:
    """Return the row of the table `builds` in the evidence."""
    content = comparison.content
    return RebuiltRow(
        dataset=comparison.dataset,
        reproducibility=comparison.reproducibility,
        files=comparison.files[0],
        files_again=comparison.files[1],
        rows=content.rows[0],
        rows_again=content.rows[1],
        missing=content.missing_rows,
        added=content.added_rows,
        moved=content.moved_rows,
        repeated_keys=content.repeated_keys,
        other_columns=(*content.extra_columns[0], *content.extra_columns[1], *(c[0] for c in content.changed_types)),
    )
