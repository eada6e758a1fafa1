# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Reads the scores themselves, or counts them in bins if there are too many: for metrics that sums cannot provide.

All queries read the view `pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Columns, Grid
from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.paired.aggregates import Ints
    from ghmlops.measure.predictions.engine.session import Session

_LABELLED = "ok AND y IS NOT NULL"


def read_columns(session: Session, *, grouped: bool, codes: Mapping[str, Ints]) -> Columns:
    """Read label and scores of the usable labelled rows, in an order that depends only on their values.

    Args:
        session: a session with the view `pairs`.
        grouped: rows with the same `g` depend on each other.
        codes: code of each cell of the cube, by the name of the bundle's code; empty to leave out the cells.
    """
    names = [*codes, *(["g"] if grouped else [])]
    columns = ", ".join(["CAST(y AS DOUBLE) AS y", "sa", "sb", *names])
    rows = session.columns(f"SELECT {columns} FROM pairs WHERE {_LABELLED}")
    order = np.lexsort([as_ints(rows[name]) for name in reversed(names)] + [rows["sb"], rows["sa"], rows["y"]])
    return Columns(
        label=as_floats(rows["y"])[order],
        baseline=as_floats(rows["sa"])[order],
        candidate=as_floats(rows["sb"])[order],
        group=as_ints(rows["g"]).view(np.uint64)[order] if grouped else None,
        cell=_cells([as_ints(rows[name])[order] for name in codes], codes) if codes else None,
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


def read_binned_scores(session: Session) -> tuple[BinnedScores, BinnedScores]:
    """Count the usable scores of both sides in bins."""
    baseline, candidate = (_count_bins(session, side) for side in "ab")
    return baseline, candidate


def read_grid(session: Session, binned: tuple[BinnedScores, BinnedScores]) -> Grid:
    """Count the usable labelled rows of a binary task in bins of their scores."""
    bins = COARSE_BINS
    packed = f"(({_bin_sql('sa', bins)} * {bins} + {_bin_sql('sb', bins)}) * 2 + CAST(y AS INTEGER))"
    joint = session.columns(
        f"SELECT {packed} AS packed, count(*) AS n FROM pairs WHERE {_LABELLED} GROUP BY 1 ORDER BY 1"
    )
    pair, label = np.divmod(np.asarray(np.ma.getdata(joint["packed"]), dtype=np.int64), 2)
    baseline, candidate = np.divmod(pair, bins)
    sides = []
    for side in binned:
        counts = np.zeros((2, FINE_BINS), dtype=np.int64)
        used = side.paired & (side.label >= 0)
        np.add.at(counts, (side.label[used], side.bin[used]), side.n[used])
        sides.append(counts)
    return Grid(
        baseline=sides[0],
        candidate=sides[1],
        joint_label=label,
        joint_baseline=baseline,
        joint_candidate=candidate,
        joint_n=np.asarray(np.ma.getdata(joint["n"]), dtype=np.int64),
    )


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
