# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Aggregates the paired rows by every combination of attribute values; see `ghmlops.core.paired.cube`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ghmlops.core.paired.aggregates import Groups, Squares
from ghmlops.core.paired.cube import Cube, Sums
from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints
from ghmlops.measure.predictions.sql.attribute_values import index_values
from ghmlops.measure.predictions.sql.pairing import OK, SIDE
from ghmlops.measure.predictions.sql.row_values.sums import SQUARED, masked_rows, values_sql, weight_sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import CellTable, Floats, Ints
    from ghmlops.measure.predictions.sql.row_values.sums import Kinds, RowSource
    from ghmlops.measure.predictions.sql.staging import StagedViews

_SUMS = ("n", "a", "d", "aa", "ad", "dd")


class CodedCube(msgspec.Struct, frozen=True, kw_only=True):
    """A cube, and the engine's codes of its cells."""

    cube: Cube
    codes: Mapping[str, Ints]
    """By name of a bundle's code: the 64 bits of the code of each cell, shape (m,)."""


def count_entries(views: StagedViews, columns: Sequence[str]) -> int:
    """Return the number of combinations of codes, label and decisions in the pairs; `columns` as in `read_cube`."""
    names = [f"c{i}" for i, bundle in enumerate(views.plan.bundles) if set(bundle) & set(columns)]
    combinations = f"SELECT DISTINCT {', '.join([*names, 'y', 'pa', 'pb'])} FROM pairs"
    return int(views.session.row(f"SELECT count(*) AS n FROM ({combinations})")["n"])


def read_cube(
    views: StagedViews, source: RowSource, request: tuple[Sequence[str], Kinds], *, collapsed: bool = False
) -> CodedCube:
    """Aggregate the rows by the codes of all bundles that contain a requested attribute.

    Args:
        views: the staged artifacts, with the rows of `source`.
        source: the rows.
        request: attributes by which rows are grouped, and the kinds of row values that are summed.
        collapsed: distinguish only right (1) and wrong (0) decisions, which keeps the cube small with many classes. The
            cube then has two classes, and cannot show churn or single classes.
    """
    session = views.session
    columns, kinds = request
    source = msgspec.structs.replace(source, classes=2) if collapsed else source
    bundles = [i for i, bundle in enumerate(views.plan.bundles) if set(bundle) & set(columns)]
    code_names = [f"c{i}" for i in bundles]
    has_classes = source.classes > 0
    without_classes = ("CASE WHEN y IS NULL THEN -1 ELSE 0 END", "-1", "-1")
    decisions = _decision_sql(collapsed=collapsed) if has_classes else without_classes
    parts = [f"{sql} AS {name}" for sql, name in zip(decisions, ("label", "baseline", "candidate"), strict=True)]
    rows = f"SELECT {', '.join([*code_names, 'state', *parts, *source.weight_columns])} FROM {source.table}"
    names = ", ".join([*code_names, "state", "label", "baseline", "candidate"])
    counts = ", ".join(["count(*) AS n", *weight_sums(session, source)])
    entries = session.columns(f"SELECT {names}, {counts} FROM ({rows}) GROUP BY {names} ORDER BY {names}")
    return _build_cube(views, source, (bundles, kinds), entries, _read_sums(views, source, code_names, kinds))


def _read_sums(views: StagedViews, source: RowSource, code_names: Sequence[str], kinds: Kinds) -> dict[str, np.ndarray]:
    """Return the sums of the usable rows by code.

    Values do not depend on decisions, so they are summed apart: the table of counts has several times as many rows, in
    each of which all sums would take part in the grouping.
    """
    if not kinds:
        return {name: np.zeros(0, np.int64) for name in code_names}
    values, sums = values_sql(views.session, views.layout, source, kinds)
    rows = f"SELECT {', '.join([*code_names, *source.weight_columns, *values])} FROM {masked_rows(source)} WHERE ok"
    by_code = f" GROUP BY {', '.join(code_names)} ORDER BY {', '.join(code_names)}" if code_names else ""
    return views.session.columns(f"SELECT {', '.join([*code_names, *sums])} FROM ({rows}){by_code}")


def _decision_sql(*, collapsed: bool) -> tuple[str, ...]:
    """Return SQL for the label and both decisions; -1 stands for null."""
    if not collapsed:
        return "coalesce(y, -1)", "coalesce(pa, -1)", "coalesce(pb, -1)"
    right = (f"CASE WHEN {p} IS NULL OR y IS NULL THEN -1 WHEN {p} = y THEN 1 ELSE 0 END" for p in ("pa", "pb"))
    return "CASE WHEN y IS NULL THEN -1 ELSE 1 END", *right


def _build_cube(
    views: StagedViews,
    source: RowSource,
    request: tuple[list[int], Kinds],
    entries: Mapping[str, np.ndarray],
    totals: Mapping[str, np.ndarray],
) -> CodedCube:
    """Build the cube from the counts and the sums; the distinct codes of the former are the cells."""
    bundles, kinds = request
    columns = tuple(attribute for i in bundles for attribute in views.plan.bundles[i])
    names = [f"c{i}" for i in bundles]
    state = as_ints(entries["state"])
    cells, cell, sum_cell = _number_cells(entries, totals, names)
    values, codes = index_values(views, bundles, cells) if names else ([], [])

    def column(name: str) -> Floats:  # a sum that no metric needs is not computed
        return as_floats(totals[name]) if name in totals else np.full(len(sum_cell), np.nan)

    def sums_of(kind: int) -> Sums:
        values: dict[str, Any] = {name: column(f"{name}{kind}") for name in _SUMS}
        if not source.weighted:
            return Sums(**values)
        squares = Squares(**{name: column(f"{name}{SQUARED}{kind}") for name in _SUMS})
        return Sums(**values, weight=column(f"w{kind}"), squares=squares)

    cube = Cube(
        columns=columns,
        values=tuple(values),
        codes=np.stack(codes) if codes else np.zeros((0, cells.shape[1]), np.int64),
        cell=cell,
        side=state & SIDE,
        usable=state == OK,
        label=as_ints(entries["label"]),
        baseline=as_ints(entries["baseline"]),
        candidate=as_ints(entries["candidate"]),
        n=as_floats(entries["n"]),
        sum_cell=sum_cell,
        sums={kind: sums_of(i) for i, kind in enumerate(kinds)},
        classes=source.classes,
        weight=as_floats(entries["weight"]) if source.weighted else None,
        squares=as_floats(entries["squares"]) if source.weighted else None,
    )
    return CodedCube(cube=cube, codes={name: cells[i] for i, name in enumerate(names)})


def _number_cells(
    entries: Mapping[str, np.ndarray], totals: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[Ints, Ints, Ints]:
    """Return the codes of the m cells, shape (codes, m), the cell of each entry, and the cell of each sum."""
    size = len(entries["n"])
    if not names:
        number = max((len(column) for column in totals.values()), default=0)
        return np.zeros((0, min(max(size, number), 1)), np.int64), np.zeros(size, np.int64), np.zeros(number, np.int64)
    stacked = np.stack([np.concatenate([as_ints(part[name]) for part in (entries, totals)]) for name in names])
    if len(names) == 1:  # the usual case, several times as fast as with axis=1
        cells, cell = np.unique(stacked[0], return_inverse=True)
        cells = cells[np.newaxis]
    else:
        cells, cell = np.unique(stacked, axis=1, return_inverse=True)
    cell = np.asarray(cell, dtype=np.int64).ravel()
    return cells, cell[:size], cell[size:]


def add_groups(
    views: StagedViews, source: RowSource, coded: CodedCube, table_and_kinds: tuple[CellTable, Kinds]
) -> CellTable:
    """Return the table with the sums and counts of each group of dependent rows within each of its cells."""
    session, (table, kinds) = views.session, table_and_kinds
    values, sums = values_sql(session, views.layout, source, kinds)
    rows = f"(SELECT {', '.join(['*', *values])} FROM {masked_rows(source)} WHERE ok) r"
    cell = "0"
    if coded.codes and table.cell_index is not None:
        session.load("cell_indices", {"cell": table.cell_index}, codes=coded.codes)
        on = " AND ".join(f"r.{name} IS NOT DISTINCT FROM l.{name}" for name in coded.codes)
        rows, cell = f"{rows} JOIN cell_indices l ON {on} AND l.cell >= 0", "l.cell"
    counts = table.counts
    if counts is not None:
        collapsed = counts.classes < source.classes
        decisions = zip(_decision_sql(collapsed=collapsed), ("label", "baseline", "candidate"), strict=True)
        parts = ", ".join(f"{sql} AS {name}" for sql, name in decisions)
        totals = ", ".join(["count(*) AS n", *weight_sums(session, source)])
        entries = session.columns(f"SELECT {cell} AS cell, g, {parts}, {totals} FROM {rows} GROUP BY ALL ORDER BY ALL")
        counts = msgspec.structs.replace(
            counts,
            cell=as_ints(entries["cell"]),
            label=as_ints(entries["label"]),
            baseline=as_ints(entries["baseline"]),
            candidate=as_ints(entries["candidate"]),
            group=as_ints(entries["g"]),
            n=as_floats(entries["n"]),
            weight=as_floats(entries["weight"]) if source.weighted else None,
            squares=as_floats(entries["squares"]) if source.weighted else None,
        )
    if not kinds:
        return msgspec.structs.replace(table, counts=counts)
    entries = session.columns(f"SELECT {cell} AS cell, g, {', '.join(sums)} FROM {rows} GROUP BY ALL ORDER BY ALL")
    sums_of = {
        kind: msgspec.structs.replace(table.sums[kind], groups=_groups(entries, i)) for i, kind in enumerate(kinds)
    }
    return msgspec.structs.replace(table, sums=sums_of, counts=counts)


def _groups(entries: Mapping[str, np.ndarray], kind: int) -> Groups:
    n = as_floats(entries[f"w{kind}" if f"w{kind}" in entries else f"n{kind}"])
    non_empty = n > 0
    sums = {name: as_floats(entries[f"{name}{kind}"])[non_empty] for name in ("a", "d", "dd")}
    return Groups(cell=as_ints(entries["cell"])[non_empty], n=n[non_empty], **sums)
