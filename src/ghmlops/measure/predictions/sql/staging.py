# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""The artifacts under canonical names: one view an artifact, whatever its columns are called and typed.

Columns of the view `side_<role>`: `k0..` keys, `y` label, `y_given` (the label is not null), `s` score or `v` vector,
`p` decision or value, `u` usable, `stale` (the decision contradicts the score), `t` time (UTC, naive), `w` start of the
window, `g` group, `q` query, `x0..` attributes, `m0..` columns of custom metrics, `e0..` columns to show, `c0..` a
attributes, `h` 32 bits of all attributes and the time, `fp` 64 bits of the whole row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.layout import SIDES, ZONED, kind, partition_time
from ghmlops.measure.predictions.sql.columns import column_of, label, prediction, usable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

_PLAIN = ("integer", "float", "boolean")
_WIDE = {"integer": "BIGINT", "float": "DOUBLE"}
"""What values of different widths are cast to: a hash tells widths apart."""
_LONG_TEXT = 200
"""Bytes."""
UNITS = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How attributes become codes."""

    bundles: tuple[tuple[str, ...], ...] = ((),)
    """Attributes (columns, and `WINDOW`) that share one code. One bundle of all, unless that has too many values."""
    edges: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Numeric feature to the inner edges of its bins."""
    together: bool = True
    """One table of aggregates by all codes; else one for each cut."""
    custom: tuple[str, ...] = ()
    """Columns that custom metrics read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A session in which the views of `stage` are."""

    session: Session
    layout: Layout
    plan: Plan


def keys(layout: Layout) -> list[str]:
    """Return the canonical names of the key columns."""
    return [f"k{place}" for place in range(len(layout.policy.key))]


def attributes(layout: Layout) -> dict[str, str]:
    """Return attribute (column, or `WINDOW`) to canonical name."""
    found = {column: f"x{place}" for place, column in enumerate(layout.attributes)}
    return found | ({WINDOW: "w"} if layout.policy.window else {})


def bundled(layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Return all attributes as one bundle; those that only the candidate has are another one.

    Documents of one query may differ in some of them: in ranking each is alone.
    """
    if layout.policy.task == "ranking" and attributes(layout):
        return tuple((attribute,) for attribute in attributes(layout))
    timed = (WINDOW,) if layout.policy.window and layout.has("baseline", layout.policy.time) else ()
    own = tuple(column for column in layout.attributes if layout.has("baseline", column)) + timed
    rest = tuple(a for a in attributes(layout) if a not in own)
    return (own, rest) if rest else (own,)


def codes(plan: Plan) -> list[str]:
    """Return the names of the columns of codes."""
    return [f"c{place}" for place in range(len(plan.bundles))]


def stage(session: Session, layout: Layout, plan: Plan) -> Staged:
    """Create the views `side_baseline`, `side_candidate` and, where there is a file of labels, `side_labels`.

    Raises:
        DataError: the classes of the policy do not fit the type of the label.
    """
    dialect, short = session.dialect, attributes(layout)
    for role in session.roles:
        parts = [f"{column_of(layout, role, column)} AS k{place}" for place, column in enumerate(layout.policy.key)]
        parts += [*label(dialect, layout, role), f"{_print(dialect, layout, role)} AS fp"]
        if role == "labels":
            session.view(f"side_{role}", f"SELECT {', '.join(parts)} FROM {session.table(role)}")
            continue
        parts += [*prediction(dialect, layout, role), *_attributes(dialect, layout, role, plan)]
        unit = UNITS.get(layout.policy.window, "")
        window = f", {dialect.truncated(unit, 't')} AS w" if unit else ""
        read = f"SELECT {', '.join(parts)} FROM {session.table(role)}"
        inner = f"SELECT *, {usable(dialect, layout)} AS u{window} FROM ({read})"
        marks = [f"{_code(dialect, bundle, short)} AS c{place}" for place, bundle in enumerate(plan.bundles)]
        checked = _checked(layout, plan, short)
        check = dialect.short_hash(checked) if checked else "0"
        session.view(f"side_{role}", f"SELECT *, {check} AS h FROM (SELECT *, {', '.join(marks)} FROM ({inner}))")
    return Staged(session=session, layout=layout, plan=plan)


def _checked(layout: Layout, plan: Plan, short: Mapping[str, str]) -> list[str]:
    """Return what both sides must agree on: the time and all attributes that both have, as codes where these do."""
    time = layout.policy.time
    shared = [c for c in (*layout.attributes, time) if c and all(layout.has(role, c) for role in SIDES)]
    timed = ["t"] if time in shared else []
    if all(not a or a in shared for bundle in plan.bundles for a in bundle):
        return [*codes(plan), *timed] if any(plan.bundles) else timed
    return [short[c] for c in shared if c in short] + timed


def _print(dialect: Dialect, layout: Layout, role: str) -> str:
    """Return SQL for 64 bits of a row that do not depend on the order of its columns."""
    return dialect.hash([identifier(column) for column in sorted(layout.types[role])])


def _code(dialect: Dialect, bundle: Sequence[str], short: Mapping[str, str]) -> str:
    names = [short[attribute] for attribute in bundle]
    return dialect.hash(names) if names else f"CAST(0 AS {dialect.code})"


def _attributes(dialect: Dialect, layout: Layout, role: str, plan: Plan) -> list[str]:
    policy, parts = layout.policy, []
    if policy.time:
        parts.append(f"{_moment(dialect, layout, role)} AS t")
    if policy.group:
        parts += _group(dialect, layout, role)
    for place, column in enumerate(layout.attributes):
        value = _slice(dialect, layout, column, plan) if layout.has(role, column) else None
        parts.append(f"{value(role) if value else 'NULL'} AS x{place}")
    for letter, columns in (("m", plan.custom), ("e", policy.changed.show)):
        for place, column in enumerate(columns):
            parts.append(
                f"{column_of(layout, role, column) if layout.has(role, column) else 'NULL'} AS {letter}{place}"
            )
    return parts


def _moment(dialect: Dialect, layout: Layout, role: str) -> str:
    column = layout.policy.time
    if not layout.has(role, column):
        return "CAST(NULL AS TIMESTAMP)"
    name = column_of(layout, role, column)
    if partition_time(layout, role):
        return dialect.parsed(name)
    return dialect.utc(name) if layout.type_of(role, column) in ZONED else dialect.naive(name)


def _group(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return the group as a hash; a row without one stands alone, under the hash of its key."""
    column = layout.policy.group
    if not layout.has(role, column):
        return [f"CAST(NULL AS {dialect.code}) AS g", "true AS g_null"]
    name = column_of(layout, role, column)
    alone = dialect.hash([*(column_of(layout, role, k) for k in layout.policy.key), "'alone'"])
    return [f"CASE WHEN {name} IS NULL THEN {alone} ELSE {dialect.hash([name])} END AS g", f"{name} IS NULL AS g_null"]


def _slice(dialect: Dialect, layout: Layout, column: str, plan: Plan) -> Callable[[str], str]:
    """Return SQL, by role, for an attribute: as it is where JSON has the type, else as text; long text by its hash."""
    given = {layout.type_of(role, column) for role in ("baseline", "candidate") if layout.has(role, column)}
    kinds = {kind(t) for t in given}
    wide = _WIDE.get(next(iter(kinds))) if len(given) > 1 and len(kinds) == 1 else None

    def value(role: str) -> str:
        name = column_of(layout, role, column)
        if column in plan.edges:
            return _binned(dialect, f"CAST({name} AS DOUBLE)", plan.edges[column])
        if len(kinds) == 1 and kinds <= set(_PLAIN) and not any(_too_wide(t, given) for t in given):
            return f"CAST({name} AS {wide})" if wide else name
        text = f"CAST({name} AS {dialect.text})"
        cut = f"concat(left({text}, 160), '...', {dialect.standard_hash(text)})"
        return f"CASE WHEN {dialect.size(text)} > {_LONG_TEXT} THEN {cut} ELSE {text} END"

    return value


def _too_wide(given: str, together: set[str]) -> bool:
    """True for an integer that does not fit what it would be cast to."""
    return "HUGE" in given or (given == "UBIGINT" and len(together) > 1)


def _binned(dialect: Dialect, number: str, edges: Sequence[float]) -> str:
    """Return SQL for the bin of a number, as people read it."""
    cases = [f"WHEN NOT coalesce({dialect.finite(number)}, false) THEN NULL"]
    for place, edge in enumerate(edges):
        name = f"< {edge:g}" if place == 0 else f"{edges[place - 1]:g} to {edge:g}"
        cases.append(f"WHEN {number} < CAST({edge!r} AS DOUBLE) THEN {literal(name)}")
    return f"CASE {' '.join(cases)} ELSE {literal(f'>= {edges[-1]:g}' if edges else 'all')} END"
