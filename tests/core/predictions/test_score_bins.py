"""Scores by class and errors in bins, from the rows and from fine bins."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.paired.aggregates import FINE_BINS, Columns, Grid
from ghmlops.core.predictions.constants import ERROR_BINS
from ghmlops.core.predictions.constants import SCORE_BINS as BINS
from ghmlops.core.predictions.contract.facts import Facts, SchemaFacts, SideFacts
from ghmlops.core.predictions.observation import Observation
from ghmlops.core.predictions.score_bins import error_row, score_bins


def observation(**fields: object) -> Observation:
    rows = SideFacts(rows=1)
    facts = Facts(task="binary", has_label=True, schema=SchemaFacts(columns=1), baseline=rows, candidate=rows)
    return Observation(facts=facts, dataset="d", **fields)  # type: ignore[arg-type]


def test_rows_and_fine_bins_give_the_same_counts() -> None:
    """Every row is in one bin of its class; a score of 1 is in the last one, and an edge belongs to the upper bin."""
    label = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    scores = np.array([0.0, 1.0, 0.5, 0.999, 1 / BINS])
    columns = score_bins(observation(columns=Columns(label=label, baseline=scores, candidate=scores[::-1].copy())))
    assert columns is not None
    negative, positive = columns.baseline
    assert (len(negative), sum(negative), sum(positive)) == (BINS, 2, 3)
    assert {i: positive[i] for i in (1, 30, BINS - 1)} == {1: 1, 30: 1, BINS - 1: 1}
    assert {i: negative[i] for i in (0, BINS - 1)} == {0: 1, BINS - 1: 1}
    sides = []
    for side in (scores, scores[::-1]):
        counts = np.zeros((2, FINE_BINS), dtype=np.int64)
        np.add.at(counts, (label.astype(int), np.minimum((side * FINE_BINS).astype(int), FINE_BINS - 1)), 1)
        sides.append(counts)
    none = np.zeros(0, dtype=np.int64)
    grid = Grid(
        baseline=sides[0],
        candidate=sides[1],
        joint_label=none,
        joint_baseline=none,
        joint_candidate=none,
        joint_n=none,
    )
    assert score_bins(observation(grid=grid)) == columns


def test_weights_are_summed() -> None:
    """A weighted row counts by its weight."""
    one = np.array([1.0])
    row = score_bins(observation(columns=Columns(label=one, baseline=one, candidate=one, weight=np.array([2.5]))))
    assert row is not None
    assert row.candidate[1][-1] == 2.5


def test_errors_are_symmetric_around_zero() -> None:
    """Both sides share the bins; errors beyond the outermost edge are counted in the outermost bin."""
    label = np.linspace(-5, 5, 1001)
    shift = np.where(np.arange(1001) == 0, 1e6, 0.5)
    row = error_row(observation(columns=Columns(label=label, baseline=label - 0.25, candidate=label + shift)))
    assert row is not None
    assert row.edges is not None
    assert (len(row.edges), len(row.baseline)) == (ERROR_BINS + 1, ERROR_BINS)
    assert row.edges[0] == -(row.edges[-1] or 0.0) == pytest.approx(-0.5)
    assert (sum(row.baseline), sum(row.candidate)) == (1001, 1001)
    assert (row.candidate[-1], row.baseline[10]) == (1001, 1001)


@pytest.mark.parametrize("error", [0.0, np.inf])
def test_nothing_to_draw(error: float) -> None:
    """No rows, no error at all and infinite errors give no row."""
    label = np.zeros(3)
    assert error_row(observation(columns=Columns(label=label, baseline=label + error, candidate=label + error))) is None
    assert error_row(observation()) is None
    assert score_bins(observation()) is None
