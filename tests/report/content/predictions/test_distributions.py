"""Distributions of both artifacts: which of them are drawn, and in which order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.details.regression import DistributionRow
from ghmlops.core.evidence.document import Evidence
from ghmlops.report.content.predictions.distributions import drift_table, histograms
from ghmlops.report.formats import html, markdown
from report import prediction_samples, samples


def with_distribution(**fields: Any) -> Evidence:
    """Return evidence with one distribution."""
    defaults: dict[str, Any] = {"dataset": "", "column": "x", "missing": (0, 0)}
    row = DistributionRow(**(defaults | fields))
    return prediction_samples.with_tables(prediction_samples.predictions(), distributions=[row])


@pytest.mark.parametrize(
    "odd",
    [
        {"edges": (0.0, 1.0), "baseline": (1, 2), "candidate": (2, 1)},
        {"edges": (0.0, 1.0, 1.0), "baseline": (1, 2), "candidate": (2, 1)},
        {"edges": (0.0, 1.0, None), "baseline": (1, 2), "candidate": (2, 1)},
        {"edges": (0.0, 1.0, 2.0), "baseline": (1, -2), "candidate": (2, 1)},
        {"edges": (0.0, 1.0, 2.0), "baseline": (1, 2), "candidate": (2,)},
        {"edges": (0.0, 1.0, 2.0), "baseline": (1, 10**400), "candidate": (2, 1)},
        {"values": ("a",), "baseline": (1, 2), "candidate": (2, 1)},
        {"edges": tuple(map(float, range(1001))), "baseline": (1,) * 1000, "candidate": (1,) * 1000},
        {"baseline": (1, 2), "candidate": (2, 1)},
        {"baseline": (), "candidate": ()},
    ],
)
def test_inconsistent_bins_and_counts_are_not_drawn(odd: dict[str, Any]) -> None:
    """Other lengths, edges that do not ascend, negative or absurd counts, more bins than the engine makes."""
    assert histograms(with_distribution(**odd)) == []


def test_columns_that_drifted_are_drawn_first() -> None:
    """Each drawing has its distances; only the page contains it."""
    whole = prediction_samples.predictions()
    order = [(histogram.column, histogram.distances) for histogram in histograms(whole)]
    assert order == [("age", "PSI 0.31, KS 0.18"), ("p_click", "PSI 0.024, KS 0.031"), ("device", "PSI 0.001")]
    report = samples.report(whole)
    assert html.page(report).count('aria-label="Distribution of') == 3
    assert "svg" not in markdown.summary(report)


def test_drift_is_sorted_by_outcome_and_then_by_psi() -> None:
    """A column that is not judged comes last, however far it moved."""
    whole = prediction_samples.predictions()
    rows = prediction_samples.details_of(whole).drift
    far = msgspec.structs.replace(rows[2], psi=9.0)
    table = drift_table(prediction_samples.with_tables(whole, drift=[far, *rows[:2]]))
    assert [markdown.inline(row[1]) for row in table.rows] == ["`age`", "`p_click`", "`device`"]
