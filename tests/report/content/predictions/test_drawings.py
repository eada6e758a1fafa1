"""Curves, confusion tables and slices, as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.details.regression import FlipRow, ScoreBinsRow
from ghmlops.report.content.predictions import drawings
from report import prediction_samples


def test_rates_follow_the_thresholds() -> None:
    """The area under the points is the AUC of the binned scores, and the curve begins at 0 and ends at 1."""
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(7)
    negative, positive = generator.integers(0, 50, 60), generator.integers(0, 50, 60)
    points = drawings.rates([negative.tolist(), positive.tolist()])
    assert (points[0][:2], points[-1][:2]) == ((0.0, 0.0), (1.0, 1.0))
    area = np.trapezoid([true for _, true, _ in points], [false for false, _, _ in points])
    labels = np.repeat([0, 1], [negative.sum(), positive.sum()])
    scores = np.concatenate([np.repeat(np.arange(60), negative), np.repeat(np.arange(60), positive)])
    assert area == pytest.approx(sklearn.roc_auc_score(labels, scores))
    assert points[-1][2] == pytest.approx(positive.sum() / (positive.sum() + negative.sum()))


def test_reliability_of_groups_of_bins() -> None:
    """Each group has its mean score and its share of positives; a group without rows has no point."""
    (point,) = drawings.reliability([[3, 1, 0, 0], [1, 1, 0, 0]], 2)
    assert point == pytest.approx(((4 * 0.125 + 2 * 0.375) / 6, 2 / 6, 6))


def test_decisions_by_label() -> None:
    """Rows without a label are left out; both sides are counted by their own decisions."""
    (table,) = drawings.confusion_tables(prediction_samples.predictions())
    assert (table.dataset, table.classes) == ("", ["cat", "dog"])
    assert table.rows == {"baseline": [[741, 0], [12, 0]], "candidate": [[700, 41], [0, 12]]}
    many = [FlipRow(dataset="", label=f"c{i}", baseline="c0", candidate="c0", rows=1) for i in range(13)]
    assert drawings.confusion_tables(prediction_samples.with_tables(prediction_samples.predictions(), flips=many)) == []


def test_losses_of_slices() -> None:
    """A loss is a multiple of the margin, above zero if it is worse, and the worst slice is first."""
    (drawing,) = drawings.slice_maps(prediction_samples.predictions())
    assert drawing.metrics == ["accuracy"]
    worst = [row[0] or 0.0 for row in drawing.losses]
    assert worst == sorted(worst, reverse=True)
    assert worst[0] > 1 > 0 > worst[-1]


BAD = [
    ((1.0,), (1.0, 2.0)),
    ((-1.0, 2.0), (1.0, 2.0)),
    ((float("nan"), 2.0), (1.0, 2.0)),
    ((0.0, 0.0), (1.0, 2.0)),
    ((), ()),
]


@pytest.mark.parametrize("side", BAD)
def test_counts_that_cannot_be_drawn(side: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    """Evidence is hostile: other lengths, negative and missing counts, and a class without rows have no curve."""
    row = ScoreBinsRow(dataset="", baseline=((1.0, 2.0), (1.0, 2.0)), candidate=side)
    file = prediction_samples.with_tables(prediction_samples.predictions(), score_bins=[row])
    assert drawings.score_curves(file) == []
