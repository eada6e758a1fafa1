"""Determinism classes of columns, and the intent that predictions do not change."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.behaviour.determinism import ColumnChange, determinism_table, judge_unchanged
from ghmlops.core.predictions.constants import MAX_FINDINGS


@pytest.mark.parametrize(
    ("identical", "within", "kind", "outcome"),
    [
        (100, 0, "bit-identical", Outcome.PASS),
        (60, 40, "within tolerance", Outcome.PASS),
        (60, 39, "changed", Outcome.FAIL),
    ],
)
def test_a_column_has_one_determinism_class(identical: int, within: int, kind: str, outcome: Outcome) -> None:
    """One value beyond the tolerance makes the column changed, and fails the intent."""
    change = ColumnChange(column="p", rows=100, identical=identical, within=within, largest=0.25, tolerance=0.1)
    (finding,) = judge_unchanged([change], "eu")
    assert (change.kind, finding.outcome, finding.id, finding.dataset) == (kind, outcome, "predictions-changed", "eu")


def test_a_change_is_reported_in_numbers() -> None:
    """The reason and the table have count, share, largest difference and tolerance."""
    change = ColumnChange(column="p", rows=1000, identical=900, within=75, largest=0.25, tolerance=1e-9)
    (finding,) = judge_unchanged([change])
    assert all(text in finding.reason for text in ("p: 25 of 1,000 (2.5 %)", "0.25", "1e-09", "`intent: unchanged`"))
    (row,) = determinism_table([change], "eu")
    assert (row.dataset, row.column, row.determinism, row.rows) == ("eu", "p", "changed", 1000)
    assert (row.changed, row.largest, row.tolerance) == (25, 0.25, 1e-9)


def test_a_null_that_became_a_number_has_no_largest_difference() -> None:
    """The reason has no largest difference if no difference is a number."""
    (finding,) = judge_unchanged([ColumnChange(column="p", rows=10, identical=9, within=0)])
    assert finding.outcome is Outcome.FAIL
    assert "up to" not in finding.reason


def test_nothing_paired_is_never_a_pass() -> None:
    """No row, or no column, is inconclusive and has the class "not measured"."""
    empty = ColumnChange(column="p", rows=0, identical=0, within=0)
    assert empty.kind == "not measured"
    assert [f.outcome for f in judge_unchanged([empty])] == [Outcome.INCONCLUSIVE]
    assert [f.outcome for f in judge_unchanged([])] == [Outcome.INCONCLUSIVE]


def test_a_thousand_columns_have_few_findings_and_hide_no_failure() -> None:
    """The worst columns have one finding each; one finding, as bad as its worst column, covers the others."""
    bad = [ColumnChange(column=f"bad{i}", rows=10, identical=9 - i % 3, within=0) for i in range(60)]
    good = [ColumnChange(column=f"good{i}", rows=10, identical=10, within=0) for i in range(940)]
    findings = judge_unchanged([*good, *bad])
    assert len(findings) == MAX_FINDINGS + 1
    assert {f.outcome for f in findings} == {Outcome.FAIL}
    assert findings[-1].n == 950
    assert all(text in findings[-1].reason for text in ("950", "10 changed", "0 have no", "940 are"))
