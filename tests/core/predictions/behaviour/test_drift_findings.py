"""Findings on drift, and the shortened distributions of the evidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from distribution_data import binned, categories
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Drift
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.core.predictions.behaviour.drift import distances
from ghmlops.core.predictions.behaviour.drift_findings import distribution_row, judge_drift
from ghmlops.core.predictions.constants import MAX_FINDINGS, MAX_TABLE_ROWS

LIMITS = Drift()


def outcomes(columns: list[Distribution], limits: Drift = LIMITS, **more: Any) -> dict[str, Outcome]:
    findings, _ = judge_drift(columns, limits, more.get("minimum", 200))
    return {f.id: f.outcome for f in findings}


def test_a_column_that_moved_is_a_warning_with_its_numbers() -> None:
    """Beyond the limit and beyond noise; the row of the table has the same outcome."""
    (finding, summary), (row,) = judge_drift([categories([900, 100], [600, 400])], LIMITS, 200, "eu")
    assert (finding.id, finding.outcome, finding.dataset) == ("drift-psi", Outcome.WARN, "eu")
    assert all(
        text in finding.reason for text in ("device", "population stability index 0.5", "0.2", "1,000 and 1,000")
    )
    assert (summary.id, summary.outcome) == ("drift-summary", Outcome.WARN)
    assert (row.dataset, row.column, row.outcome, row.ks) == ("eu", "device", Outcome.WARN, None)


def test_noise_alone_is_no_drift_however_large_the_index() -> None:
    """Two draws of 200 rows from 150 categories: the PSI is far beyond 0.2 by chance."""
    rng = np.random.default_rng(3)
    first, second = (np.bincount(rng.integers(0, 150, 200), minlength=150) for _ in range(2))
    column = categories(first.tolist(), second.tolist())
    psi = distances(column).psi
    assert psi is not None
    assert psi > 0.5
    assert outcomes([column]) == {"drift-summary": Outcome.PASS}


def test_the_farthest_distance_names_the_finding() -> None:
    """Four times the Wasserstein limit against less than twice that of the PSI; the other distance is named."""
    rng = np.random.default_rng(5)
    column = binned(rng.normal(size=5000), rng.normal(0.6, 1, 5000), np.linspace(-8, 8, 1025))
    (finding, _), _ = judge_drift([column], Drift(psi=0.2, wasserstein=0.15), 200)
    assert finding.id == "drift-wasserstein"
    assert "population stability index" in finding.reason


def test_too_few_rows_are_reported_and_not_judged() -> None:
    """A side with 100 rows has no outcome; if no column has enough rows, the summary warns instead of passing."""
    findings, (row,) = judge_drift([categories([900, 100], [50, 50])], LIMITS, 200)
    assert [(f.id, f.outcome) for f in findings] == [("drift-summary", Outcome.WARN)]
    assert row.outcome is None
    assert row.psi is not None
    assert row.psi > 0.2
    assert judge_drift([], LIMITS, 200) == ([], [])


def test_without_limits_drift_is_reported_only() -> None:
    """No column has a finding, and the summary passes."""
    findings, _ = judge_drift([categories([900, 100], [100, 900])], Drift(psi=None), 200)
    assert [f.outcome for f in findings] == [Outcome.PASS]
    assert findings[0].id == "drift-summary"


def test_a_thousand_drifting_columns_have_few_findings() -> None:
    """The largest distances come first, the others are counted."""
    columns = [
        Distribution(
            column=f"c{i}",
            baseline=np.array([5000, 5000]),
            candidate=np.array([8000 + i, 2000 - i]),
            missing=(0, 0),
            values=["a", "b"],
        )
        for i in range(1000)
    ]
    findings, rows = judge_drift(columns, LIMITS, 200)
    assert (len(findings), len(rows)) == (MAX_FINDINGS + 1, MAX_TABLE_ROWS)
    assert "c999" in findings[0].reason
    assert "1,000" in findings[-1].reason


def test_a_shortened_distribution_counts_every_row_and_resolves_the_middle() -> None:
    """A far outlier takes one bin, not most of the chart."""
    rng = np.random.default_rng(6)
    first, second = np.r_[rng.normal(size=10_000), 900.0], rng.normal(size=9_000)
    row = distribution_row(binned(first, second, np.r_[np.linspace(-6, 6, 2001), 1000.0]), dataset="eu")
    edges, before, after = (np.array(values) for values in (row.edges, row.baseline, row.candidate))
    assert (before.sum(), after.sum()) == (10_001, 9_000)
    assert 30 <= len(before) <= 40
    assert len(edges) == len(before) + 1
    assert np.all(np.diff(edges) > 0)
    assert before.max() < 0.2 * before.sum()
    assert (row.dataset, row.column, row.missing) == ("eu", "x", (0, 0))


def test_rare_categories_are_summed() -> None:
    """Thirty-nine values and all others."""
    row = distribution_row(categories(list(range(100, 0, -1)), [1] * 100))
    assert (len(row.values), row.values[-1], row.candidate[-1]) == (40, "all others", 61)
    few = distribution_row(categories([3, 2], [1, 0]))
    assert (few.values, few.baseline, few.candidate) == (("v0", "v1"), (3, 2), (1, 0))
