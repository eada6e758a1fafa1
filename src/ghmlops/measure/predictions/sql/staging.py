# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Creates one view per artifact with canonical column names, independent of the artifact's own names and types.

Columns of the view `side_<role>`: `k0..` keys, `y` label, `y_present` (the label is not null), `s` score or `v` vector,
`p` decision or predicted value, `u` usable, `stale` (the decision contradicts the score), `t` time (UTC), `w` start of
the window, `wt` weight, `g` group, `q` query, `x0..` attributes, `m0..` columns of custom metrics, `e0..` columns to
list, `c0..` codes of bundles of attributes, `h` 32-bit hash of all attributes, time and weight, `fp` 64-bit hash of the
row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.paired.attributes import WINDOW
from ghmlops.measure.predictions.column_types import ZONED_TIMES, type_kind
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.layout import SIDES
from ghmlops.measure.predictions.sql.columns import (
    column_sql,
    key_sql,
    label_sql,
    prediction_sql,
    usable_sql,
    weight_sql,
)
from ghmlops.measure.predictions.sql.row_values.label_sets import decision_set_sql, label_set_sql
from ghmlops.measure.predictions.sql.row_values.texts import text_label_sql, text_prediction_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

_JSON_KINDS = ("integer", "float", "boolean")
"""Kinds of types that JSON has."""
_WIDE_TYPES = {"integer": "BIGINT", "float": "DOUBLE"}
"""Types to which values of different widths are cast: the hash of a value depends on its width."""
_LONG_TEXT = 200
"""Texts longer than this, in bytes, are shortened to a prefix and a hash."""
UNITS = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How attributes become codes."""

    bundles: tuple[tuple[str, ...], ...] = ((),)
    """Attributes (columns, and `WINDOW`) that share one code: a single bundle, unless it has too many combinations."""
    edges: Mapping[str, Sequence[float]] = msgspec.field(default_factory=dict)
    """By numeric feature: inner edges of its bins."""
    single_cube: bool = True
    """One table of aggregates by all codes; otherwise one table per grouping set."""
    custom_columns: tuple[str, ...] = ()
    """Columns that custom metrics read."""


class StagedViews(msgspec.Struct, frozen=True, kw_only=True):
    """A session in which `stage` has created the views."""

    session: Session
    layout: Layout
    plan: Plan


def key_names(layout: Layout) -> list[str]:
    """Return the canonical names of the key columns."""
    return [f"k{index}" for index in range(len(layout.policy.key))]


def attribute_names(layout: Layout) -> dict[str, str]:
    """Return the canonical name of each attribute (column, or `WINDOW`)."""
    names = {column: f"x{index}" for index, column in enumerate(layout.attributes)}
    return names | ({WINDOW: "w"} if layout.policy.window else {})


def attribute_bundles(layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Return all attributes as one bundle; attributes that only the candidate has form a second one.

    In ranking every attribute is a separate bundle, because documents of one query may differ in some attributes.
    """
    if layout.policy.task == "ranking" and attribute_names(layout):
        return tuple((attribute,) for attribute in attribute_names(layout))
    window = (WINDOW,) if layout.policy.window and layout.has("baseline", layout.policy.time) else ()
    of_baseline = tuple(column for column in layout.attributes if layout.has("baseline", column)) + window
    rest = tuple(a for a in attribute_names(layout) if a not in of_baseline)
    return (of_baseline, rest) if rest else (of_baseline,)


def code_names(plan: Plan) -> list[str]:
    """Return the names of the columns of codes."""
    return [f"c{index}" for index in range(len(plan.bundles))]


def stage(session: Session, layout: Layout, plan: Plan) -> StagedViews:
    """Create the views `side_baseline`, `side_candidate` and, if there is a file of labels, `side_labels`.

    Raises:
        DataError: the classes of the policy do not fit the type of the label.
    """
    dialect, names = session.dialect, attribute_names(layout)
    read_label, read_prediction = label_sql, prediction_sql
    if layout.policy.task == "label-sets":
        read_label, read_prediction = label_set_sql, decision_set_sql
    if layout.policy.task == "text":
        read_label, read_prediction = text_label_sql, text_prediction_sql
    for role in session.roles:
        keys = [key_sql(layout, role, column) for column in layout.policy.key]
        parts = [f"{key} AS k{index}" for index, key in enumerate(keys)]
        parts += [*read_label(dialect, layout, role), f"{_row_hash(dialect, layout, role)} AS fp"]
        parts += weight_sql(dialect, layout, role)
        if role == "labels":
            session.view(f"side_{role}", f"SELECT {', '.join(parts)} FROM {session.table(role)}")
            continue
        parts += [*read_prediction(dialect, layout, role), *_attribute_columns(dialect, layout, role, plan)]
        window = f", {_window_sql(dialect, layout, role)} AS w" if layout.policy.window else ""
        columns = f"SELECT {', '.join(parts)} FROM {session.table(role)}"
        usable = usable_sql(dialect, layout)
        usable = f"{usable} AND wt IS NOT NULL" if role in layout.weight_roles and not layout.validated else usable
        with_window = f"SELECT *, {usable} AS u{window} FROM ({columns})"
        codes = [f"{_code(dialect, bundle, names)} AS c{index}" for index, bundle in enumerate(plan.bundles)]
        compared = _compared_columns(layout, plan, names)
        attribute_hash = dialect.short_hash(compared) if compared else "0"
        session.view(
            f"side_{role}", f"SELECT *, {attribute_hash} AS h FROM (SELECT *, {', '.join(codes)} FROM ({with_window}))"
        )
    return StagedViews(session=session, layout=layout, plan=plan)


def _compared_columns(layout: Layout, plan: Plan, names: Mapping[str, str]) -> list[str]:
    """Return what both sides must agree on: time, weight, and all attributes of both, as codes if both have these."""
    time = layout.policy.time
    shared = [c for c in (*layout.attributes, time) if c and all(layout.has(role, c) for role in SIDES)]
    time_columns = ["t"] if time in shared else []
    time_columns += ["wt"] if layout.weight_roles == SIDES else []
    if all(not a or a in shared for bundle in plan.bundles for a in bundle):
        return [*code_names(plan), *time_columns] if any(plan.bundles) else time_columns
    return [names[c] for c in shared if c in names] + time_columns


def _row_hash(dialect: Dialect, layout: Layout, role: str) -> str:
    """Return SQL for a 64-bit hash of a row that does not depend on the order of its columns."""
    return dialect.hash([identifier(column) for column in sorted(layout.types[role])])


def _code(dialect: Dialect, bundle: Sequence[str], names: Mapping[str, str]) -> str:
    columns = [names[attribute] for attribute in bundle]
    return dialect.hash(columns) if columns else f"CAST(0 AS {dialect.code})"


def _attribute_columns(dialect: Dialect, layout: Layout, role: str, plan: Plan) -> list[str]:
    policy, parts = layout.policy, []
    if policy.time:
        parts.append(f"{_time_sql(dialect, layout, role)} AS t")
    if policy.group:
        parts += _group_sql(dialect, layout, role)
    for index, column in enumerate(layout.attributes):
        value = _attribute_sql(dialect, layout, column, plan) if layout.has(role, column) else None
        parts.append(f"{value(role) if value else 'NULL'} AS x{index}")
    for letter, columns in (("m", plan.custom_columns), ("e", policy.changed.show)):
        for index, column in enumerate(columns):
            sql = column_sql(layout, role, column) if layout.has(role, column) else "NULL"
            parts.append(f"{sql} AS {letter}{index}")
    return parts


def _window_sql(dialect: Dialect, layout: Layout, role: str) -> str:
    """Return SQL for the start of the window of the time `t`: a date of the policy's time zone, or an hour in UTC."""
    unit, zone, column = UNITS[layout.policy.window], layout.policy.time_zone, layout.policy.time
    if not zone or not layout.has(role, column) or not layout.has_clock_time(role):
        return dialect.truncated(unit, "t")
    local = dialect.local("t", zone)
    if unit != "hour":
        return dialect.truncated(unit, local)
    # An hour that clocks show twice is two windows, so hours are named in UTC; they begin when a local hour does.
    return f"(t - ({local} - {dialect.truncated(unit, local)}))"


def _time_sql(dialect: Dialect, layout: Layout, role: str) -> str:
    column = layout.policy.time
    if not layout.has(role, column):
        return "CAST(NULL AS TIMESTAMP)"
    name = column_sql(layout, role, column)
    if layout.is_numeric_time(role):
        return dialect.from_epoch(
            name, layout.policy.time_unit, exact=type_kind(layout.type_of(role, column)) != "float"
        )
    if layout.is_partition_time(role):
        return dialect.parsed(name)
    if layout.type_of(role, column) in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return dialect.from_nanoseconds(name)
    return dialect.utc(name) if layout.type_of(role, column) in ZONED_TIMES else dialect.naive(name)


def _group_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the group as a hash; a row without a group is its own group, under the hash of its key."""
    column = layout.policy.group
    if not layout.has(role, column):
        return [f"CAST(NULL AS {dialect.code}) AS g", "true AS g_null"]
    name = column_sql(layout, role, column)
    own_group = dialect.hash([*(key_sql(layout, role, k) for k in layout.policy.key), "'alone'"])
    return [
        f"CASE WHEN {name} IS NULL THEN {own_group} ELSE {dialect.hash([name])} END AS g",
        f"{name} IS NULL AS g_null",
    ]


def _attribute_sql(dialect: Dialect, layout: Layout, column: str, plan: Plan) -> Callable[[str], str]:
    """Return a function from role to SQL for an attribute: its value if JSON has the type, else text.

    A long text is represented by its beginning and its hash.
    """
    types = {layout.type_of(role, column) for role in SIDES if layout.has(role, column)}
    kinds = {type_kind(t) for t in types}
    wide_type = _WIDE_TYPES.get(next(iter(kinds))) if len(types) > 1 and len(kinds) == 1 else None

    def value(role: str) -> str:
        name = column_sql(layout, role, column)
        if column in plan.edges:
            return _bin_label(dialect, f"CAST({name} AS DOUBLE)", plan.edges[column])
        if len(kinds) == 1 and kinds <= set(_JSON_KINDS) and not any(_too_wide(t, types) for t in types):
            return f"CAST({name} AS {wide_type})" if wide_type else name
        text = f"CAST({name} AS {dialect.text})"
        short_text = f"concat(left({text}, 160), '...', {dialect.standard_hash(text)})"
        return f"CASE WHEN {dialect.size(text)} > {_LONG_TEXT} THEN {short_text} ELSE {text} END"

    return value


def _too_wide(duckdb_type: str, types: set[str]) -> bool:
    """Return True for an integer type whose values may not fit the type to which both sides are cast."""
    return "HUGE" in duckdb_type or (duckdb_type == "UBIGINT" and len(types) > 1)


def _bin_label(dialect: Dialect, number: str, edges: Sequence[float]) -> str:
    """Return SQL for the human-readable bin of a number."""
    cases = [f"WHEN NOT coalesce({dialect.finite(number)}, false) THEN NULL"]
    for index, edge in enumerate(edges):
        name = f"< {_number(edge)}" if index == 0 else f"{_number(edges[index - 1])} to {_number(edge)}"
        cases.append(f"WHEN {number} < CAST({edge!r} AS DOUBLE) THEN {literal(name)}")
    return f"CASE {' '.join(cases)} ELSE {literal(f'>= {_number(edges[-1])}' if edges else 'all')} END"


def _number(edge: float) -> str:
    """Return an edge in as few characters as distinguish it."""
    short = f"{edge:g}"
    return short if float(short) == edge else repr(edge)
