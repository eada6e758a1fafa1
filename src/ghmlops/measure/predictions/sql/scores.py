# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""What sums cannot give: the scores themselves, or counts of them in bins where there are too many. Reads `pairs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import COARSE, FINE, Columns, Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.paired.aggregates import Ints
    from ghmlops.measure.predictions.engine.session import Session

_LABELLED = "ok AND y IS NOT NULL"


def read_columns(session: Session, *, grouped: bool, codes: Mapping[str, Ints]) -> Columns:
    """Read label and scores of the usable labelled rows, in an order that depends on nothing but their values.

    Args:
        session: has the view `pairs`.
        grouped: rows depend on each other within `g`.
        codes: of each cell of the cube, by the name of the bundle's code; none where cells are not asked for.
    """
    names = [*codes, *(["g"] if grouped else [])]
    listed = ", ".join(["CAST(y AS DOUBLE) AS y", "sa", "sb", *names])
    found = session.columns(f"SELECT {listed} FROM pairs WHERE {_LABELLED}")
    order = np.lexsort([_bits(found[name]) for name in reversed(names)] + [found["sb"], found["sa"], found["y"]])
    return Columns(
        label=_floats(found["y"])[order],
        baseline=_floats(found["sa"])[order],
        candidate=_floats(found["sb"])[order],
        group=_bits(found["g"]).view(np.uint64)[order] if grouped else None,
        cell=_cells([_bits(found[name])[order] for name in codes], codes) if codes else None,
    )


def _cells(rows: list[Ints], codes: Mapping[str, Ints]) -> Ints:
    """Return the cell of each row: the place of its codes among those of the cells."""
    known = np.stack([np.asarray(code) for code in codes.values()])
    merged, place = np.unique(np.concatenate([known, np.stack(rows)], axis=1), axis=1, return_inverse=True)
    cell_of = np.full(merged.shape[1], -1, dtype=np.int64)
    cell_of[place.ravel()[: known.shape[1]]] = np.arange(known.shape[1])
    return np.asarray(cell_of[place.ravel()[known.shape[1] :]], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fine:
    """Usable scores of one side of a binary task in `FINE` bins, one entry a combination that occurs, shape (k,)."""

    label: Ints
    """-1: the row has no label."""
    paired: np.ndarray
    """Usable on both sides."""
    place: Ints
    n: Ints


def read_fine(session: Session) -> tuple[Fine, Fine]:
    """Count the usable scores of both sides in bins."""
    first, second = (_fine(session, side) for side in "ab")
    return first, second


def read_grid(session: Session, fine: tuple[Fine, Fine]) -> Grid:
    """Count the usable labelled rows of a binary task in bins of their scores."""
    packed = f"(({_bin('sa', COARSE)} * {COARSE} + {_bin('sb', COARSE)}) * 2 + CAST(y AS INTEGER))"
    joint = session.columns(
        f"SELECT {packed} AS packed, count(*) AS n FROM pairs WHERE {_LABELLED} GROUP BY 1 ORDER BY 1"
    )
    pair, label = np.divmod(np.asarray(np.ma.getdata(joint["packed"]), dtype=np.int64), 2)
    first, second = np.divmod(pair, COARSE)
    sides = []
    for side in fine:
        counts = np.zeros((2, FINE), dtype=np.int64)
        used = side.paired & (side.label >= 0)
        np.add.at(counts, (side.label[used], side.place[used]), side.n[used])
        sides.append(counts)
    return Grid(
        baseline=sides[0],
        candidate=sides[1],
        label=label,
        first=first,
        second=second,
        n=np.asarray(np.ma.getdata(joint["n"]), dtype=np.int64),
    )


def _fine(session: Session, side: str) -> Fine:
    packed = f"({_bin(f's{side}', FINE)} * 6 + CAST(coalesce(y, -1) AS INTEGER) * 2 + 2 + CAST(ok AS INTEGER))"
    found = session.columns(f"SELECT {packed} AS packed, count(*) AS n FROM pairs WHERE u{side} GROUP BY 1 ORDER BY 1")
    place, rest = np.divmod(np.asarray(np.ma.getdata(found["packed"]), dtype=np.int64), 6)
    label, paired = np.divmod(rest, 2)
    return Fine(
        label=label - 1, paired=paired == 1, place=place, n=np.asarray(np.ma.getdata(found["n"]), dtype=np.int64)
    )


def _bin(score: str, bins: int) -> str:
    return f"CAST(least(floor({score} * {bins}), {bins - 1}) AS INTEGER)"


def _bits(values: np.ndarray) -> Ints:
    """Return 64-bit codes as signed integers; null becomes -1."""
    filled = np.ma.filled(np.ma.asarray(values), 0)
    signed = filled.view(np.int64) if filled.dtype == np.uint64 else np.asarray(filled, dtype=np.int64)
    return np.where(np.ma.getmaskarray(values), -1, signed) if np.ma.isMaskedArray(values) else signed


def _floats(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.ma.getdata(values), dtype=np.float64)
