"""Labels, scores and decisions of a side as SQL, under the names that `staging` lists."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.engine.dialect import identifier
from ghmlops.measure.predictions.layout import CLASSED, VECTORED, kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.layout import Layout

_BOOLEAN_PAIRS = (("false", "true"), ("0", "1"), ("no", "yes"))
"""Names of the negative and the positive class that can only mean False and True."""
_SMALL = 2**31
"""Class numbers below it are compared with integer columns as integers."""
NORMAL = 1e-3
"""How far the sum of class probabilities may be from 1: what single and half precision leave."""


def column_of(layout: Layout, role: str, column: str) -> str:
    """Return the SQL name of a column in the artifact of a role."""
    return identifier(layout.actual(role, column))


def label(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the label, null where it is no class or no number, and for whether one was given."""
    policy = layout.policy
    wanted = {"binary": "TINYINT", "multiclass": "INTEGER"}.get(policy.task, "DOUBLE")
    if role not in layout.label_roles:
        return [f"CAST(NULL AS {wanted}) AS y", "false AS y_given"]
    name, given = column_of(layout, role, policy.label), layout.type_of(role, policy.label)
    if policy.task in CLASSED:
        value = class_of(dialect, layout, role, policy.label)
    else:
        single = "FLOAT" in {layout.type_of(r, policy.label) for r in layout.label_roles}
        number = f"CAST({f'CAST({name} AS FLOAT)' if single and kind(given) == 'float' else name} AS DOUBLE)"
        least = f" AND {number} >= 0" if policy.task == "ranking" else ""
        value = f"CASE WHEN {dialect.finite(number)}{least} THEN {number} END"
    return [f"{value} AS y", f"{name} IS NOT NULL AS y_given"]


def class_of(dialect: Dialect, layout: Layout, role: str, column: str) -> str:
    """Return SQL for the class of a value: its number, or NULL where the value is no class (see `Layout.sound`)."""
    policy = layout.policy
    name, given, classes = column_of(layout, role, column), kind(layout.type_of(role, column)), policy.classes
    if policy.task == "multiclass":
        if given == "text":
            return f"CAST({dialect.place(name, [dialect.literal(c) for c in classes])} AS INTEGER)"
        if given == "boolean":
            return f"CAST({dialect.place(f'CAST({name} AS INTEGER)', _flags(column, classes))} AS INTEGER)"
        numbers = [f"CAST({number!r} AS DOUBLE)" for number in _numbers(column, classes)]
        return f"CAST({dialect.place(f'CAST({name} AS DOUBLE)', numbers)} AS INTEGER)"
    negative, positive = _conditions(dialect, (name, given, column), classes)
    if layout.sound:
        return f"CAST({positive} AS TINYINT)"
    return f"CAST(CASE WHEN {negative} THEN 0 WHEN {positive} THEN 1 END AS TINYINT)"


def _conditions(dialect: Dialect, at: tuple[str, str, str], classes: Sequence[str]) -> tuple[str, str]:
    """Return SQL that is true of the negative and of the positive class. `at`: SQL, kind and name of the column."""
    name, given, column = at
    if given == "boolean":
        return (f"NOT {name}", name) if _true_is_positive(column, classes) else (name, f"NOT {name}")
    if given == "text":
        values = [dialect.literal(c) for c in classes]
    else:
        numbers = _numbers(column, classes or ("0", "1"))
        if given == "integer" and all(number.is_integer() and abs(number) < _SMALL for number in numbers):
            values = [str(int(number)) for number in numbers]  # compared as they are, which is faster
        else:
            values = [f"CAST({number!r} AS DOUBLE)" for number in numbers]
            name = f"CAST({name} AS DOUBLE)"
    return f"{name} = {values[0]}", f"{name} = {values[1]}"


def _flags(column: str, classes: Sequence[str]) -> list[str]:
    known = {"false": "0", "no": "0", "0": "0", "true": "1", "yes": "1", "1": "1"}
    if all(name.lower() in known for name in classes):
        return [known[name.lower()] for name in classes]
    raise DataError(
        f'column "{column}" holds booleans, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes: [false, true]`, or the classes as text in the artifact",
    )


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


def prediction(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for score or vector, decision, `stale`, and the query where there is one."""
    policy, name = layout.policy, column_of(layout, role, layout.score)
    if policy.task in VECTORED:
        return _vector(dialect, layout, role)
    score, cut = f"CAST({name} AS DOUBLE)", f"CAST({policy.threshold!r} AS DOUBLE)"
    if layout.schema.single:
        score = f"CAST(CAST({name} AS FLOAT) AS DOUBLE)"
        cut = f"CAST(CAST({policy.threshold!r} AS FLOAT) AS DOUBLE)"
    if policy.task == "ranking":
        query = column_of(layout, role, policy.query)
        return [f"{score} AS s", "CAST(NULL AS INTEGER) AS p", "false AS stale", f"{query} AS q"]
    if policy.task == "regression":
        return [f"{score} AS s", f"{score} AS p", "false AS stale"]
    by_score = f"CAST(CASE WHEN {score} >= {cut} THEN 1 WHEN {score} < {cut} THEN 0 END AS TINYINT)"
    if not policy.prediction:
        return [f"{score} AS s", f"{by_score} AS p", "false AS stale"]
    decision = class_of(dialect, layout, role, policy.prediction)
    stale = f"({decision} = 1) <> ({score} >= {cut}) AND {score} <> {cut}"  # null where either is
    return [f"{score} AS s", f"{decision} AS p", f"{stale} AS stale"]


def _vector(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return the same for a task whose score is a vector: the decision is the largest element's class."""
    policy = layout.policy
    vector = dialect.as_vector(column_of(layout, role, layout.score))
    if policy.task == "embedding":
        return [f"{vector} AS v", "CAST(NULL AS INTEGER) AS p", "false AS stale"]
    best = f"CAST({dialect.argmax(vector)} AS INTEGER)"
    if not policy.prediction:
        return [f"{vector} AS v", f"{best} AS p", "false AS stale"]
    decision = class_of(dialect, layout, role, policy.prediction)
    weaker = f"{dialect.element(vector, decision)} < {dialect.largest(vector)}"
    return [f"{vector} AS v", f"{decision} AS p", f"coalesce({weaker}, false) AS stale"]


def usable(dialect: Dialect, layout: Layout) -> str:
    """Return SQL for whether a row's prediction can be compared."""
    task, size = layout.policy.task, len(layout.policy.classes)
    if layout.sound:
        return "true"
    if task == "multiclass":
        inside = f"{dialect.finite('e')} AND e >= 0 AND e <= 1"
        shaped = f"{dialect.length('v')} = {size} AND {dialect.every('v', inside)}"
        wanted = f"{shaped} AND abs({dialect.total('v')} - 1) <= {NORMAL} AND p IS NOT NULL"
    elif task == "embedding":
        wanted = f"{dialect.every('v', dialect.finite('e'))} AND NOT {dialect.every('v', 'e = 0')}"
    elif task == "binary":
        # NaN is in no range, but the engine drops the range where a file's statistics, which leave NaN out, lie in it.
        return f"(s IS NOT NULL AND {dialect.finite('s')} AND s BETWEEN 0 AND 1 AND p IS NOT NULL)"
    else:
        wanted = f"s IS NOT NULL AND {dialect.finite('s')} AND {'q' if task == 'ranking' else 'p'} IS NOT NULL"
    return f"coalesce({wanted}, false)"
