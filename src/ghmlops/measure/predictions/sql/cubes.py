# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Aggregates the paired rows by every combination of attribute values; see `ghmlops.core.paired.cube`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ghmlops.core.paired.aggregates import Groups, Squares
from ghmlops.core.paired.cube import Cube, Sums
from ghmlops.core.paired.custom_metric import placeholder
from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints
from ghmlops.measure.predictions.sql.attribute_values import index_values
from ghmlops.measure.predictions.sql.pairing import OK, SIDE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import CellTable, Floats, Ints
    from ghmlops.core.paired.metric import Metric
    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.staging import StagedViews

_SUMS = ("n", "a", "d", "aa", "ad", "dd")
SQUARED = "_squared"
"""End of the names of sums with squared weights."""
Kinds = tuple[tuple[str, bool], ...]
"""Kinds of row values that are summed: (template of the SQL, only labelled rows count)."""


class RowSource(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that are aggregated: single rows (`pairs`), or queries (`queries`)."""

    table: str
    classes: int
    """Number of classes; 0 for a task without classes."""
    weighted: bool = False
    """The rows have weights, the column `w`."""
    means: Mapping[bool, Mapping[str, float]] = msgspec.field(default_factory=dict)
    """Centring means of the label (`y0`) and of the sides' predictions (`p0a`, `p0b`), by whether only labelled rows
    count."""

    @property
    def weight_columns(self) -> list[str]:
        """The column of the weights, if there are weights."""
        return ["w"] if self.weighted else []


class CodedCube(msgspec.Struct, frozen=True, kw_only=True):
    """A cube, and the engine's codes of its cells."""

    cube: Cube
    codes: Mapping[str, Ints]
    """By name of a bundle's code: the 64 bits of the code of each cell, shape (m,)."""


def kinds_of(metrics: Sequence[Metric]) -> Kinds:
    """Return the kinds of row values that the metrics need, each once."""
    kinds = [(row, metric.needs_label) for metric in metrics for row in (metric.row, *metric.rows) if row]
    return tuple(dict.fromkeys(kinds))


def row_value_sql(layout: Layout, source: RowSource, kind: tuple[str, bool], side: str) -> str:
    """Return the row value of a metric on one side (`a` or `b`) as SQL over `pairs` or `queries`."""
    row, labelled = kind
    names = {"y": "y", "s": f"s{side}", "p": f"p{side}", "t": f"t{side}", "r": f"r{side}"}
    names["d"] = "0.0" if side == "a" else "d"
    if _is_self_masking(layout, kind):
        names["y"] = "z"
    if layout.policy.task == "binary":
        # Exactly s if the label is 1, and 1 - s if it is 0.
        names["t"] = f"abs(s{side} - (1.0 - {names['y']}))"
    for metric in ("ndcg", "mrr", "map", "recall-at-k"):
        names[metric] = f"{metric.replace('-', '_')}_{side}"
    names["cosine-distance"] = names["d"]
    names["distance"] = "0.0" if side == "a" else "abs(sb - sa)"
    names["changed"] = "0.0" if side == "a" else "CASE WHEN pa <> pb THEN 1e0 ELSE 0e0 END"
    if layout.policy.task == "text":
        names |= {"exact": f"exact_{side}", "normalised": f"normalised_{side}", "edits": f"edits_{side}"}
        changes = {"changed": "1 - CAST(same AS INTEGER)", "normalised-change": "1 - CAST(alike AS INTEGER)"}
        names |= {name: "0.0" if side == "a" else sql for name, sql in changes.items()}
        # Too long texts have no distance, on both sides.
        names["answer-distance"] = "0.0 * delta" if side == "a" else "delta"
    means = {name: f"CAST({mean!r} AS DOUBLE)" for name, mean in source.means.get(labelled, {}).items()}
    names |= {"y0": means["y0"], "p0": means[f"p0{side}"]} if means else {}
    names |= {placeholder(metric): f"o{index}{side}" for index, metric in enumerate(layout.policy.metrics)}
    return row.format(**names)


def _is_self_masking(layout: Layout, kind: tuple[str, bool]) -> bool:
    """Return True if a value is null without a condition when its row does not count: it is computed from `z`."""
    row, labelled = kind
    return layout.policy.task == "binary" and labelled and ("{y}" in row or "{t}" in row)


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
    counts = ", ".join(["count(*) AS n", *_weight_sums(session, source)])
    entries = session.columns(f"SELECT {names}, {counts} FROM ({rows}) GROUP BY {names} ORDER BY {names}")
    return _build_cube(views, source, (bundles, kinds), entries, _read_sums(views, source, code_names, kinds))


def _read_sums(views: StagedViews, source: RowSource, code_names: Sequence[str], kinds: Kinds) -> dict[str, np.ndarray]:
    """Return the sums of the usable rows by code.

    Values do not depend on decisions, so they are summed apart: the table of counts has several times as many rows, in
    each of which all sums would take part in the grouping.
    """
    if not kinds:
        return {name: np.zeros(0, np.int64) for name in code_names}
    values, sums = _values_sql(views.session, views.layout, source, kinds)
    rows = f"SELECT {', '.join([*code_names, *source.weight_columns, *values])} FROM {_masked_rows(source)} WHERE ok"
    by_code = f" GROUP BY {', '.join(code_names)} ORDER BY {', '.join(code_names)}" if code_names else ""
    return views.session.columns(f"SELECT {', '.join([*code_names, *sums])} FROM ({rows}){by_code}")


def _decision_sql(*, collapsed: bool) -> tuple[str, ...]:
    """Return SQL for the label and both decisions; -1 stands for null."""
    if not collapsed:
        return "coalesce(y, -1)", "coalesce(pa, -1)", "coalesce(pb, -1)"
    right = (f"CASE WHEN {p} IS NULL OR y IS NULL THEN -1 WHEN {p} = y THEN 1 ELSE 0 END" for p in ("pa", "pb"))
    return "CASE WHEN y IS NULL THEN -1 ELSE 1 END", *right


def _masked_rows(source: RowSource) -> str:
    """Return SQL for the rows with `z`, the label if the row counts: one test per row instead of one per value."""
    return f"(SELECT *, CASE WHEN ok THEN CAST(y AS DOUBLE) END AS z FROM {source.table}) t"


def _values_sql(session: Session, layout: Layout, source: RowSource, kinds: Kinds) -> tuple[list[str], list[str]]:
    """Return SQL for the values of each row on both sides, null if the row does not count, and SQL for their sums."""
    rows, sums = [], []
    custom = {f"{{{placeholder(metric)}}}" for metric in layout.policy.metrics}
    for i, (row, labelled) in enumerate(kinds):
        counts = "ok AND y IS NOT NULL" if labelled else "ok"
        for s in "ab":
            value = f"CAST({row_value_sql(layout, source, (row, labelled), s)} AS DOUBLE)"
            self_masking = _is_self_masking(layout, (row, labelled))
            rows.append(f"{value if self_masking else f'CASE WHEN {counts} THEN {value} END'} AS v{s}{i}")
        # Bounded values are present on both sides or on neither.
        bounded = layout.policy.task not in ("regression", "text") and row not in custom
        first, change = f"va{i}", f"(vb{i} - va{i})"
        paired = first if bounded else f"CASE WHEN vb{i} IS NOT NULL THEN va{i} END"
        terms = {
            "a": paired,
            "d": change,
            "aa": f"{paired} * {first}",
            "ad": f"{first} * {change}",
            "dd": f"{change} * {change}",
        }
        sums.append(f"count({change}) AS n{i}")
        if bounded:  # no metric of such a task needs the products with the baseline's value
            terms = {name: terms[name] for name in ("a", "d", "dd")}
        if source.weighted:
            sums += _weighted_sums(session.dialect, change, terms, i)
            continue
        for name, term in terms.items():
            total = session.dialect.bounded_sum(term) if bounded else session.dialect.exact_sum(term)
            sums.append(f"{total} AS {name}{i}")
    return rows, sums


def _weighted_sums(dialect: Dialect, change: str, terms: Mapping[str, str], kind: int) -> list[str]:
    """Return SQL for the sums of the weights, and of the terms with the weight and with its square as factor."""
    counted = f"CASE WHEN {change} IS NOT NULL THEN w END"
    sums = [f"{dialect.exact_sum(counted)} AS w{kind}", f"{dialect.exact_sum(f'({counted}) * w')} AS n{SQUARED}{kind}"]
    for factor, suffix in (("w", ""), ("w * w", SQUARED)):
        sums += [f"{dialect.exact_sum(f'{term} * {factor}')} AS {name}{suffix}{kind}" for name, term in terms.items()]
    return sums


def _weight_sums(session: Session, source: RowSource) -> list[str]:
    """Return SQL for the sums of the weights of all rows and of their squares, as `weight` and `squares`."""
    if not source.weighted:
        return []
    return [f"{session.dialect.exact_sum('w')} AS weight", f"{session.dialect.exact_sum('w * w')} AS squares"]


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
    values, sums = _values_sql(session, views.layout, source, kinds)
    rows = f"(SELECT {', '.join(['*', *values])} FROM {_masked_rows(source)} WHERE ok) r"
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
        totals = ", ".join(["count(*) AS n", *_weight_sums(session, source)])
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
