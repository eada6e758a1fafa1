"""Two builds of one artifact: the same bytes, the same content, within the tolerance, or not reproducible; and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import RebuiltRow, Reproducibility
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.contract.finding import count_of, enumerate_parts
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.predictions.behaviour.determinism import ColumnChange

MOST_COLUMNS = 50
"""Columns with a finding of their own, the most changed first; one finding sums up the others."""
WHOLE = 0.5
"""Share of rows from which a column is called changed as a whole."""
TINY = 1e-5
"""Largest difference that the order of sums in 32 or 64 bits explains, on numbers about 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What two builds gave for one data set. Pairs are (first build, second build)."""

    dataset: str
    names: tuple[str, ...] = ()
    """How the policy calls the artifact."""
    files: tuple[int, int]
    prints: tuple[str, str]
    """Of all its files, their names and bytes."""
    rows: tuple[int, int]
    missing: int = 0
    """Rows whose key is in the first build only."""
    added: int = 0
    repeated: int = 0
    """Keys that occur more than once; rows are then compared as multisets, without tolerance."""
    whole: int = 0
    """With repeated keys: rows of a common key whose values stand together in the first build only."""
    moved: int | None = None
    """Paired rows that stand elsewhere in the artifact; `None` where that is not known."""
    columns: tuple[ColumnChange, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    """Column to `float`, `time` or `other`."""
    only: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Columns that only one build has."""
    retyped: tuple[tuple[str, str, str], ...] = ()
    """(column, type in the first build, type in the second)."""
    unpaired: str = ""
    """Why rows could not be paired, where they could not."""

    @property
    def same_bytes(self) -> bool:
        """True where all files are the same, by name and SHA-256."""
        return self.prints[0] == self.prints[1]

    @property
    def other_schema(self) -> bool:
        """True where columns or types differ."""
        return bool(self.only[0] or self.only[1] or self.retyped)

    @property
    def kind(self) -> Reproducibility:
        """`bit-identical`, `same content`, `within tolerance`, `not reproducible`, or `not measured` without rows."""
        if self.same_bytes:
            return "bit-identical" if self.rows[0] else "not measured"
        changed = any(c.changed for c in self.columns)
        if changed or self.missing or self.added or self.whole or self.other_schema or self.unpaired:
            return "not reproducible"
        if not self.rows[0]:
            return "not measured"
        return "within tolerance" if any(c.within for c in self.columns) else "same content"


_OUTCOMES = {
    "bit-identical": Outcome.PASS,
    "same content": Outcome.PASS,
    "within tolerance": Outcome.PASS,
    "not reproducible": Outcome.FAIL,
    "not measured": Outcome.INCONCLUSIVE,
}


def judge(built: Rebuilt) -> list[Finding]:
    """Return one finding for the artifact, and one for each column that changed."""
    name = f"{enumerate_parts(list(built.names), 3)}: " if built.names else ""
    outcome = _OUTCOMES[built.kind]
    findings = [
        finding(
            f"rebuild-{built.kind.replace(' ', '-')}",
            outcome,
            f"{name}{sentence(built)}.",
            built.dataset,
            built.rows[0],
        )
    ]
    changed = sorted((c for c in built.columns if c.changed), key=lambda c: (-c.changed, c.column))
    findings += [_column(one, built) for one in changed[:MOST_COLUMNS]]
    if rest := changed[MOST_COLUMNS:]:
        said = f"{len(rest):,} more columns changed between the builds: {enumerate_parts([c.column for c in rest])}."
        findings.append(finding("rebuild-column", Outcome.FAIL, said, built.dataset, len(rest)))
    return findings


def sentence(built: Rebuilt) -> str:
    """Say what two builds gave, and what usually does that; no full stop."""
    files = f"{built.files[0]:,} file{'s' if built.files[0] != 1 else ''}"
    rows = f"{built.rows[0]:,} rows"
    if built.kind == "not measured":
        return "both builds wrote no row at all, so nothing is shown"
    if built.kind == "bit-identical":
        return f"two builds gave the same bytes ({files}, {rows})"
    if built.kind == "same content":
        return f"two builds gave the same {rows} in other bytes: {_layout(built)}{_repeated(built)}"
    if built.kind == "within tolerance":
        close = [c for c in built.columns if c.within]
        largest = max((c.largest or 0.0 for c in close), default=0.0)
        return (
            f"two builds agree within the tolerance: {enumerate_parts([c.column for c in close])} "
            f"by at most {largest:.2g}{_because(_cause(close, built))}"
        )
    return f"not reproducible: {'; '.join(_differences(built))}"


def _layout(built: Rebuilt) -> str:
    """Say what is not content."""
    if built.files[0] != built.files[1]:
        return f"{built.files[0]:,} against {built.files[1]:,} files (write a fixed number of files)"
    if built.moved:
        return f"{count_of(built.moved, built.rows[0])} rows stand elsewhere (write sorted, for example by the key)"
    if built.moved is None:
        return "the order of rows, the encoding, or what the footer says besides"
    return "the encoding, the names of the files, or what the footer says besides (a time stamp, a path?)"


def _differences(built: Rebuilt) -> list[str]:
    parts = []
    for columns, which in zip(built.only, ("first", "second"), strict=True):
        if columns:
            parts.append(f"only the {which} build has the columns {enumerate_parts(columns)}")
    parts += [f"{column} is {first} and then {second}" for column, first, second in built.retyped[:3]]
    if built.unpaired:
        parts.append(built.unpaired)
    if built.missing or built.added:
        rows = f"{built.missing:,} of {built.rows[0]:,} rows are not in the second build, {built.added:,} are new there"
        parts.append(f"{rows}{_because('sampling, or a query without a fixed end, decides which rows there are')}")
    changed = sorted((c for c in built.columns if c.changed), key=lambda c: (-c.changed, c.column))
    if changed:
        worst = changed[0]
        largest = "" if worst.largest is None else f", by at most {worst.largest:.3g}"
        more = enumerate_parts([c.column for c in changed])
        parts.append(
            f"{len(changed):,} of {len(built.columns):,} columns changed ({more}), {worst.column} in "
            f"{count_of(worst.changed, worst.rows)} rows{largest}{_because(_cause([worst], built))}"
        )
    if built.whole and not changed:
        parts.append(f"{built.whole:,} rows of repeated keys hold other combinations of values")
    parts[-1] += _repeated(built)
    return parts


def _repeated(built: Rebuilt) -> str:
    if not built.repeated:
        return ""
    return f"; {built.repeated:,} keys occur more than once, so rows were compared as multisets, not in pairs"


def _because(cause: str) -> str:
    return f" (typical: {cause})" if cause else ""


def _cause(changes: Sequence[ColumnChange], built: Rebuilt) -> str:
    """Return what usually makes such a difference; empty where nothing is typical."""
    kinds = {built.kinds.get(c.column, "other") for c in changes}
    small = all(c.largest is not None and c.largest <= TINY for c in changes)
    if kinds == {"float"} and small:
        return "the order of a parallel sum, or a GPU; compute it in a fixed order, or set `tolerance`"
    if kinds == {"time"}:
        return "the time of the build is written down"
    if built.repeated:
        return ""
    if all(c.rows and c.changed >= WHOLE * c.rows for c in changes):
        return "an unseeded random number"
    return "the order of a set or of threads, a tie broken by chance, or an unseeded random number in few rows"


def _column(change: ColumnChange, built: Rebuilt) -> Finding:
    largest = "" if change.largest is None else f", by at most {change.largest:.4g}"
    beyond = f" beyond the tolerance of {change.tolerance:g}" if change.tolerance else ""
    return Finding(
        id="rebuild-column",
        metric="reproducibility",
        outcome=Outcome.FAIL,
        reason=(
            f"{change.column}: {count_of(change.changed, change.rows)} values differ between two builds"
            f"{beyond}{largest}{_because(_cause([change], built))}."
        ),
        docs=f"{DOCS}#reproducibility",
        description=_ABOUT,
        dataset=built.dataset,
        candidate=evidence_number(change.largest),
        margin=evidence_number(change.tolerance),
        method="comparison of two builds",
        n=change.changed,
    )


_ABOUT = "Does the same commit, built twice in fresh folders, give the same artifact?"


def finding(rule: str, outcome: Outcome, reason: str, dataset: str = "", n: int | None = None) -> Finding:
    """Return a finding about two builds."""
    return Finding(
        id=rule,
        metric="reproducibility",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#reproducibility",
        description=_ABOUT,
        dataset=dataset,
        method="comparison of two builds",
        n=n,
    )


def rebuilt_row(built: Rebuilt) -> RebuiltRow:
    """Return the row of the table `builds` in the evidence."""
    return RebuiltRow(
        dataset=built.dataset,
        reproducibility=built.kind,
        files=built.files[0],
        files_again=built.files[1],
        rows=built.rows[0],
        rows_again=built.rows[1],
        missing=built.missing,
        added=built.added,
        moved=built.moved,
        repeated_keys=built.repeated,
        other_columns=(*built.only[0], *built.only[1], *(name for name, _, _ in built.retyped)),
    )
