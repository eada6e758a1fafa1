# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Tables of partial aggregates, and the columns for what sums cannot give. See `ghmlops.core.paired`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired import Cells, CellTable, Columns, Groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.metric import Metric
    from ghmlops.core.paired import Floats, Key
    from ghmlops.measure.predictions.session import Session

_SUMS = ("n", "a", "d", "aa", "ad", "dd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One way to cut the rows into cells."""

    columns: tuple[str, ...] = ()
    """Of the table `pairs`; none for all rows together. Rows whose `w` is null are in no window."""
    minimum: int = 0
    """Cells with fewer usable rows are counted, not returned."""
    grouped: bool = False
    """Rows depend on each other within `g`; the sums of each group come too."""
    hourly: bool = False
    """Windows are hours."""


def read_cells(session: Session, cut: Cut, metrics: Sequence[Metric]) -> CellTable:
    """Sum the paired rows over one cut, for the `metrics` that have a row's value. Needs the table `pairs`."""
    columns, minimum = cut.columns, cut.minimum
    kinds = list(dict.fromkeys((metric.row, metric.labelled) for metric in metrics if metric.row))
    where = " WHERE w IS NOT NULL" if "w" in columns else ""
    by = f" GROUP BY {', '.join(columns)}" if columns else ""
    parts = [
        *columns,
        "count(*) FILTER (side <> 2) AS rows_baseline",
        "count(*) FILTER (side <> 1) AS rows_candidate",
        "count(*) FILTER (ok) AS rows_usable",
        *(_summed(place, labelled, _SUMS) for place, (_, labelled) in enumerate(kinds)),
    ]
    source = f"(SELECT *, {_values(kinds)} FROM pairs{where})"
    session.script(f"CREATE OR REPLACE TEMP TABLE cells AS SELECT {', '.join(parts)} FROM {source}{by}")
    order = f" ORDER BY {', '.join(f'{c} NULLS FIRST' for c in columns)}" if columns else ""
    session.script(
        f"CREATE OR REPLACE TEMP TABLE kept AS SELECT row_number() OVER ({order.strip()}) - 1 AS cell, * FROM cells "
        "WHERE rows_usable >= ?",
        [minimum],
    )
    keys = session.rows(f"SELECT {_shown(cut)} FROM kept ORDER BY cell") if columns else [()]
    sums = session.columns("SELECT * FROM kept ORDER BY cell")
    groups = _groups(session, columns, kinds, source) if cut.grouped else {}
    rest = session.row(
        """SELECT count(*) FILTER (rows_usable > 0 AND rows_usable < $1) AS small,
        CAST(coalesce(sum(rows_usable) FILTER (rows_usable < $1), 0) AS BIGINT) AS small_rows,
        count(*) FILTER (rows_baseline = 0) AS new FROM cells""",
        [minimum],
    )
    return CellTable(
        keys=[_key(key) for key in keys],
        sums={kind: _cells(sums, place, groups.get(place)) for place, kind in enumerate(kinds)},
        lost=_lost(session, cut) if columns else [],
        **rest,
    )


def _values(kinds: Sequence[tuple[str, bool]]) -> str:
    """Return SQL for each row's value on both sides, null where the row does not count."""
    parts = ["true AS every"]
    for place, (row, labelled) in enumerate(kinds):
        counts = "ok AND y IS NOT NULL" if labelled else "ok"
        for side in "ab":
            value = row.format(y="y", s=f"s{side}", p=f"p{side}")
            parts.append(f"CASE WHEN {counts} THEN CAST({value} AS DOUBLE) END AS v{side}{place}")
    return ", ".join(parts)


def _summed(place: int, labelled: bool, wanted: Sequence[str]) -> str:
    first, change = f"va{place}", f"(vb{place} - va{place})"
    terms = {
        "a": first,
        "d": change,
        "aa": f"{first} * {first}",
        "ad": f"{first} * {change}",
        "dd": f"{change} * {change}",
    }
    counts = "ok AND y IS NOT NULL" if labelled else "ok"
    parts = [f"count(*) FILTER ({counts}) AS n{place}"]
    parts += [f"coalesce(fsum({terms[name]}), 0.0) AS {name}{place}" for name in wanted if name != "n"]
    return ", ".join(parts)


def _cells(sums: dict[str, np.ndarray], place: int, groups: Groups | None) -> Cells:
    n, a, d, aa, ad, dd = (_floats(sums[f"{name}{place}"]) for name in _SUMS)
    return Cells(n=n, a=a, d=d, aa=aa, ad=ad, dd=dd, groups=groups)


def _groups(session: Session, cut: Sequence[str], kinds: Sequence[tuple[str, bool]], source: str) -> dict[int, Groups]:
    same = " AND ".join(f"v.{c} IS NOT DISTINCT FROM kept.{c}" for c in cut) or "true"
    wanted = ("n", "a", "d", "dd")
    parts = ", ".join(_summed(place, labelled, wanted) for place, (_, labelled) in enumerate(kinds))
    found = session.columns(
        f"SELECT cell, {parts} FROM {source} v JOIN kept ON {same} WHERE ok GROUP BY cell, g ORDER BY cell, g"
        if cut
        else f"SELECT 0 AS cell, {parts} FROM {source} v WHERE ok GROUP BY g ORDER BY g"
    )
    groups = {}
    for place in range(len(kinds)):
        n = _floats(found[f"n{place}"])
        there = n > 0
        groups[place] = Groups(
            cell=np.asarray(found["cell"], dtype=np.int64)[there],
            n=n[there],
            a=_floats(found[f"a{place}"])[there],
            d=_floats(found[f"d{place}"])[there],
            dd=_floats(found[f"dd{place}"])[there],
        )
    return groups


def _lost(session: Session, cut: Cut) -> list[tuple[Key, int]]:
    found = session.rows(
        f"SELECT {_shown(cut)}, rows_baseline FROM cells WHERE rows_candidate = 0 AND rows_baseline >= ? "
        f"ORDER BY rows_baseline DESC, {', '.join(cut.columns)}",
        [cut.minimum],
    )
    return [(_key(row[:-1]), int(row[-1])) for row in found]


def _shown(cut: Cut) -> str:
    """Return the SQL of the cut's columns for reading: windows as ISO date, or time in UTC where they are hours."""
    pattern = "%Y-%m-%dT%H:%M:%SZ" if cut.hourly else "%Y-%m-%d"
    return ", ".join(f"strftime(w, '{pattern}') AS w" if column == "w" else column for column in cut.columns)


def _key(row: Sequence[object]) -> Key:
    return tuple(_value(value) for value in row)


def _value(value: object) -> str | int | float | bool | None:
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def read_columns(session: Session, *, grouped: bool) -> Columns:
    """Read label and scores of the usable labelled rows of a binary task."""
    found = session.columns(
        f"SELECT y = 1 AS positive, sa, sb{', g' if grouped else ''} FROM pairs WHERE ok AND y IS NOT NULL"
    )
    return Columns(
        positive=np.asarray(found["positive"], dtype=np.bool_),
        baseline=_floats(found["sa"]),
        candidate=_floats(found["sb"]),
        group=np.asarray(found["g"], dtype=np.uint64) if grouped else None,
    )


def _floats(values: np.ndarray) -> Floats:
    return np.asarray(np.ma.getdata(values), dtype=np.float64)
