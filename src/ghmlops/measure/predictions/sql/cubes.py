# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""The paired rows, summed up by every combination of attribute values; see `ghmlops.core.paired.cube`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import Groups
from ghmlops.core.paired.cube import Cube, Sums, ordered
from ghmlops.core.paired.custom_metric import row_of
from ghmlops.measure.predictions.sql.pairing import OK, SIDE, STATES
from ghmlops.measure.predictions.sql.staging import Staged, attributes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import CellTable, Floats, Ints, Key
    from ghmlops.core.paired.cube import Value
    from ghmlops.core.paired.metric import Metric
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

_SUMS = ("n", "a", "d", "aa", "ad", "dd")
FIRST_ROWS = 500_000
"""Rows in which the values behind codes are looked for first."""
NO_CODE = -1
"""Of a row without a code, as `_whole` reads null."""
_INTEGERS = 2**31
Kinds = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows that are summed up: single rows (`pairs`), or queries (`queries`)."""

    table: str
    classes: int
    """0: a task without classes."""
    tolerance: float
    """Below it two scores are the same: absolute up to 1, relative above."""
    means: Mapping[bool, Mapping[str, float]] = field(default_factory=dict)
    """Of the label (`y0`) and of the sides' predictions (`p0a`, `p0b`), by whether only labelled rows count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A cube, and how its cells are called by the engine."""

    cube: Cube
    codes: Mapping[str, Ints]
    """Of each cell: the code of each bundle, as the engine's 64 bits."""


def kinds_of(metrics: Sequence[Metric]) -> Kinds:
    """Return what is summed for the metrics, each once."""
    found = [(row, metric.labelled) for metric in metrics for row in (metric.row, *metric.rows) if row]
    return tuple(dict.fromkeys(found))


def template(layout: Layout, source: Source, kind: tuple[str, bool], side: str) -> str:
    """Return a metric's row value on one side (`a` or `b`) as SQL over `pairs` or `queries`."""
    row, labelled = kind
    names = {"y": "y", "s": f"s{side}", "p": f"p{side}", "t": f"t{side}", "r": f"r{side}"}
    names["d"] = "0.0" if side == "a" else "d"
    if _masked(layout, kind):
        names["y"] = "z"
    if layout.policy.task == "binary":
        names["t"] = f"abs(s{side} - (1.0 - {names['y']}))"  # s where the label is 1, 1 - s where it is 0, exactly
    for metric in ("ndcg", "mrr", "map", "recall-at-k"):
        names[metric] = f"{metric.replace('-', '_')}_{side}"
    names["cosine-distance"] = names["d"]
    names["apart"] = "0.0" if side == "a" else "abs(sb - sa)"
    means = {name: f"CAST({mean!r} AS DOUBLE)" for name, mean in source.means.get(labelled, {}).items()}
    names |= {"y0": means["y0"], "p0": means[f"p0{side}"]} if means else {}
    names |= {row_of(metric): f"o{place}{side}" for place, metric in enumerate(layout.policy.metrics)}
    return row.format(**names)


def _masked(layout: Layout, kind: tuple[str, bool]) -> bool:
    """True where a value is null by itself if its row does not count: it is computed from `z`, see `_values`."""
    row, labelled = kind
    return layout.policy.task == "binary" and labelled and ("{y}" in row or "{t}" in row)


def count_entries(at: Staged, chosen: Sequence[str]) -> int:
    """Return how many combinations of codes, label and decisions the pairs have; `chosen` as in `read_cube`."""
    names = [f"c{i}" for i, bundle in enumerate(at.plan.bundles) if set(bundle) & set(chosen)]
    inner = f"SELECT DISTINCT {', '.join([*names, 'y', 'pa', 'pb'])} FROM pairs"
    return int(at.session.row(f"SELECT count(*) AS n FROM ({inner})")["n"])


def read_cube(at: Staged, source: Source, wanted: tuple[Sequence[str], Kinds], *, collapsed: bool = False) -> Read:
    """Sum up by the codes of the bundles that hold the attributes `wanted[0]`; `wanted[1]` is what is summed.

    `collapsed`: of label and decisions only right (1) and wrong (0) are told apart, which keeps many classes small; the
    cube then has two classes, and says nothing of churn or of single classes.
    """
    session, layout = at.session, at.layout
    chosen, kinds = wanted
    source = dataclasses.replace(source, classes=2) if collapsed else source
    bundles = [i for i, bundle in enumerate(at.plan.bundles) if set(bundle) & set(chosen)]
    code_names = [f"c{i}" for i in bundles]
    classed = source.classes > 0
    label, *sides = _decided(collapsed=collapsed) if classed else ("CASE WHEN y IS NULL THEN -1 ELSE 0 END", "-1", "-1")
    shape = (STATES, max(source.classes, 1) + 1, source.classes + 1, source.classes + 1)
    packed = f"CAST(state AS {'INTEGER' if math.prod(shape) < _INTEGERS else 'BIGINT'})"
    # Grouping by one number takes half as long as by four.
    for size, sql in zip(shape[1:], (label, *sides), strict=True):
        packed = f"({packed} * {size} + ({sql} + 1))"
    values, sums = _values(session, layout, source, kinds)
    inner = f"SELECT {', '.join([*code_names, f'{packed} AS packed', *values])} FROM {_marked(source)}"
    names = ", ".join([*code_names, "packed"])
    found = session.columns(
        f"SELECT {', '.join([names, 'count(*) AS n', *sums])} FROM ({inner}) GROUP BY {names} ORDER BY {names}"
    )
    state, *parts = (np.asarray(part, dtype=np.int64) for part in np.unravel_index(_whole(found["packed"]), shape))
    split = dict(zip(("label", "baseline", "candidate"), (part - 1 for part in parts), strict=True))
    return _read(at, source, (bundles, kinds), found | split | {"side": state & SIDE, "ok": state == OK})


def _decided(*, collapsed: bool) -> tuple[str, ...]:
    """Return SQL for label and both decisions, -1 where there is none."""
    if not collapsed:
        return "coalesce(y, -1)", "coalesce(pa, -1)", "coalesce(pb, -1)"
    right = (f"CASE WHEN {p} IS NULL OR y IS NULL THEN -1 WHEN {p} = y THEN 1 ELSE 0 END" for p in ("pa", "pb"))
    return "CASE WHEN y IS NULL THEN -1 ELSE 1 END", *right


def _marked(source: Source) -> str:
    """Return SQL for the rows with `z`, the label where the row counts: one test of a row instead of one a value."""
    return f"(SELECT *, CASE WHEN ok THEN CAST(y AS DOUBLE) END AS z FROM {source.table}) t"


def _values(session: Session, layout: Layout, source: Source, kinds: Kinds) -> tuple[list[str], list[str]]:
    """Return SQL for each row's value on both sides, null where the row does not count, and for the sums of them."""
    rows, sums = [], []
    own = {f"{{{row_of(metric)}}}" for metric in layout.policy.metrics}
    for i, (row, labelled) in enumerate(kinds):
        counts = "ok AND y IS NOT NULL" if labelled else "ok"
        for s in "ab":
            value = f"CAST({template(layout, source, (row, labelled), s)} AS DOUBLE)"
            masked = _masked(layout, (row, labelled))
            rows.append(f"{value if masked else f'CASE WHEN {counts} THEN {value} END'} AS v{s}{i}")
        bounded = layout.policy.task != "regression" and row not in own
        first, change = f"va{i}", f"(vb{i} - va{i})"
        both = first if bounded else f"CASE WHEN vb{i} IS NOT NULL THEN va{i} END"  # bounded: both sides or none
        terms = {
            "a": both,
            "d": change,
            "aa": f"{both} * {first}",
            "ad": f"{first} * {change}",
            "dd": f"{change} * {change}",
        }
        sums.append(f"count({change}) AS n{i}")
        for name, term in terms.items():
            if bounded and name in ("aa", "ad"):  # no metric of such a task reads them
                continue
            total = session.dialect.bounded_sum(term) if bounded else session.dialect.exact_sum(term)
            sums.append(f"{total} AS {name}{i}")
    return rows, sums


def _read(
    at: Staged,
    source: Source,
    read: tuple[list[int], Kinds],
    found: dict[str, np.ndarray],
) -> Read:
    bundles, kinds = read
    columns = tuple(attribute for i in bundles for attribute in at.plan.bundles[i])
    names = [f"c{i}" for i in bundles]
    stacked = np.stack([_whole(found[name]) for name in names]) if names else np.zeros((0, len(found["n"])), np.int64)
    cells, cell = stacked[:, :1], np.zeros(len(found["n"]), np.int64)
    if len(names) == 1:  # the usual case, and several times as fast
        cells, cell = np.unique(stacked[0], return_inverse=True)
        cells = cells[np.newaxis]
    elif names:
        cells, cell = np.unique(stacked, axis=1, return_inverse=True)
    values, codes = _attributes(at, bundles, cells) if names else ([], [])

    def summed(name: str) -> Floats:  # what no metric reads is not summed
        return _floats(found[name]) if name in found else np.full(len(found["n"]), np.nan)

    cube = Cube(
        columns=columns,
        values=tuple(values),
        codes=np.stack(codes) if codes else np.zeros((0, cells.shape[1]), np.int64),
        cell=np.asarray(cell, dtype=np.int64).ravel(),
        side=found["side"],
        usable=found["ok"],
        label=found["label"],
        baseline=found["baseline"],
        candidate=found["candidate"],
        n=_floats(found["n"]),
        sums={kind: Sums(**{name: summed(f"{name}{i}") for name in _SUMS}) for i, kind in enumerate(kinds)},
        classes=source.classes,
    )
    return Read(
        cube=cube,
        codes={name: cells[i] for i, name in enumerate(names)},
    )


def _attributes(at: Staged, bundles: list[int], cells: Ints) -> tuple[list[list[Value]], list[Ints]]:
    """Return, for each attribute, the values that occur, and the place of each cell's value among them."""
    values: list[list[Value]] = []
    codes: list[Ints] = []
    for row, i in zip(cells, bundles, strict=True):
        known = values_of(at, i, row)
        blank = (None,) * len(at.plan.bundles[i])
        keys = [known.get(code, blank) for code in row.tolist()]
        for column in zip(*keys, strict=True) if keys else [()] * len(blank):
            seen = dict.fromkeys(zip(map(type, column), column, strict=True))  # True and 1 are two values
            own = ordered([value for _, value in seen])
            where = {(type(value), value): code for code, value in enumerate(own)}
            values.append(own)
            codes.append(np.array([where[type(value), value] for value in column], dtype=np.int64))
    return values, codes


def values_of(at: Staged, place: int, wanted: Ints) -> dict[int, Key]:
    """Return code to attribute values of one bundle, for the codes that are wanted.

    Most are found in the first rows of an artifact; the artifact is read as a whole only for what is not.
    """
    session, short, hourly = at.session, attributes(at.layout), at.layout.policy.window == "1h"
    names = [short[a] for a in at.plan.bundles[place]]
    shown = ", ".join(f"{session.dialect.iso('w', hourly=hourly)} AS w" if name == "w" else name for name in names)
    firsts = ", ".join(f"any_value({name}) AS {name}" for name in names)
    found: dict[int, Key] = {}
    if not names:
        return found
    for role, most in ((r, m) for r in ("baseline", "candidate") for m in (FIRST_ROWS, None)):
        missing = np.setdiff1d(wanted[wanted != NO_CODE], np.fromiter(found, np.int64, len(found)))
        if not len(missing):
            break
        session.load("missing", {}, codes={f"c{place}": missing})
        rows = f"SELECT c{place}, {', '.join(names)} FROM side_{role}{'' if most is None else f' LIMIT {most}'}"
        chosen = f"SELECT * FROM ({rows}) r SEMI JOIN missing USING (c{place})"
        told = f"SELECT c{place}, {firsts} FROM ({chosen}) GROUP BY c{place}"
        for code, *values in session.rows(f"SELECT c{place}, {shown} FROM ({told})"):
            found.setdefault(_signed(int(code)), tuple(_value(value) for value in values))
    return found


def _signed(code: int) -> int:
    """Return 64 bits as NumPy holds them in a signed integer."""
    return code - 2**64 if code >= 2**63 else code


def _value(value: object) -> Value:
    """Return a value of an attribute as JSON has it."""
    if value is None or type(value) in _PLAIN:  # by far the most, and there may be 100,000 of them
        return value  # type: ignore[return-value]
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    return str(value)


_PLAIN = frozenset({str, int, bool})


def _whole(values: np.ndarray) -> Ints:
    """Return integers as 64 bits; null becomes -1."""
    filled = np.ma.filled(np.ma.asarray(values), 0)
    whole = np.asarray(filled).astype(np.int64) if filled.dtype != np.uint64 else np.asarray(filled).view(np.int64)
    return np.where(np.ma.getmaskarray(values), -1, whole) if np.ma.isMaskedArray(values) else whole


def _floats(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.ma.getdata(values), dtype=np.float64)


def with_groups(at: Staged, source: Source, read: Read, cut: tuple[CellTable, Kinds]) -> CellTable:
    """Return the table with the sums and counts of each cluster inside each of its cells."""
    session, (table, kinds) = at.session, cut
    values, sums = _values(session, at.layout, source, kinds)
    rows = f"(SELECT {', '.join(['*', *values])} FROM {_marked(source)} WHERE ok) r"
    where = "0"
    if read.codes and table.place is not None:
        session.load("places", {"cell": table.place}, codes=read.codes)
        on = " AND ".join(f"r.{name} IS NOT DISTINCT FROM l.{name}" for name in read.codes)
        rows, where = f"{rows} JOIN places l ON {on} AND l.cell >= 0", "l.cell"
    counts = table.counts
    if counts is not None:
        told = zip(_decided(collapsed=counts.classes < source.classes), ("yk", "pak", "pbk"), strict=True)
        parts = ", ".join(f"{sql} AS {name}" for sql, name in told)
        found = session.columns(
            f"SELECT {where} AS cell, g, {parts}, count(*) AS n FROM {rows} GROUP BY ALL ORDER BY ALL"
        )
        counts = dataclasses.replace(
            counts,
            cell=_whole(found["cell"]),
            label=_whole(found["yk"]),
            baseline=_whole(found["pak"]),
            candidate=_whole(found["pbk"]),
            group=_whole(found["g"]),
            n=_floats(found["n"]),
        )
    if not kinds:
        return dataclasses.replace(table, counts=counts)
    found = session.columns(f"SELECT {where} AS cell, g, {', '.join(sums)} FROM {rows} GROUP BY ALL ORDER BY ALL")
    grouped = {kind: dataclasses.replace(table.sums[kind], groups=_groups(found, i)) for i, kind in enumerate(kinds)}
    return dataclasses.replace(table, sums=grouped, counts=counts)


def _groups(found: Mapping[str, np.ndarray], place: int) -> Groups:
    n = _floats(found[f"n{place}"])
    there = n > 0
    sums = {name: _floats(found[f"{name}{place}"])[there] for name in ("a", "d", "dd")}
    return Groups(cell=_whole(found["cell"])[there], n=n[there], **sums)
