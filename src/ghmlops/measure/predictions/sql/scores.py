# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Reads the scores themselves, or counts them in bins if there are too many: for metrics that sums cannot provide.

All queries read the view `pairs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import replace

from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Columns, Grid, ScorePairs, effective_rows
from ghmlops.measure.predictions.sql.arrays import as_floats, as_floats_or_nan, as_ints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.measure.predictions.engine.session import Session

_LABELLED = "ok AND y IS NOT NULL"


def read_columns(
    session: Session,
    *,
    grouped: bool,
    codes: Mapping[str, Ints],
    only_labelled: bool = True,
    weighted: bool = False,
) -> tuple[Columns, ScorePairs]:
    """Read label and scores of the usable rows, in an order that depends only on their values.

    Args:
        session: a session with the view `pairs`.
        grouped: rows with the same `g` depend on each other.
        codes: code of each cell of the cube, by the name of the bundle's code; empty to leave out the cells.
        only_labelled: leave out rows without a label.
        weighted: rows have the weight `w`.

    Returns:
        The rows with a label, and the scores of all rows.
    """
    names = [*codes, *(["g"] if grouped else [])]
    columns = ", ".join(["CAST(y AS DOUBLE) AS y", "sa", "sb", *(["w"] if weighted else []), *names])
    rows = session.columns(f"SELECT {columns} FROM pairs WHERE {_LABELLED if only_labelled else 'ok'}")
    label = as_floats_or_nan(rows["y"])
    first, second = as_floats(rows["sa"]), as_floats(rows["sb"])
    weight = as_floats(rows["w"]) if weighted else None
    keys = [second, first, label] if weight is None else [weight, second, first, label]
    order = np.lexsort([as_ints(rows[name]) for name in reversed(names)] + keys)
    group = as_ints(rows["g"]).view(np.uint64)[order] if grouped else None
    weight = None if weight is None else weight[order]
    units = float(len(order) if group is None else len(np.unique(group)))
    if weight is not None and group is None:
        units = float(effective_rows(weight.sum(), weight @ weight))
    rows_read = None if weight is None else len(order)
    scores = ScorePairs(baseline=first[order], candidate=second[order], n=weight, units=units, rows=rows_read)
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
            weight=None if weight is None else weight[labelled],
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


class BinnedScores(msgspec.Struct, frozen=True, kw_only=True):
    """Usable scores of one side of a binary task in `FINE_BINS` bins, one entry per combination, shape (k,)."""

    label: Ints
    """Class of the label; -1 if the row has no label."""
    paired: np.ndarray
    """True if the row is usable on both sides."""
    bin: Ints
    """Index of the bin."""
    n: Ints
    """Number of rows."""
    weights: tuple[Floats, Floats] | None = None
    """Sum of the weights and of their squares; None if rows are not weighted."""


class JointBins(msgspec.Struct, frozen=True, kw_only=True):
    """Usable rows of a binary task by label and by both scores in `COARSE_BINS` bins each, shape (k,)."""

    label: Ints
    """Class of the label; -1 if the rows have none."""
    baseline: Ints
    candidate: Ints
    n: Ints
    """Number of rows."""
    weights: tuple[Floats, Floats] | None = None
    """Sum of the weights and of their squares; None if rows are not weighted."""

    def scores(self, clusters: int | None) -> ScorePairs:
        """Return the bins of all rows; `clusters` is None if rows are independent."""
        sides = self.baseline.astype(np.float64), self.candidate.astype(np.float64)
        n, rows, units = self.n.astype(np.float64), None, float(self.n.sum())
        if self.weights is not None:
            n, rows = self.weights[0], int(self.n.sum())
            units = float(effective_rows(self.weights[0].sum(), self.weights[1].sum()))
        units = units if clusters is None else float(clusters)
        return ScorePairs(baseline=sides[0], candidate=sides[1], n=n, units=units, rows=rows, bins=COARSE_BINS)

    def largest_share(self) -> float:
        """Return the share of the rows in the fullest bin of either side."""
        fullest = max(int(np.bincount(side, weights=self.n).max()) for side in (self.baseline, self.candidate))
        return fullest / int(self.n.sum())


class RowBins(msgspec.Struct, frozen=True, kw_only=True):
    """The bins of the scores of each row of a binary task, shape (n,).

    They are counted here in half of the time that the engine takes to group them, because each of its threads builds a
    table of up to 400,000 bins. Rows are unweighted: sums of weights must not depend on the order of rows.
    """

    label: NDArray[np.int8]
    """Class of the label; -1 if the row has no label."""
    usable: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """By side, baseline first: True if the row is usable on it."""
    bins: tuple[NDArray[np.int32], NDArray[np.int32]]
    """By side: index of the bin among `FINE_BINS`; 0 if the row is not usable on it."""

    def by_side(self) -> tuple[BinnedScores, BinnedScores]:
        """Count the usable scores of each side, as `read_binned_scores` does."""
        kinds = self.label * 2 + 2 + (self.usable[0] & self.usable[1])
        counts = [_count_codes(self.bins[side] * 6 + kinds, self.usable[side]) for side in (0, 1)]
        baseline, candidate = (_unpack_bins(codes, n) for codes, n in counts)
        return baseline, candidate

    def joint(self) -> JointBins:
        """Count the rows that are usable on both sides, as `read_joint_bins` does."""
        # Exact, because the factor is a power of 2.
        first, second = (bins // (FINE_BINS // COARSE_BINS) for bins in self.bins)
        codes = (first * COARSE_BINS + second) * 3 + self.label + 1
        return _unpack_joint(*_count_codes(codes, self.usable[0] & self.usable[1]))


def read_row_bins(session: Session) -> RowBins:
    """Read label and bins of all rows of a binary task."""
    # The engine may compute a bin before it tests a condition, so other scores are 0 before that.
    bins = [_bin_sql(f"(CASE WHEN u{side} THEN s{side} ELSE 0 END)", FINE_BINS) for side in "ab"]
    rows = session.columns(
        f"SELECT CAST(coalesce(y, -1) AS TINYINT) AS label, ua, ub, {bins[0]} AS bin_a, {bins[1]} AS bin_b FROM pairs"
    )
    return RowBins(
        label=rows["label"].astype(np.int8),
        usable=(rows["ua"].astype(np.bool_), rows["ub"].astype(np.bool_)),
        bins=(rows["bin_a"].astype(np.int32), rows["bin_b"].astype(np.int32)),
    )


def _count_codes(codes: NDArray[np.integer[Any]], counted: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the codes of the counted rows, ascending, and the number of rows of each."""
    counts = np.bincount(codes if counted.all() else codes[counted])
    present = np.flatnonzero(counts).astype(np.int64)
    return present, counts[present].astype(np.int64)


def read_binned_scores(session: Session, *, weighted: bool = False) -> tuple[BinnedScores, BinnedScores]:
    """Count the usable scores of both sides in bins."""
    baseline, candidate = (_count_bins(session, side, weighted=weighted) for side in "ab")
    return baseline, candidate


def read_joint_bins(session: Session, *, weighted: bool = False) -> JointBins:
    """Count the usable rows of a binary task, with or without a label, in bins of both scores."""
    bins = COARSE_BINS
    label = "CAST(coalesce(y, -1) AS INTEGER) + 1"
    packed = f"(({_bin_sql('sa', bins)} * {bins} + {_bin_sql('sb', bins)}) * 3 + {label})"
    totals = _totals_sql(session, weighted=weighted)
    joint = session.columns(f"SELECT {packed} AS packed, {totals} FROM pairs WHERE ok GROUP BY 1 ORDER BY 1")
    return _unpack_joint(as_ints(joint["packed"]), as_ints(joint["n"]), _weights(joint) if weighted else None)


def _unpack_joint(packed: Ints, n: Ints, weights: tuple[Floats, Floats] | None = None) -> JointBins:
    pair, code = np.divmod(packed, 3)
    baseline, candidate = np.divmod(pair, COARSE_BINS)
    return JointBins(label=code - 1, baseline=baseline, candidate=candidate, n=n, weights=weights)


def _totals_sql(session: Session, *, weighted: bool) -> str:
    """Return SQL for the number of rows as `n`, and for the sums of weights and of squared weights."""
    totals = ["count(*) AS n"]
    if weighted:
        totals += [f"{session.dialect.exact_sum(term)} AS {name}" for term, name in (("w", "weight"), ("w * w", "ww"))]
    return ", ".join(totals)


def _weights(entries: Mapping[str, np.ndarray]) -> tuple[Floats, Floats]:
    return as_floats(entries["weight"]), as_floats(entries["ww"])


def build_grid(binned: tuple[BinnedScores, BinnedScores], joint: JointBins) -> Grid:
    """Return the usable labelled rows of a binary task, counted in bins of their scores."""
    if joint.weights is None:
        return _grid(binned, joint, [side.n for side in (*binned, joint)])
    weights = [side.weights or (side.n, side.n) for side in (*binned, joint)]
    grid, squares = (_grid(binned, joint, [sums[power] for sums in weights]) for power in (0, 1))
    return replace(grid, squares=squares, weighted_rows=int(joint.n[joint.label >= 0].sum()))


def _grid(binned: tuple[BinnedScores, BinnedScores], joint: JointBins, sums: Sequence[Ints | Floats]) -> Grid:
    """Return the grid of one sum per entry: of the baseline's bins, the candidate's and the joint table."""
    sides: list[Ints | Floats] = []
    for side, values in zip(binned, sums, strict=False):
        counts: np.ndarray = np.zeros((2, FINE_BINS), dtype=values.dtype)
        used = side.paired & (side.label >= 0)
        np.add.at(counts, (side.label[used], side.bin[used]), values[used])
        sides.append(counts)
    labelled = joint.label >= 0
    return Grid(
        baseline=sides[0],
        candidate=sides[1],
        joint_label=joint.label[labelled],
        joint_baseline=joint.baseline[labelled],
        joint_candidate=joint.candidate[labelled],
        joint_n=sums[2][labelled],
    )


def count_groups(session: Session) -> int:
    """Count the groups of the usable rows."""
    return int(session.row("SELECT count(DISTINCT g) AS n FROM pairs WHERE ok")["n"])


def _count_bins(session: Session, side: str, *, weighted: bool) -> BinnedScores:
    score = _bin_sql(f"s{side}", FINE_BINS)
    packed = f"({score} * 6 + CAST(coalesce(y, -1) AS INTEGER) * 2 + 2 + CAST(ok AS INTEGER))"
    totals = _totals_sql(session, weighted=weighted)
    rows = session.columns(f"SELECT {packed} AS packed, {totals} FROM pairs WHERE u{side} GROUP BY 1 ORDER BY 1")
    return _unpack_bins(as_ints(rows["packed"]), as_ints(rows["n"]), _weights(rows) if weighted else None)


def _unpack_bins(packed: Ints, n: Ints, weights: tuple[Floats, Floats] | None = None) -> BinnedScores:
    index, rest = np.divmod(packed, 6)
    label, paired = np.divmod(rest, 2)
    return BinnedScores(label=label - 1, paired=paired == 1, bin=index, n=n, weights=weights)


def _bin_sql(score: str, bins: int) -> str:
    return f"CAST(least(floor({score} * {bins}), {bins - 1}) AS INTEGER)"
