"""Sums of a row's value that follows from label and decision alone, computed from counts of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ghmlops.core.paired.aggregates import Cells, Counts, DecisionValue, Floats, Groups, Ints, Squares


def cells_from_decisions(counts: Counts, value: DecisionValue, *, labelled: bool) -> Cells:
    """Return the sums of a value that follows from label and decision, shape (counts.cells,).

    Args:
        counts: The counted rows.
        value: The value of a row by label and decision.
        labelled: Leave out rows without a label.
    """
    a = value(counts.label, counts.baseline)
    return cells_from_values(counts, a, value(counts.label, counts.candidate) - a, labelled=labelled)


def cells_from_values(counts: Counts, a: Floats, d: Floats, *, labelled: bool = False) -> Cells:
    """Return the sums of a value per cell, shape (counts.cells,).

    Args:
        counts: The counted rows.
        a: The baseline's value of a row of each entry, shape (k,).
        d: The difference candidate - baseline of a row of each entry, shape (k,).
        labelled: Leave out rows without a label.
    """
    mask = counts.label >= 0 if labelled else np.ones(len(counts.n), dtype=np.bool_)
    used, a, d = counts.select(mask), a[mask], d[mask]
    one = np.ones_like(used.n)
    terms = {"a": a, "d": d, "aa": a * a, "ad": a * d, "dd": d * d}

    def sums(factor: Floats) -> dict[str, Any]:
        return {name: _sum_by_cell(used, term * factor) for name, term in terms.items()}

    groups = None
    if used.group is not None:
        groups = _sum_groups(used.cell, used.group, tuple(used.mass * term for term in (one, a, d, d * d)))
    if used.weight is None or used.squares is None:
        return Cells(n=_sum_by_cell(used, used.n), **sums(used.n), groups=groups)
    return Cells(
        n=_sum_by_cell(used, used.n),
        **sums(used.weight),
        groups=groups,
        weight=_sum_by_cell(used, used.weight),
        squares=Squares(n=_sum_by_cell(used, used.squares), **sums(used.squares)),
    )


def _sum_by_cell(counts: Counts, values: Floats) -> Floats:
    return np.bincount(counts.cell, weights=values, minlength=counts.cells).astype(np.float64)


def _sum_groups(cell: Ints, group: Ints, values: tuple[Floats, ...]) -> Groups:
    pairs, index = np.unique(np.stack([cell, group]), axis=1, return_inverse=True)
    n, a, d, dd = (np.bincount(index.ravel(), weights=v, minlength=pairs.shape[1]).astype(np.float64) for v in values)
    return Groups(cell=pairs[0], n=n, a=a, d=d, dd=dd)
