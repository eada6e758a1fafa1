# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Reads the scores themselves, or counts them in bins if there are too many: for metrics that sums cannot provide.

All queries read the view `pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Columns, Grid, ScorePairs
from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.paired.aggregates import Ints
    from ghmlops.measure.predictions.engine.session import Session

_LABELLED = "ok AND y IS NOT NULL"


def read_columns(
    session: Session, *, grouped: bool, codes: Mapping[str, Ints], only_labelled: bool = True
) -> tuple[Columns, ScorePairs]:
    """Read label and scores of the usable rows, in an order that depends only on their values.

    Args:
        session: a session with the view `pairs`.
        grouped: rows with the same `g` depend on each other.
        codes: code of each cell of the cube, by the name of the bundle's code; empty to leave out the cells.
        only_labelled: leave out rows without a label.

    Returns:
        The rows with a label, and the scores of all rows.
    """
    names = [*codes, *(["g"] if grouped else [])]
    columns = ", ".join(["CAST(y AS DOUBLE) AS y", "sa", "sb", *names])
    rows = session.columns(f"SELECT {columns} FROM pairs WHERE {_LABELLED if only_labelled else 'ok'}")
    label = np.asarray(np.ma.filled(np.ma.asarray(rows["y"], dtype=np.float64), np.nan))
    first, second = as_floats(rows["sa"]), as_floats(rows["sb"])
    order = np.lexsort([as_ints(rows[name]) for name in reversed(names)] + [second, first, label])
    group = as_ints(rows["g"]).view(np.uint64)[order] if grouped else None
    units = len(order) if group is None else len(np.unique(group))
    scores = ScorePairs(baseline=first[order], candidate=second[order], units=units)
    cell = _cells([as_ints(rows[name])[order] for name in codes], codes) if codes else None
    # Rows without a label are last, because NaN is sorted behind all numbers.
    labelled = slice(0, int(np.isfinite(label).sum()))
    return (
        Columns(
            label=label[order][labelled],
            baseline=scores.baseline[labelled],
            candidate=scores.candidate[labelled],
            group=None if group is None else group[labelled],
            cell=None if cell is None else cell[labelled],
        ),
        scores,
    )


def _cells(row_codes: list[Ints], codes: Mapping[str, Ints]) -> Ints:
    """Return the cell of each row: the index of its codes among the codes of the cells; -1 if it is in no cell."""
    cell_codes = np.stack([np.asarray(code) for code in codes.values()])
    merged, index = np.unique(np.concatenate([cell_codes, np.stack(row_codes)], axis=1), axis=1, return_inverse=True)
    cells = cell_codes.shape[1]
    cell_of = np.full(merged.shape[1], -1, dtype=np.int64)
    cell_of[index.ravel()[:cells]] = np.arange(cells)
    return np.asarray(cell_of[index.ravel()[cells:]], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedScores:
    """Usable scores of one side of a binary task in `FINE_BINS` bins, one entry per combination, shape (k,)."""

    label: Ints
    """Class of the label; -1 if the row has no label."""
    paired: np.ndarray
    """True if the row is usable on both sides."""
    bin: Ints
    """Index of the bin."""
    n: Ints
    """Number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointBins:
    """Usable rows of a binary task by label and by both scores in `COARSE_BINS` bins each, shape (k,)."""

    label: Ints
    """Class of the label; -1 if the rows have none."""
    baseline: Ints
    candidate: Ints
    n: Ints
    """Number of rows."""

    def scores(self, units: int) -> ScorePairs:
        """Return the bins of all rows; `units` is the number of independent rows or clusters."""
        sides = self.baseline.astype(np.float64), self.candidate.astype(np.float64)
        n = self.n.astype(np.float64)
        return ScorePairs(baseline=sides[0], candidate=sides[1], n=n, units=units, bins=COARSE_BINS)

    def largest_share(self) -> float:
        """Return the share of the rows in the fullest bin of either side."""
        fullest = max(int(np.bincount(side, weights=self.n).max()) for side in (self.baseline, self.candidate))
        return fullest / int(self.n.sum())


def read_binned_scores(session: Session) -> tuple[BinnedScores, BinnedScores]:
    """Count the usable scores of both sides in bins."""
    baseline, candidate = (_count_bins(session, side) for side in "ab")
    return baseline, candidate


def read_joint_bins(session: Session) -> JointBins:
    """Count the usable rows of a binary task, with or without a label, in bins of both scores."""
    bins = COARSE_BINS
    label = "CAST(coalesce(y, -1) AS INTEGER) + 1"
    packed = f"(({_bin_sql('sa', bins)} * {bins} + {_bin_sql('sb', bins)}) * 3 + {label})"
    joint = session.columns(f"SELECT {packed} AS packed, count(*) AS n FROM pairs WHERE ok GROUP BY 1 ORDER BY 1")
    pair, code = np.divmod(np.asarray(np.ma.getdata(joint["packed"]), dtype=np.int64), 3)
    baseline, candidate = np.divmod(pair, bins)
    n = np.asarray(np.ma.getdata(joint["n"]), dtype=np.int64)
    return JointBins(label=code - 1, baseline=baseline, candidate=candidate, n=n)


def build_grid(binned: tuple[BinnedScores, BinnedScores], joint: JointBins) -> Grid:
    """Return the usable labelled rows of a binary task, counted in bins of their scores."""
    sides = []
    for side in binned:
        counts = np.zeros((2, FINE_BINS), dtype=np.int64)
        used = side.paired & (side.label >= 0)
        np.add.at(counts, (side.label[used], side.bin[used]), side.n[used])
        sides.append(counts)
    labelled = joint.label >= 0
    return Grid(
        baseline=sides[0],
        candidate=sides[1],
        joint_label=joint.label[labelled],
        joint_baseline=joint.baseline[labelled],
        joint_candidate=joint.candidate[labelled],
        joint_n=joint.n[labelled],
    )


def count_groups(session: Session) -> int:
    """Count the groups of the usable rows."""
    return int(session.row("SELECT count(DISTINCT g) AS n FROM pairs WHERE ok")["n"])


def _count_bins(session: Session, side: str) -> BinnedScores:
    score = _bin_sql(f"s{side}", FINE_BINS)
    packed = f"({score} * 6 + CAST(coalesce(y, -1) AS INTEGER) * 2 + 2 + CAST(ok AS INTEGER))"
    rows = session.columns(f"SELECT {packed} AS packed, count(*) AS n FROM pairs WHERE u{side} GROUP BY 1 ORDER BY 1")
    index, rest = np.divmod(np.asarray(np.ma.getdata(rows["packed"]), dtype=np.int64), 6)
    label, paired = np.divmod(rest, 2)
    return BinnedScores(
        label=label - 1, paired=paired == 1, bin=index, n=np.asarray(np.ma.getdata(rows["n"]), dtype=np.int64)
    )


def _bin_sql(score: str, bins: int) -> str:
    return f"CAST(least(floor({score} * {bins}), {bins - 1}) AS INTEGER)"
