# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Compares two artifacts that should be identical: all columns, value by value, with rows paired by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, nearest
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.reproduce.rebuild import ContentComparison
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.open import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.engine.session import Session

COLUMNS_PER_PASS = 32
"""Columns compared in one pass: each adds to the memory of the join."""
FIRST, SECOND = "first", "second"
_VIRTUAL_COLUMNS = ("filename", "file_row_number")
_FLOAT = re.compile(r"FLOAT|DOUBLE")
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER")
_NUMBER = re.compile(r"U?HUGEINT|DECIMAL\(\d+,\s*\d+\)")
_FLOATS = re.compile(r"(FLOAT|DOUBLE)\[\d*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _SharedColumns:
    """The columns that both artifacts have: the key, and the compared columns with their types."""

    key: tuple[str, ...]
    types: dict[str, str]
    tolerance: Mapping[str, float]

    @property
    def same_key(self) -> str:
        """SQL that pairs row `a` with row `b`; null is a key like any other."""
        return " AND ".join(f"a.k{index} IS NOT DISTINCT FROM b.k{index}" for index in range(len(self.key)))

    def key_names(self) -> list[str]:
        """Return the names of the key columns in the views."""
        return [f"k{index}" for index in range(len(self.key))]


def compare_columns(
    first: Source, second: Source, key: Sequence[str], tolerance: Mapping[str, float], memory: int
) -> ContentComparison:
    """Compare two artifacts column by column, independent of the order of their rows.

    Args:
        first: the artifact of the first build.
        second: the artifact of the second build.
        key: columns that identify a row, with the names of the artifacts.
        tolerance: by column: largest difference that does not count as a change, absolute up to 1, relative above.
        memory: memory limit of the engine in bytes.

    Raises:
        DataError: an artifact cannot be read, or lacks a column of the key.
        InputError: the memory limit is too small.
    """
    with open_session({FIRST: first, SECOND: second}, memory) as session:
        for why in (why for role in (FIRST, SECOND) for why in session.columns_set_aside(role).values()):
            raise DataError(why, hint="write all files of an artifact with the same columns and types")
        types = {role: session.types(role) for role in (FIRST, SECOND)}
        for role, source in ((FIRST, first), (SECOND, second)):
            for column in key:
                if column not in types[role]:
                    raise DataError(
                        f'{source.display_name}: no column "{column}", which the policy\'s `key` names',
                        hint=nearest(column, tuple(types[role])),
                    )
        return _compare(session, types[FIRST], types[SECOND], tuple(key), tolerance)


def _compare(
    session: Session,
    first: dict[str, str],
    second: dict[str, str],
    key: tuple[str, ...],
    tolerance: Mapping[str, float],
) -> ContentComparison:
    retyped = tuple((name, first[name], second[name]) for name in first if second.get(name, first[name]) != first[name])
    only = (tuple(n for n in first if n not in second), tuple(n for n in second if n not in first))
    rows = (session.count(FIRST), session.count(SECOND))
    common = {n: t for n, t in first.items() if second.get(n) == t and n not in key}
    kinds = {name: _kind(duckdb_type) for name, duckdb_type in common.items()}
    if retyped_key := [name for name, _, _ in retyped if name in key]:
        why = f"rows cannot be paired, because {retyped_key[0]} of the key has another type"
        return ContentComparison(
            rows=rows, column_kinds=kinds, extra_columns=only, changed_types=retyped, pairing_problem=why
        )
    shared = _SharedColumns(key=key, types=common, tolerance=tolerance)
    # A column with the name of one of DuckDB's virtual columns hides it; positions are then unknown.
    has_positions = not {name.lower() for name in (*first, *second)} & set(_VIRTUAL_COLUMNS)
    for role in (FIRST, SECOND):
        _create_view(session, role, shared, has_positions=has_positions)
    repeated = max(_count_repeated_keys(session, role, shared) for role in (FIRST, SECOND))
    if repeated:
        comparison = _compare_multisets(session, shared, rows[0])
    else:
        comparison = _compare_pairs(session, shared, has_positions=has_positions)
    return ContentComparison(
        rows=rows,
        repeated_keys=repeated,
        column_kinds=kinds,
        extra_columns=only,
        changed_types=retyped,
        **comparison,  # type: ignore[arg-type]
    )


def _kind(duckdb_type: str) -> str:
    if _FLOAT.fullmatch(duckdb_type) or _FLOATS.fullmatch(duckdb_type):
        return "float"
    return "time" if duckdb_type.startswith(("TIME", "DATE")) else "other"


def _create_view(session: Session, role: str, shared: _SharedColumns, *, has_positions: bool) -> None:
    """Create the view `<role>_rows`: keys `k0..`, columns `c0..`, and `position`, the row's index in the artifact."""
    parts = [f"{identifier(column)} AS k{index}" for index, column in enumerate(shared.key)]
    parts += [f"{identifier(column)} AS c{index}" for index, column in enumerate(shared.types)]
    table = session.table(role)
    if has_positions:
        files = ", ".join(literal(file) for file in session.files(role))
        session.store(
            f"{role}_files",
            "SELECT file_name, coalesce(sum(num_rows) OVER (ORDER BY file_name ROWS BETWEEN UNBOUNDED PRECEDING AND 1 "
            f"PRECEDING), 0) AS rows_before FROM parquet_file_metadata([{files}])",
        )
        table = session.table(role, ", filename = true, file_row_number = true")
        table = f"(SELECT * FROM {table}) JOIN {role}_files ON filename = file_name"
        parts.append("rows_before + file_row_number AS position")
    session.view(f"{role}_rows", f"SELECT {', '.join(parts)} FROM {table}")


def _count_repeated_keys(session: Session, role: str, shared: _SharedColumns) -> int:
    repeated = f"SELECT 1 FROM {role}_rows GROUP BY {', '.join(shared.key_names())} HAVING count(*) > 1"
    return int(session.row(f"SELECT count(*) AS n FROM ({repeated})")["n"])


def _compare_pairs(session: Session, shared: _SharedColumns, *, has_positions: bool) -> dict[str, object]:
    """Join by key and count the equal values of each column."""
    moved = "count(*) FILTER (a.position <> b.position)" if has_positions else "NULL"
    columns = [*shared.key_names(), *(["position"] if has_positions else []), "true AS present"]
    sides = [f"(SELECT {', '.join(columns)} FROM {role}_rows)" for role in (FIRST, SECOND)]
    counts = session.row(
        "SELECT count(*) FILTER (b.present IS NULL) AS missing_rows, count(*) FILTER (a.present IS NULL) AS "
        f"added_rows, {moved} AS moved_rows FROM {sides[0]} a FULL JOIN {sides[1]} b ON {shared.same_key}"
    )
    names, changes = list(shared.types), list[ColumnChange]()
    for start in range(0, len(names), COLUMNS_PER_PASS):
        batch = [(f"c{index}", name) for index, name in enumerate(names)][start : start + COLUMNS_PER_PASS]
        parts = [f"{sql} AS {code}_{count}" for code, name in batch for count, sql in _change_sql(code, name, shared)]
        row = session.row(
            f"SELECT count(*) AS n, {', '.join(parts)} FROM {FIRST}_rows a JOIN {SECOND}_rows b ON {shared.same_key}"
        )
        changes += [
            ColumnChange(
                column=name,
                rows=int(row["n"]),
                identical=int(row[f"{code}_identical"]),
                within=int(row[f"{code}_within"]),
                largest=None if row[f"{code}_largest"] is None else float(row[f"{code}_largest"]),
                tolerance=shared.tolerance.get(name, 0.0),
            )
            for code, name in batch
        ]
    return {**counts, "columns": tuple(changes)}


def _change_sql(code: str, name: str, shared: _SharedColumns) -> list[tuple[str, str]]:
    """Return SQL for the counts of equal values and of values within the tolerance, and for the largest difference."""
    duckdb_type, limit = shared.types[name], shared.tolerance.get(name, 0.0)
    a, b = f"a.{code}", f"b.{code}"
    differs = f"{a} IS DISTINCT FROM {b}"
    within, largest = "0", "NULL"
    if _FLOATS.fullmatch(duckdb_type):
        zipped = f"list_zip(CAST({a} AS DOUBLE[]), CAST({b} AS DOUBLE[]))"
        equal = f"x[1] IS NOT DISTINCT FROM x[2] OR coalesce({_within_sql('x[1]', 'x[2]', limit)}, false)"
        close = f"len({a}) = len({b}) AND len(list_filter({zipped}, lambda x: NOT ({equal}))) = 0"
        within = f"count(*) FILTER ({differs} AND {close})"
        gaps = f"list_filter(list_transform({zipped}, lambda x: abs(x[1] - x[2])), lambda d: isfinite(d))"
        largest = f"max(list_max({gaps})) FILTER ({differs} AND len({a}) = len({b}))"
    elif _FLOAT.fullmatch(duckdb_type) or _NUMBER.fullmatch(duckdb_type) or _INTEGER.fullmatch(duckdb_type):
        # DOUBLE would round 64-bit integers.
        wide_type = "HUGEINT" if _INTEGER.fullmatch(duckdb_type) else "DOUBLE"
        first, second = f"CAST({a} AS {wide_type})", f"CAST({b} AS {wide_type})"
        within = f"count(*) FILTER ({differs} AND {_within_sql(first, second, limit)})"
        gap = f"CAST(abs({first} - {second}) AS DOUBLE)"
        largest = f"max({gap}) FILTER ({differs} AND isfinite({gap}))"
    return [("identical", f"count(*) FILTER (NOT ({differs}))"), ("within", within), ("largest", largest)]


def _within_sql(first: str, second: str, limit: float) -> str:
    """Return SQL for whether two different numbers differ by no more than the tolerance."""
    gap = f"CAST(abs({first} - {second}) AS DOUBLE)"
    return (
        f"isfinite({gap}) AND {gap} <= CAST({limit!r} AS DOUBLE) * greatest(1.0, CAST(abs({first}) AS DOUBLE), "
        f"CAST(abs({second}) AS DOUBLE))"
    )


def _compare_multisets(session: Session, shared: _SharedColumns, rows: int) -> dict[str, object]:
    """Compare as multisets: count what the first build contains more often, by key, by column, and by whole row."""
    missing, added = (
        _count_surplus(session, shared.key_names(), *sides) for sides in ((FIRST, SECOND), (SECOND, FIRST))
    )
    changes, common = list[ColumnChange](), rows - missing
    for index, name in enumerate(shared.types):
        surplus = _count_surplus(session, [*shared.key_names(), f"c{index}"], FIRST, SECOND)
        differing = min(max(surplus - missing, 0), common)
        changes.append(ColumnChange(column=name, rows=common, identical=common - differing, within=0))
    all_columns = [*shared.key_names(), *(f"c{index}" for index in range(len(shared.types)))]
    whole = max(_count_surplus(session, all_columns, FIRST, SECOND) - missing, 0)
    return {"missing_rows": missing, "added_rows": added, "mismatched_rows": whole, "columns": tuple(changes)}


def _count_surplus(session: Session, columns: Sequence[str], role: str, other: str) -> int:
    """Count the rows that `role` contains more often than `other`, by the given columns."""
    names = ", ".join(columns)
    surplus = f"SELECT {names} FROM {role}_rows EXCEPT ALL SELECT {names} FROM {other}_rows"
    return int(session.row(f"SELECT count(*) AS n FROM ({surplus})")["n"])
