"""Recall and F1 of each class of a classification, on the paired rows: where a mean over classes hides harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ghmlops.core.metrics.accuracy import right
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats, Ints, decided_cells
from ghmlops.core.paired.change import Estimated, compare_estimates, compare_shares
from ghmlops.core.paired.confusion import class_f1, influence_error, labelled_rows, margins
from ghmlops.core.paired.metric import Metric

MARGIN = 0.005
RECALL = Metric(
    id="recall",
    title="recall",
    tasks=("multiclass",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=MARGIN,
    hunted=True,
)
F1 = replace(RECALL, id="f1", title="F1")
METRICS = {"recall": RECALL, "f1": F1}
"""What `per_class` returns the values of."""


def per_class(counts: Counts, tail: float) -> Mapping[str, Compared]:
    """Compare recall and F1 of every class over the rows of all cells together.

    Args:
        counts: the rows; those without a label are left out.
        tail: probability beyond each limit.

    Returns:
        "recall" and "f1", arrays of shape (classes,); `n` is the number of rows of the class. Recall is the accuracy
        within the class: McNemar mid-p and Tango's interval, or by clusters. F1 goes by the delta method on all rows.
        NaN where no row is of the class.
    """
    used = replace(labelled_rows(counts), cell=np.zeros_like(counts.cell[counts.label >= 0]), cells=1)
    within = replace(used, cell=used.label, cells=used.classes)
    recall = compare_shares(decided_cells(within, right, labelled=True), tail, Direction.HIGHER)
    return {"recall": recall, "f1": _f1(used, tail)}


def _f1(used: Counts, tail: float) -> Compared:
    (first, slope_first), (second, slope_second) = (class_f1(margins(used, d)) for d in (used.baseline, used.candidate))
    entry, concerned = _concerned(used)
    label, before, after = used.label[entry], used.baseline[entry], used.candidate[entry]

    def moved(decision: Ints, slope_right: Floats, slope: Floats) -> Floats:
        hit = (label == concerned) & (decision == concerned)
        once = (label == concerned).astype(np.float64) + (decision == concerned)
        return np.asarray(np.where(hit, slope_right[0, concerned], 0.0) + once * slope[0, concerned], dtype=np.float64)

    # along rows of the class and rows called so, the slopes of F1 are the same
    influence = moved(after, slope_second.right, slope_second.called)
    influence = influence - moved(before, slope_first.right, slope_first.called)
    spread = Counts(
        cells=used.classes,
        classes=used.classes,
        cell=concerned,
        label=label,
        baseline=before,
        candidate=after,
        n=used.n[entry],
        group=None if used.group is None else used.group[entry],
    )
    more = np.nan_to_num(np.maximum(np.abs(slope_first.right), np.abs(slope_second.right))[0])
    error, freedom = influence_error(spread, influence, more)
    found = Estimated(
        n=np.bincount(used.label, weights=used.n, minlength=used.classes).astype(np.float64),
        baseline=first[0],
        change=(second - first)[0],
        error=np.where(np.isfinite(second - first)[0], error, np.nan),
        freedom=freedom,
        method="paired delta method" + (", summed in clusters" if used.group is not None else ""),
    )
    return compare_estimates(found, tail, Direction.HIGHER)


def _concerned(used: Counts) -> tuple[Ints, Ints]:
    """Return (entry, class) for every class that an entry's label or either decision names, each once."""
    every = np.arange(len(used.n))
    by_before = used.baseline != used.label
    by_after = (used.candidate != used.label) & (used.candidate != used.baseline)
    entry = np.concatenate([every, every[by_before], every[by_after]])
    return entry, np.concatenate([used.label, used.baseline[by_before], used.candidate[by_after]])
