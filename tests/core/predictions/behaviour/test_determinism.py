"""Determinism classes of columns."""

from __future__ import annotations

import pytest

from ghmlops.core.details.regression import ColumnRow
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.behaviour.determinism import (
    MOST_FINDINGS,
    ColumnChange,
    determinism_table,
    judge_unchanged,
)


@pytest.mark.parametrize(
    ("identical", "within", "kind", "outcome"),
    [
        (100, 0, "bit-identical", Outcome.PASS),
        (60, 40, "within tolerance", Outcome.PASS),
        (60, 39, "changed", Outcome.FAIL),
    ],
)
def test_a_column_has_one_determinism_class(identical: int, within: int, kind: str, outcome: Outcome) -> None:
    """One value beyond the tolerance is a change, and fails the intent."""
    change = ColumnChange(column="p", rows=100, identical=identical, within=within, largest=0.25, tolerance=0.1)
    (found,) = judge_unchanged([change], "eu")
    assert (change.kind, found.outcome, found.id, found.dataset) == (kind, outcome, "predictions-changed", "eu")


def test_a_change_is_told_in_numbers() -> None:
    """Count, share, tolerance and the largest difference."""
    change = ColumnChange(column="p", rows=1000, identical=900, within=75, largest=0.25, tolerance=1e-9)
    (found,) = judge_unchanged([change])
    expected = "p: 25 of 1,000 (2.5 %) values changed beyond 1e-09, by at most 0.25, and the policy says"
    assert found.reason.startswith(expected)
    assert determinism_table([change], "eu") == [
        ColumnRow(
            dataset="eu",
            column="p",
            determinism="changed",
            rows=1000,
            changed=25,
            largest=0.25,
            tolerance=1e-9,
        )
    ]


def test_a_null_that_became_a_number_has_no_largest_difference() -> None:
    """The sentence does not make one up."""
    (found,) = judge_unchanged([ColumnChange(column="p", rows=10, identical=9, within=0)])
    assert found.outcome is Outcome.FAIL
    assert "at most" not in found.reason


def test_nothing_paired_is_never_a_pass() -> None:
    """No row, or no column, is inconclusive, and a class of its own."""
    empty = ColumnChange(column="p", rows=0, identical=0, within=0)
    assert empty.kind == "not measured"
    assert [f.outcome for f in judge_unchanged([empty])] == [Outcome.INCONCLUSIVE]
    assert [f.outcome for f in judge_unchanged([])] == [Outcome.INCONCLUSIVE]


def test_a_thousand_columns_stay_few_findings_and_hide_no_failure() -> None:
    """The worst are told one by one; the rest is one finding, as bad as its worst."""
    bad = [ColumnChange(column=f"bad{i}", rows=10, identical=9 - i % 3, within=0) for i in range(60)]
    good = [ColumnChange(column=f"good{i}", rows=10, identical=10, within=0) for i in range(940)]
    found = judge_unchanged([*good, *bad])
    assert len(found) == MOST_FINDINGS + 1
    assert {f.outcome for f in found} == {Outcome.FAIL}
    assert found[-1].reason.startswith("950 more columns: 10 changed, 0 without a paired row, 940 the same")
