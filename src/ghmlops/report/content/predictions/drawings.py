"""What the drawings of a prediction diff show: scores by class, decisions by label, errors, slices by metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.regression import regression_details
from ghmlops.core.model import Direction
from ghmlops.report.content.prediction_rows import metric_facts
from ghmlops.report.content.predictions.distributions import drawing_of
from ghmlops.report.text.drawings import ConfusionTables, ScoreCurves, SliceMap
from ghmlops.report.text.numbers import MAX_FIXED, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.details.regression import FlipRow, SubgroupRow
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.text.blocks import Histogram

MAX_CLASSES = 12
"""Classes of a confusion table that is drawn; the table of decisions has them all."""
MAX_SLICES, MAX_METRICS = 40, 8


def score_curves(file: Evidence) -> list[ScoreCurves]:
    """Return the curves of each data set with a class that occurs, one point per bin."""
    curves = []
    for row in regression_details(file.details).score_bins:
        sides = {"baseline": row.baseline, "candidate": row.candidate}
        if all(map(_is_drawable, sides.values())):
            curves.append(ScoreCurves(row.dataset, {arm: [list(c) for c in side] for arm, side in sides.items()}))
    return curves


def _is_drawable(side: Sequence[Sequence[float]]) -> bool:
    """Return whether both classes have rows, counted in the same bins; evidence may contain anything."""
    numbers = [[finite(count) for count in counts] for counts in side]
    bounded = all(n is not None and 0 <= n < MAX_FIXED for counts in numbers for n in counts)
    return bounded and len({len(counts) for counts in side}) == 1 and all(sum(counts) > 0 for counts in side)


def confusion_tables(file: Evidence) -> list[ConfusionTables]:
    """Return the decisions of both sides by label, for each data set with at most `MAX_CLASSES` classes."""
    datasets: dict[str, list[FlipRow]] = {}
    for row in regression_details(file.details).flips:
        if row.label and 0 < (finite(row.rows) or 0.0) < MAX_FIXED:
            datasets.setdefault(row.dataset, []).append(row)
    tables = []
    for dataset, rows in datasets.items():
        names = list(dict.fromkeys(name for row in rows for name in (row.label, row.baseline, row.candidate)))
        if len(names) > MAX_CLASSES:
            continue
        names.sort()
        cells = {arm: [[0.0] * len(names) for _ in names] for arm in ("baseline", "candidate")}
        for row in rows:
            label = names.index(row.label)
            cells["baseline"][label][names.index(row.baseline)] += row.rows
            cells["candidate"][label][names.index(row.candidate)] += row.rows
        tables.append(ConfusionTables(dataset, names, cells))
    return tables


def errors(file: Evidence) -> list[Histogram]:
    """Return the distributions of the errors of a regression."""
    return [drawing for row in regression_details(file.details).errors if (drawing := drawing_of(row, None))]


def slice_maps(file: Evidence) -> list[SliceMap]:
    """Return the change of each metric in each slice as a multiple of its margin, per data set, the worst slices first.

    Positive numbers are losses.
    """
    facts = metric_facts(file)
    datasets: dict[str, list[SubgroupRow]] = {}
    for row in regression_details(file.details).slices:
        datasets.setdefault(row.dataset, []).append(row)
    maps = []
    for dataset, rows in datasets.items():
        losses: dict[str, dict[str, float]] = {}
        for row in rows:
            loss = _loss(row.change, facts.margins.get((dataset, row.metric)), facts.directions.get(row.metric))
            if loss is not None:
                losses.setdefault(row.subgroup, {})[row.metric] = loss
        metrics = list(dict.fromkeys(row.metric for row in rows))[:MAX_METRICS]
        slices = sorted(losses, key=lambda name: -max(losses[name].values()))[:MAX_SLICES]
        if len(slices) > 1:
            values = [[losses[name].get(metric) for metric in metrics] for name in slices]
            maps.append(SliceMap(dataset, metrics, slices, values, len(losses) - len(slices)))
    return maps


def _loss(change: float | None, margin: float | None, direction: Direction | None) -> float | None:
    number, limit = finite(change), finite(margin)
    if number is None or not limit or direction is None:
        return None
    ratio = number / abs(limit)
    return -ratio if direction is Direction.HIGHER else ratio if direction is Direction.LOWER else abs(ratio)


def rates(counts: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
    """Return false-positive rate, true-positive rate and precision at each threshold between bins, the highest first.

    Args:
        counts: Rows of the negative and of the positive class by bin of the score.
    """
    negatives, positives = sum(counts[0]), sum(counts[1])
    points, false, true = [(0.0, 0.0, 1.0)], 0.0, 0.0
    for negative, positive in zip(reversed(counts[0]), reversed(counts[1]), strict=True):
        false, true = false + negative, true + positive
        if negative or positive:
            points.append((false / negatives, true / positives, true / (false + true)))
    return points


def reliability(counts: Sequence[Sequence[float]], group: int) -> list[tuple[float, float, float]]:
    """Return mean score, share of positives and rows of each group of bins that has rows.

    The mean score is that of the centres of the bins.

    Args:
        counts: Rows of the negative and of the positive class by bin of the score.
        group: Bins per point.
    """
    bins, points = len(counts[0]), []
    for start in range(0, bins, group):
        span = range(start, min(start + group, bins))
        rows = [counts[0][i] + counts[1][i] for i in span]
        if (total := sum(rows)) > 0:
            score = sum(n * (i + 0.5) / bins for i, n in zip(span, rows, strict=True)) / total
            points.append((score, sum(counts[1][i] for i in span) / total, total))
    return points
