"""Determinism: which columns are the same to the bit, within a tolerance, or changed, and by how much at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import ColumnRow, Determinism
from ghmlops.core.model import Finding, Outcome, worst
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.contract.finding import count_of
from ghmlops.core.predictions.ruling import tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = f"{judge.DOCS}#behaviour"
MOST_FINDINGS = 50
"""Columns with a finding of their own, the worst first; one finding sums up the others."""
MOST_LISTED = 200
"""Rows of a table in the evidence's details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """How many values of one column are the same on both sides, over the rows paired by key."""

    column: str
    rows: int
    identical: int
    """The same bit for bit; two nulls are, and so are two NaN."""
    within: int
    """Different, but by no more than the tolerance."""
    largest: float | None = None
    """Largest finite difference; None where nothing differs by a number."""
    tolerance: float = 0.0
    """Absolute up to 1, relative above."""

    @property
    def changed(self) -> int:
        """Rows that differ beyond the tolerance."""
        return self.rows - self.identical - self.within

    @property
    def kind(self) -> Determinism:
        """The determinism class; a column without a paired row has none."""
        if self.rows == 0:
            return "not measured"
        if self.identical == self.rows:
            return "bit-identical"
        return "changed" if self.changed else "within tolerance"

    @property
    def outcome(self) -> Outcome:
        """What the intent "predictions must not change" makes of it."""
        if self.rows == 0:
            return Outcome.INCONCLUSIVE
        return Outcome.FAIL if self.changed else Outcome.PASS


def determinism_table(changes: Sequence[ColumnChange], dataset: str = "") -> list[ColumnRow]:
    """Return the table `columns`, the columns that changed most first."""
    ranked = sorted(changes, key=lambda c: (-c.changed, -c.within, c.column))
    return [
        ColumnRow(
            dataset=dataset,
            column=change.column,
            determinism=change.kind,
            rows=change.rows,
            changed=change.changed,
            largest=tidy(change.largest),
            tolerance=tidy(change.tolerance),
        )
        for change in ranked[:MOST_LISTED]
    ]


def judge_unchanged(changes: Sequence[ColumnChange], dataset: str = "") -> list[Finding]:
    """Judge the intent "predictions must not change": a finding a column, and never a pass without a paired row."""
    if not changes:
        return [_unchanged(Outcome.INCONCLUSIVE, "No column was compared.", 0, dataset)]
    ranked = sorted(changes, key=lambda c: (-c.outcome.severity, -c.changed, c.column))
    found = [_unchanged(c.outcome, _told(c), c.changed or c.rows, dataset) for c in ranked[:MOST_FINDINGS]]
    if rest := ranked[MOST_FINDINGS:]:
        failed, unknown = (sum(c.outcome is o for c in rest) for o in (Outcome.FAIL, Outcome.INCONCLUSIVE))
        said = (
            f"{len(rest):,} more columns: {failed:,} changed, {unknown:,} without a paired row, "
            f"{len(rest) - failed - unknown:,} the same within their tolerance."
        )
        found.append(_unchanged(worst(c.outcome for c in rest), said, len(rest), dataset))
    return found


def _told(change: ColumnChange) -> str:
    if change.rows == 0:
        return f"{change.column}: no row was paired, so nothing is known."
    if change.kind == "bit-identical":
        return f"{change.column}: all {change.rows:,} values are the same bit for bit."
    largest = "" if change.largest is None else f", by at most {change.largest:.4g}"
    if change.changed:
        return (
            f"{change.column}: {count_of(change.changed, change.rows)} values changed beyond {change.tolerance:g}{largest}, "
            "and the policy says `intent: unchanged`."
        )
    return (
        f"{change.column}: {count_of(change.within, change.rows)} values differ{largest}, none of them by more than "
        f"{change.tolerance:g} (relative above 1)."
    )


def _unchanged(outcome: Outcome, reason: str, n: int, dataset: str) -> Finding:
    return Finding(
        id="predictions-changed",
        metric="determinism",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="Are the predictions the same, value by value?",
        dataset=dataset,
        method="count",
        n=n,
    )
