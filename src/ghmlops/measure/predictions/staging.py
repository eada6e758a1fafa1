# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""The artifacts under canonical names: one view an artifact, whatever its columns are called and typed.

Columns of a view: `k0..` keys, `y` label, `y_given` (the label is not null), `s` score, `p` decision or value, `u`
usable, `t` time (UTC, naive), `g` group, `x0..` slice columns.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from ghmlops.core.contract_facts import SideFacts
from ghmlops.core.errors import DataError
from ghmlops.core.model import finite
from ghmlops.measure.predictions.layout import ZONED, kind
from ghmlops.measure.predictions.session import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.session import Session

_PLAIN_SLICES = ("integer", "float", "boolean")
_LONG_TEXT = 200
_BOOLEAN_PAIRS = (("false", "true"), ("0", "1"), ("no", "yes"))
"""Names of the negative and the positive class that can only mean False and True."""


def keys(layout: Layout) -> list[str]:
    """Return the canonical names of the key columns."""
    return [f"k{place}" for place in range(len(layout.policy.key))]


def slices(layout: Layout) -> dict[str, str]:
    """Return slice column to canonical name."""
    return {column: f"x{place}" for place, column in enumerate(layout.slice_columns)}


def stage(session: Session, layout: Layout) -> None:
    """Create the views `side_baseline`, `side_candidate` and, where there is a file of labels, `side_labels`.

    Raises:
        DataError: the classes of the policy do not fit the type of the label.
    """
    for role in session.roles:
        parts = [f"{identifier(column)} AS k{place}" for place, column in enumerate(layout.policy.key)]
        parts += _label(layout, role)
        if role != "labels":
            parts += [*_prediction(layout, role), *_attributes(layout, role)]
        inner = f"SELECT {', '.join(parts)} FROM {session.table(role)}"
        outer = f"SELECT *, {_usable(layout)} AS u FROM ({inner})" if role != "labels" else inner
        session.script(f"CREATE VIEW side_{role} AS {outer}")


def _label(layout: Layout, role: str) -> list[str]:
    label, wanted = layout.policy.label, "TINYINT" if layout.policy.task == "binary" else "DOUBLE"
    if role not in layout.label_roles:
        return [f"CAST(NULL AS {wanted}) AS y", "false AS y_given"]
    name, given = identifier(label), layout.types[role][label]
    if layout.policy.task == "binary":
        value = _class(layout, role, label)
    else:
        single = "FLOAT" in {layout.types[r][label] for r in layout.label_roles}
        number = f"CAST({f'CAST({name} AS FLOAT)' if single and kind(given) == 'float' else name} AS DOUBLE)"
        value = f"CASE WHEN isfinite({number}) THEN {number} END"
    return [f"{value} AS y", f"{name} IS NOT NULL AS y_given"]


def _class(layout: Layout, role: str, column: str) -> str:
    """Return SQL for 0, 1, or NULL where the value is no class."""
    name, given, classes = identifier(column), kind(layout.types[role][column]), layout.policy.classes
    if given == "boolean":
        positive = _true_is_positive(column, classes)
        return f"CAST(CASE WHEN {name} THEN {int(positive)} WHEN NOT {name} THEN {int(not positive)} END AS TINYINT)"
    if given == "text":
        values: Sequence[str] = [literal(c) for c in classes]
    else:
        values = [repr(number) for number in _numbers(column, classes or ("0", "1"))]
        name = f"CAST({name} AS DOUBLE)"
    return f"CAST(CASE WHEN {name} = {values[0]} THEN 0 WHEN {name} = {values[1]} THEN 1 END AS TINYINT)"


def _true_is_positive(column: str, classes: Sequence[str]) -> bool:
    names = tuple(name.lower() for name in classes)
    if not names or names in _BOOLEAN_PAIRS:
        return True
    if names[::-1] in _BOOLEAN_PAIRS:
        return False
    raise DataError(
        f'column "{column}" holds booleans, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes: [false, true]`, the negative class first, or leave `classes` out",
    )


def _numbers(column: str, classes: Sequence[str]) -> list[float]:
    try:
        numbers = [float(name) for name in classes]
    except ValueError:
        numbers = []
    if numbers and all(isfinite(number) for number in numbers):
        return numbers
    raise DataError(
        f'column "{column}" holds numbers, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes` as the finite numbers in the column, for example `[0, 1]`",
    )


def _prediction(layout: Layout, role: str) -> list[str]:
    policy = layout.policy
    score = f"CAST({identifier(layout.score)} AS DOUBLE)"
    cut = f"CAST({policy.threshold!r} AS DOUBLE)"
    if layout.schema.single:
        score = f"CAST(CAST({identifier(layout.score)} AS FLOAT) AS DOUBLE)"
        cut = f"CAST(CAST({policy.threshold!r} AS FLOAT) AS DOUBLE)"
    if policy.task == "regression":
        return [f"{score} AS s", f"{score} AS p", "false AS stale"]
    by_score = f"CAST({score} >= {cut} AS TINYINT)"
    if not policy.prediction:
        return [f"{score} AS s", f"{by_score} AS p", "false AS stale"]
    decision = _class(layout, role, policy.prediction)
    return [
        f"{score} AS s",
        f"{decision} AS p",
        f"coalesce({decision} <> {by_score} AND {score} <> {cut}, false) AS stale",
    ]


def _attributes(layout: Layout, role: str) -> list[str]:
    policy, types = layout.policy, layout.types[role]
    parts = []
    if policy.time:
        name, given = identifier(policy.time), types.get(policy.time)
        moment = f"({name} AT TIME ZONE 'UTC')" if given == ZONED else f"CAST({name} AS TIMESTAMP)"
        parts.append(f"{moment if given else 'CAST(NULL AS TIMESTAMP)'} AS t")
    if policy.group:
        own = f"hash({identifier(policy.group)})"
        alone = f"hash({', '.join(identifier(k) for k in policy.key)}, 'alone')"
        given = types.get(policy.group)
        parts.append(
            f"CASE WHEN {identifier(policy.group)} IS NULL THEN {alone} ELSE {own} END AS g, "
            f"{identifier(policy.group)} IS NULL AS g_null"
            if given
            else "CAST(NULL AS UBIGINT) AS g, true AS g_null"
        )
    for column, short in slices(layout).items():
        parts.append(f"{_slice(layout, column) if column in types else 'NULL'} AS {short}")
    return parts


def _slice(layout: Layout, column: str) -> str:
    """Return SQL for a slice's value: as it is where JSON has the type, else as text; long text is cut to its hash."""
    name = identifier(column)
    given = {types[column] for role, types in layout.types.items() if column in types and role != "labels"}
    kinds = {kind(t) for t in given}
    if len(kinds) == 1 and kinds <= set(_PLAIN_SLICES) and not any("HUGE" in t for t in given):
        return name
    text = f"CAST({name} AS VARCHAR)"
    return f"CASE WHEN length({text}) > {_LONG_TEXT} THEN left({text}, 160) || '...' || md5({text}) ELSE {text} END"


def _usable(layout: Layout) -> str:
    bounds = " AND s BETWEEN 0 AND 1" if layout.policy.task == "binary" else ""
    return f"coalesce(s IS NOT NULL AND isfinite(s){bounds} AND p IS NOT NULL, false)"


def count_side(session: Session, layout: Layout, role: str) -> SideFacts:
    """Count what the contract asks about one artifact, and note its repeated keys in the table `repeated_<role>`."""
    names, view = keys(layout), f"side_{role}"
    no_key = " OR ".join(f"{k} IS NULL" for k in names)
    scores = ""
    if role != "labels":
        outside = "isfinite(s) AND (s < 0 OR s > 1)" if layout.policy.task == "binary" else "false"
        odd = "s IS NOT NULL AND p IS NULL" if layout.policy.task == "binary" else "false"
        scores = f""",
            count(*) FILTER (s IS NULL) AS null_scores,
            count(*) FILTER (isnan(s)) AS nan_scores,
            count(*) FILTER (isinf(s)) AS infinite_scores,
            count(*) FILTER ({outside}) AS outside_scores,
            min(s) FILTER (isfinite(s)) AS low_score,
            max(s) FILTER (isfinite(s)) AS high_score,
            count(*) FILTER ({odd}) AS null_predictions,
            count(*) FILTER (stale AND u) AS stale_predictions"""
        if layout.policy.time and layout.has(role, layout.policy.time):
            scores += ", count(*) FILTER (t IS NULL) AS null_times"
    found = session.row(f"""SELECT count(*) AS "rows", count(*) FILTER ({no_key}) AS null_keys,
        count(*) FILTER (NOT y_given) AS null_labels,
        count(*) FILTER (y_given AND y IS NULL) AS odd_labels{scores} FROM {view}""")
    if role not in layout.label_roles:
        found["null_labels"] = 0
    found |= {name: finite(found[name]) for name in ("low_score", "high_score") if name in found}
    examples = _odd_examples(session, layout, role) if found["odd_labels"] else ()
    return SideFacts(**found, **_repeated(session, layout, role), odd_label_examples=examples)


def _odd_examples(session: Session, layout: Layout, role: str) -> tuple[str, ...]:
    name = identifier(layout.policy.label)
    text = f"left(CAST({name} AS VARCHAR), 40)"
    known = (
        _class(layout, role, layout.policy.label)
        if layout.policy.task == "binary"
        else (f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN 1 END")
    )
    found = session.rows(
        f"SELECT DISTINCT {text} FROM {session.table(role)} WHERE {name} IS NOT NULL AND {known} IS NULL "
        "ORDER BY 1 LIMIT 3"
    )
    return tuple(str(row[0]) for row in found)


def _repeated(session: Session, layout: Layout, role: str) -> dict[str, int]:
    names = ", ".join(keys(layout))
    known = " AND ".join(f"{k} IS NOT NULL" for k in keys(layout))
    session.script(
        f"CREATE TEMP TABLE repeated_{role} AS SELECT {names}, count(*) AS occurs FROM side_{role} WHERE {known} "
        f"GROUP BY {names} HAVING count(*) > 1"
    )
    found = session.row(
        "SELECT count(*) AS repeated_keys, CAST(coalesce(sum(occurs), 0) AS BIGINT) AS repeated_rows "
        f"FROM repeated_{role}"
    )
    if not found["repeated_keys"]:
        return found
    different = session.row(
        f"SELECT count(*) AS conflicting_keys FROM (SELECT {names} FROM (SELECT DISTINCT side.* FROM side_{role} AS "
        f"side SEMI JOIN repeated_{role} USING ({names})) GROUP BY {names} HAVING count(*) > 1)"
    )
    return found | different
