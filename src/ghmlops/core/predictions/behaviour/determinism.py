"""Determinism: which columns are bit-identical, within their tolerance, or changed, and by how much at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.regression import ColumnRow, Determinism
from ghmlops.core.model import Finding, Outcome, worst
from ghmlops.core.predictions.constants import MAX_FINDINGS, MAX_TABLE_ROWS
from ghmlops.core.predictions.contract.finding import count_of
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number

if TYPE_CHECKING:
    from collections.abc import Sequence


class ColumnChange(msgspec.Struct, frozen=True, kw_only=True):
    """Comparison of one column, value by value, over the rows paired by key."""

    column: str
    rows: int
    identical: int
    """Rows that are the same bit for bit; two nulls are identical, and so are two NaN."""
    within: int
    """Rows that differ by no more than the tolerance."""
    largest: float | None = None
    """Largest finite difference; None if no difference is a number."""
    tolerance: float = 0.0
    """Largest difference that still counts as the same value: absolute up to 1, relative above."""

    @property
    def changed(self) -> int:
        """Number of rows that differ by more than the tolerance."""
        return self.rows - self.identical - self.within

    @property
    def kind(self) -> Determinism:
        """The determinism class of the column; "not measured" without a paired row."""
        if self.rows == 0:
            return "not measured"
        if self.identical == self.rows:
            return "bit-identical"
        return "changed" if self.changed else "within tolerance"

    @property
    def outcome(self) -> Outcome:
        """Outcome of the column under `intent: unchanged`."""
        if self.rows == 0:
            return Outcome.INCONCLUSIVE
        return Outcome.FAIL if self.changed else Outcome.PASS


def determinism_table(changes: Sequence[ColumnChange], dataset: str = "") -> list[ColumnRow]:
    """Return the rows of the table `columns`, most changed values first."""
    ranked = sorted(changes, key=lambda change: (-change.changed, -change.within, change.column))
    return [
        ColumnRow(
            dataset=dataset,
            column=change.column,
            determinism=change.kind,
            rows=change.rows,
            changed=change.changed,
            largest=evidence_number(change.largest),
            tolerance=evidence_number(change.tolerance),
        )
        for change in ranked[:MAX_TABLE_ROWS]
    ]


def judge_unchanged(changes: Sequence[ColumnChange], dataset: str = "") -> list[Finding]:
    """Judge `intent: unchanged` with one finding per column, at most `MAX_FINDINGS` and one for all others.

    Without a paired row the outcome is inconclusive, never a pass.
    """
    if not changes:
        return [_finding(Outcome.INCONCLUSIVE, "No column was compared.", 0, dataset)]
    ranked = sorted(changes, key=lambda change: (-change.outcome.severity, -change.changed, change.column))
    findings = [
        _finding(change.outcome, _reason(change), change.changed or change.rows, dataset)
        for change in ranked[:MAX_FINDINGS]
    ]
    if others := ranked[MAX_FINDINGS:]:
        outcomes = [change.outcome for change in others]
        failed, unknown = outcomes.count(Outcome.FAIL), outcomes.count(Outcome.INCONCLUSIVE)
        reason = (
            f"Of {len(others):,} more columns, {failed:,} changed, {unknown:,} have no paired row and "
            f"{len(others) - failed - unknown:,} are the same within their tolerance."
        )
        findings.append(_finding(worst(outcomes), reason, len(others), dataset))
    return findings


def _reason(change: ColumnChange) -> str:
    if change.rows == 0:
        return f"{change.column}: no row was paired, so no value was compared."
    if change.kind == "bit-identical":
        return f"{change.column}: all {change.rows:,} values are bit-identical."
    largest = "" if change.largest is None else f" by up to {change.largest:.4g}"
    if change.changed:
        return (
            f"{change.column}: {count_of(change.changed, change.rows)} values changed{largest}, more than the "
            f"tolerance of {change.tolerance:g}; the policy requires `intent: unchanged`."
        )
    return (
        f"{change.column}: {count_of(change.within, change.rows)} values differ{largest}, within the tolerance of "
        f"{change.tolerance:g} (relative above 1)."
    )


def _finding(outcome: Outcome, reason: str, n: int, dataset: str) -> Finding:
    return Finding(
        id="predictions-changed",
        metric="determinism",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#behaviour",
        description="Are the predictions the same, value by value?",
        dataset=dataset,
        method="count",
        n=n,
    )
