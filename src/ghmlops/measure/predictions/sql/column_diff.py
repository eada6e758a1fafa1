# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Two artifacts that should be one and the same: all columns, value by value, paired by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, nearest
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.open import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.engine.session import Session

CHUNK = 32
"""Columns compared in one pass: each adds to what the join holds in memory."""
FIRST, SECOND = "first", "second"
_VIRTUAL = ("filename", "file_row_number")
_FLOAT = re.compile(r"FLOAT|DOUBLE")
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER")
_NUMBER = re.compile(r"U?HUGEINT|DECIMAL\(\d+,\s*\d+\)")
_FLOATS = re.compile(r"(FLOAT|DOUBLE)\[\d*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """How the contents of two artifacts compare; the fields mean what they mean in `core.rebuild.Rebuilt`."""

    rows: tuple[int, int]
    missing: int = 0
    added: int = 0
    repeated: int = 0
    whole: int = 0
    moved: int | None = None
    columns: tuple[ColumnChange, ...] = ()
    kinds: dict[str, str]
    only: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    retyped: tuple[tuple[str, str, str], ...] = ()
    unpaired: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What both sides have: the key, and the columns that are compared, with one type each."""

    key: tuple[str, ...]
    types: dict[str, str]
    tolerance: Mapping[str, float]

    @property
    def same_key(self) -> str:
        """SQL that pairs row `a` with row `b`; null is a key as any other."""
        return " AND ".join(f"a.k{place} IS NOT DISTINCT FROM b.k{place}" for place in range(len(self.key)))

    def keys(self) -> list[str]:
        """Return the names of the key columns in the views."""
        return [f"k{place}" for place in range(len(self.key))]


def compare_columns(
    first: Source, second: Source, key: Sequence[str], tolerance: Mapping[str, float], memory: int
) -> Content:
    """Compare two artifacts column by column, whatever the order of their rows.

    Args:
        first, second: the artifacts.
        key: columns that identify a row, as the artifacts call them.
        tolerance: column to the largest difference that counts as none: absolute up to 1, relative above.
        memory: bytes that the engine may use.

    Raises:
        DataError: an artifact cannot be read, or lacks a column of the key.
        InputError: the memory limit is too small.
    """
    with open_session({FIRST: first, SECOND: second}, memory) as session:
        types = {role: session.types(role) for role in (FIRST, SECOND)}
        for role, source in ((FIRST, first), (SECOND, second)):
            for column in key:
                if column not in types[role]:
                    raise DataError(
                        f'{source.shown}: no column "{column}", which the policy\'s `key` names',
                        hint=nearest(column, tuple(types[role])),
                    )
        return _compare(session, types[FIRST], types[SECOND], tuple(key), tolerance)


def _compare(
    session: Session,
    first: dict[str, str],
    second: dict[str, str],
    key: tuple[str, ...],
    tolerance: Mapping[str, float],
) -> Content:
    retyped = tuple((name, first[name], second[name]) for name in first if second.get(name, first[name]) != first[name])
    only = (tuple(n for n in first if n not in second), tuple(n for n in second if n not in first))
    rows = (session.count(FIRST), session.count(SECOND))
    common = {n: t for n, t in first.items() if second.get(n) == t and n not in key}
    kinds = {name: _kind(given) for name, given in common.items()}
    if odd := [name for name, _, _ in retyped if name in key]:
        why = f"rows cannot be paired, because {odd[0]} of the key has another type"
        return Content(rows=rows, kinds=kinds, only=only, retyped=retyped, unpaired=why)
    shared = _Shared(key=key, types=common, tolerance=tolerance)
    placed = not {name.lower() for name in (*first, *second)} & set(_VIRTUAL)
    for role in (FIRST, SECOND):
        _stage(session, role, shared, placed=placed)
    repeated = max(_repeated(session, role, shared) for role in (FIRST, SECOND))
    found = _multisets(session, shared, rows[0]) if repeated else _pairs(session, shared, placed=placed)
    return Content(rows=rows, repeated=repeated, kinds=kinds, only=only, retyped=retyped, **found)  # type: ignore[arg-type]


def _kind(given: str) -> str:
    if _FLOAT.fullmatch(given) or _FLOATS.fullmatch(given):
        return "float"
    return "time" if given.startswith(("TIME", "DATE")) else "other"


def _stage(session: Session, role: str, shared: _Shared, *, placed: bool) -> None:
    """Create the view `<role>_rows`: keys `k0..`, columns `c0..`, and `place`, where in the artifact a row stands."""
    parts = [f"{identifier(column)} AS k{place}" for place, column in enumerate(shared.key)]
    parts += [f"{identifier(column)} AS c{place}" for place, column in enumerate(shared.types)]
    table = session.table(role)
    if placed:
        files = ", ".join(literal(file) for file in session.files(role))
        session.store(
            f"{role}_files",
            "SELECT file_name, coalesce(sum(num_rows) OVER (ORDER BY file_name ROWS BETWEEN UNBOUNDED PRECEDING AND 1 "
            f"PRECEDING), 0) AS before FROM parquet_file_metadata([{files}])",
        )
        table = f"{table.removesuffix(')')}, filename = true, file_row_number = true)"
        table = f"(SELECT * FROM {table}) JOIN {role}_files ON filename = file_name"
        parts.append("before + file_row_number AS place")
    session.view(f"{role}_rows", f"SELECT {', '.join(parts)} FROM {table}")


def _repeated(session: Session, role: str, shared: _Shared) -> int:
    keys = ", ".join(shared.keys())
    inner = f"SELECT 1 FROM {role}_rows GROUP BY {keys} HAVING count(*) > 1"
    return int(session.row(f"SELECT count(*) AS n FROM ({inner})")["n"])


def _pairs(session: Session, shared: _Shared, *, placed: bool) -> dict[str, object]:
    """Join by key and count per column what is the same."""
    moved = "count(*) FILTER (a.place <> b.place)" if placed else "NULL"
    place = ", place" if placed else ""
    sides = [f"(SELECT {', '.join(shared.keys())}{place}, true AS there FROM {role}_rows)" for role in (FIRST, SECOND)]
    counts = session.row(
        "SELECT count(*) FILTER (b.there IS NULL) AS missing, count(*) FILTER (a.there IS NULL) AS added, "
        f"{moved} AS moved FROM {sides[0]} a FULL JOIN {sides[1]} b ON {shared.same_key}"
    )
    names, changes = list(shared.types), list[ColumnChange]()
    for start in range(0, len(names), CHUNK):
        columns = [(f"c{place}", name) for place, name in enumerate(names)][start : start + CHUNK]
        parts = [f"{sql} AS {short}_{what}" for short, name in columns for what, sql in _counted(short, name, shared)]
        found = session.row(
            f"SELECT count(*) AS n, {', '.join(parts)} FROM {FIRST}_rows a JOIN {SECOND}_rows b ON {shared.same_key}"
        )
        changes += [
            ColumnChange(
                column=name,
                rows=int(found["n"]),
                identical=int(found[f"{short}_same"]),
                within=int(found[f"{short}_near"]),
                largest=None if found[f"{short}_far"] is None else float(found[f"{short}_far"]),
                tolerance=shared.tolerance.get(name, 0.0),
            )
            for short, name in columns
        ]
    return {**counts, "columns": tuple(changes)}


def _counted(short: str, name: str, shared: _Shared) -> list[tuple[str, str]]:
    """Return SQL that counts the same values, counts those within the tolerance, and finds the largest difference."""
    given, limit = shared.types[name], shared.tolerance.get(name, 0.0)
    a, b = f"a.{short}", f"b.{short}"
    other = f"{a} IS DISTINCT FROM {b}"
    near, far = "0", "NULL"
    if _FLOATS.fullmatch(given):
        whole = f"list_zip(CAST({a} AS DOUBLE[]), CAST({b} AS DOUBLE[]))"
        alike = f"x[1] IS NOT DISTINCT FROM x[2] OR coalesce({_near('x[1]', 'x[2]', limit)}, false)"
        close = f"len({a}) = len({b}) AND len(list_filter({whole}, lambda x: NOT ({alike}))) = 0"
        near = f"count(*) FILTER ({other} AND {close})"
        gaps = f"list_filter(list_transform({whole}, lambda x: abs(x[1] - x[2])), lambda d: isfinite(d))"
        far = f"max(list_max({gaps})) FILTER ({other} AND len({a}) = len({b}))"
    elif _FLOAT.fullmatch(given) or _NUMBER.fullmatch(given) or _INTEGER.fullmatch(given):
        wide = "HUGEINT" if _INTEGER.fullmatch(given) else "DOUBLE"  # a double would round 64 bits
        first, second = f"CAST({a} AS {wide})", f"CAST({b} AS {wide})"
        near = f"count(*) FILTER ({other} AND {_near(first, second, limit)})"
        gap = f"CAST(abs({first} - {second}) AS DOUBLE)"
        far = f"max({gap}) FILTER ({other} AND isfinite({gap}))"
    return [("same", f"count(*) FILTER (NOT ({other}))"), ("near", near), ("far", far)]


def _near(first: str, second: str, limit: float) -> str:
    """Return SQL: two different numbers are no further apart than the tolerance."""
    gap = f"CAST(abs({first} - {second}) AS DOUBLE)"
    return (
        f"isfinite({gap}) AND {gap} <= CAST({limit!r} AS DOUBLE) * greatest(1.0, CAST(abs({first}) AS DOUBLE), "
        f"CAST(abs({second}) AS DOUBLE))"
    )


def _multisets(session: Session, shared: _Shared, rows: int) -> dict[str, object]:
    """Compare as multisets: what the first build holds more often than the second, by key, by column, as a whole."""
    missing, added = (_left(session, shared.keys(), *sides) for sides in ((FIRST, SECOND), (SECOND, FIRST)))
    changes, common = list[ColumnChange](), rows - missing
    for place, name in enumerate(shared.types):
        other = min(max(_left(session, [*shared.keys(), f"c{place}"], FIRST, SECOND) - missing, 0), common)
        changes.append(ColumnChange(column=name, rows=common, identical=common - other, within=0))
    every = [*shared.keys(), *(f"c{place}" for place in range(len(shared.types)))]
    whole = max(_left(session, every, FIRST, SECOND) - missing, 0)
    return {"missing": missing, "added": added, "whole": whole, "columns": tuple(changes)}


def _left(session: Session, columns: Sequence[str], role: str, other: str) -> int:
    names = ", ".join(columns)
    left = f"SELECT {names} FROM {role}_rows EXCEPT ALL SELECT {names} FROM {other}_rows"
    return int(session.row(f"SELECT count(*) AS n FROM ({left})")["n"])
