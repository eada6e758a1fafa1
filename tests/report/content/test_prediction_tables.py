"""Tables of a prediction diff: their order, and the numbers in their cells."""

from __future__ import annotations

import msgspec

from ghmlops.core.model import Outcome
from ghmlops.report.content.prediction_tables import (
    flips_tables,
    metrics_table,
    noise_table,
    subgroups_table,
)
from ghmlops.report.formats.markdown import inline
from ghmlops.report.text.blocks import Table
from report import prediction_samples, samples


def contents(table: Table) -> list[list[str]]:
    """Return the cells of a table as Markdown, with plain spaces and minus signs."""
    return [[inline(cell).replace("\u00a0", " ").replace("\u2212", "-") for cell in row] for row in table.rows]


def test_metrics_are_sorted_by_outcome() -> None:
    """Failures first, then passes, then metrics that are not judged; with rows, values, change, interval and limit."""
    rows = contents(metrics_table(prediction_samples.predictions()))
    assert [(row[0], row[1]) for row in rows] == [
        ("❌ fail", "`accuracy`"),
        ("❌ fail", "`auc`"),
        ("❌ fail", "`log-loss`"),
        ("✅ pass", "`brier`"),
        ("✅ pass", "`positive-rate`"),
        ("not judged", "`ece`"),
    ]
    assert rows[0][2:] == ["327,350", "81.2 %", "79.6 %", "**-1.6 pt** [-1.8, -1.4] ↓ worse", "≥ -0.5 pt"]


def test_only_the_metrics_that_did_not_pass() -> None:
    """What passed or is not judged is left out."""
    rows = contents(metrics_table(prediction_samples.predictions(), regressions_only=True))
    assert [row[1] for row in rows] == ["`accuracy`", "`auc`", "`log-loss`"]


def test_slices_are_sorted_by_outcome_and_then_by_p() -> None:
    """A failure comes before a pass with a smaller p; a row without an outcome comes last."""
    outcomes = {
        "a": (Outcome.PASS, 0.001),
        "b": (Outcome.FAIL, 0.02),
        "c": (Outcome.WARN, 0.0001),
        "d": (Outcome.FAIL, 0.01),
        "e": (None, 1e-9),
    }
    rows = [samples.subgroup(name, 0.0, p, outcome) for name, (outcome, p) in outcomes.items()]
    table = subgroups_table(prediction_samples.predictions(), rows, "Slice", "slices")
    assert [row[1] for row in contents(table)] == ["`d`", "`b`", "`c`", "`a`", "`e`"]
    assert table.expendable == 2


def test_flips_name_their_effect() -> None:
    """A matrix of few classes, flips before unchanged predictions, and no effect without a label."""
    matrix, listed = flips_tables(prediction_samples.predictions())
    assert contents(matrix) == [["`cat`", "700", "**53**"], ["`dog`", "**3**", "0"]]
    assert [(*row[:3], row[4]) for row in contents(listed)] == [
        ("`cat`", "`cat`", "`dog`", "correct → wrong"),
        ("`dog`", "`cat`", "`dog`", "wrong → correct"),
        ("\u2013", "`dog`", "`cat`", "changed"),
        ("`cat`", "`cat`", "`cat`", "still correct"),
    ]


def test_many_classes_have_no_matrix() -> None:
    """More than eight classes are a list only."""
    whole = prediction_samples.predictions()
    flip = prediction_samples.details_of(whole).flips[1]
    flips = [msgspec.structs.replace(flip, candidate=f"class {i}") for i in range(9)]
    assert len(flips_tables(prediction_samples.with_tables(whole, flips=flips))) == 1


def test_the_noise_floor_is_compared_like_a_baseline() -> None:
    """The second baseline's churn is on the left, the candidate's on the right, their difference is the change."""
    (row,) = contents(noise_table(prediction_samples.predictions()))
    assert row == ["⚠️ warn", "`churn`", "327,350", "1.12 → 1.53 %", "+0.41 pt [+0.36, +0.46] ↑ worse"]
