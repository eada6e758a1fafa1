"""SQL for labels, scores and decisions of one side, under the names that `staging` lists."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.column_types import type_kind
from ghmlops.measure.predictions.engine.dialect import identifier
from ghmlops.measure.predictions.layout import CLASS_TASKS, VECTOR_TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.layout import Layout

_BOOLEAN_PAIRS = (("false", "true"), ("0", "1"), ("no", "yes"))
"""Unambiguous names of a negative and a positive class that stand for false and true."""
_MAX_INTEGER_CLASS = 2**31
"""Class numbers smaller than this are compared with integer columns as integers."""
SUM_TOLERANCE = 1e-3
"""Largest accepted distance of a sum of class probabilities from 1: the rounding of single and half precision."""


def column_sql(layout: Layout, role: str, column: str) -> str:
    """Return the SQL identifier of a column in the artifact of a role."""
    return identifier(layout.actual_name(role, column))


def key_sql(layout: Layout, role: str, column: str) -> str:
    """Return SQL for a column of the key, in the type in which all artifacts are compared."""
    name = column_sql(layout, role, column)
    return f"CAST({name} AS {common})" if (common := layout.common_type(column)) else name


def label_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the label, null if it is not a class or a number, and for whether it is neither null nor NaN."""
    sql_type = {"binary": "TINYINT", "multiclass": "INTEGER"}.get(layout.policy.task, "DOUBLE")
    if role not in layout.label_roles:
        return [f"CAST(NULL AS {sql_type}) AS y", "false AS y_present"]
    value, present = label_and_presence(dialect, layout, role)
    return [f"{value} AS y", f"coalesce({present}, false) AS y_present"]


def label_and_presence(dialect: Dialect, layout: Layout, role: str) -> tuple[str, str]:
    """Return SQL for the label of a role that has one, and for whether it is neither null nor NaN."""
    policy = layout.policy
    name, duckdb_type = column_sql(layout, role, policy.label), layout.type_of(role, policy.label)
    # NaN is how pandas writes a label that is not there yet.
    is_float = type_kind(duckdb_type) == "float"
    present = f"({dialect.finite(name)} OR {dialect.infinite(name)})" if is_float else f"{name} IS NOT NULL"
    if policy.task in CLASS_TASKS:
        value = class_sql(dialect, layout, role, policy.label)
        value = f"CASE WHEN {present} THEN {value} END" if is_float else value
    else:
        single = "FLOAT" in {layout.type_of(r, policy.label) for r in layout.label_roles}
        rounded = single and type_kind(duckdb_type) == "float"
        number = f"CAST({f'CAST({name} AS FLOAT)' if rounded else name} AS DOUBLE)"
        lower_limit = f" AND {number} >= 0" if policy.task == "ranking" else ""
        value = f"CASE WHEN {dialect.finite(number)}{lower_limit} THEN {number} END"
    return value, present


def weight_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the weight `wt` of a row: null unless it is finite and above 0; empty if the role has none."""
    if role not in layout.weight_roles:
        return []
    column = layout.policy.weight
    types = {layout.type_of(one, column) for one in layout.weight_roles}
    name = column_sql(layout, role, column)
    # If one side has single precision, both are compared at single precision.
    number = f"CAST({f'CAST({name} AS FLOAT)' if 'FLOAT' in types else name} AS DOUBLE)"
    return [f"CASE WHEN coalesce({dialect.finite(number)}, false) AND {number} > 0 THEN {number} END AS wt"]


def class_sql(dialect: Dialect, layout: Layout, role: str, column: str) -> str:
    """Return SQL for the class number of a value, NULL if the value is not a class (but see `Layout.validated`)."""
    policy = layout.policy
    name, kind, classes = column_sql(layout, role, column), type_kind(layout.type_of(role, column)), policy.classes
    if policy.task == "multiclass":
        if kind == "text":
            return f"CAST({dialect.index_of(name, [dialect.literal(c) for c in classes])} AS INTEGER)"
        if kind == "boolean":
            return f"CAST({dialect.index_of(f'CAST({name} AS INTEGER)', _flags(column, classes))} AS INTEGER)"
        numbers = [f"CAST({number!r} AS DOUBLE)" for number in _numbers(column, classes)]
        return f"CAST({dialect.index_of(f'CAST({name} AS DOUBLE)', numbers)} AS INTEGER)"
    negative, positive = _class_conditions(dialect, (name, kind, column), classes)
    if layout.validated:
        return f"CAST({positive} AS TINYINT)"
    return f"CAST(CASE WHEN {negative} THEN 0 WHEN {positive} THEN 1 END AS TINYINT)"


def _class_conditions(dialect: Dialect, column: tuple[str, str, str], classes: Sequence[str]) -> tuple[str, str]:
    """Return SQL conditions for the negative and the positive class. `column`: its SQL, kind and name."""
    sql, kind, name = column
    if kind == "boolean":
        return (f"NOT {sql}", sql) if _true_is_positive(name, classes) else (sql, f"NOT {sql}")
    if kind == "text":
        values = [dialect.literal(c) for c in classes]
    else:
        numbers = _numbers(name, classes or ("0", "1"))
        if kind == "integer" and all(number.is_integer() and abs(number) < _MAX_INTEGER_CLASS for number in numbers):
            values = [str(int(number)) for number in numbers]  # without a cast, which is faster
        else:
            values = [f"CAST({number!r} AS DOUBLE)" for number in numbers]
            sql = f"CAST({sql} AS DOUBLE)"
    return f"{sql} = {values[0]}", f"{sql} = {values[1]}"


def _flags(column: str, classes: Sequence[str]) -> list[str]:
    """Return 0 or 1 for each class name that stands for false or true."""
    flags = {"false": "0", "no": "0", "0": "0", "true": "1", "yes": "1", "1": "1"}
    if all(name.lower() in flags for name in classes):
        return [flags[name.lower()] for name in classes]
    raise DataError(
        f'column "{column}" contains booleans, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes: [false, true]`, or the classes as text in the artifact",
    )


def _true_is_positive(column: str, classes: Sequence[str]) -> bool:
    names = tuple(name.lower() for name in classes)
    if not names or names in _BOOLEAN_PAIRS:
        return True
    if names[::-1] in _BOOLEAN_PAIRS:
        return False
    raise DataError(
        f'column "{column}" contains booleans, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes: [false, true]`, the negative class first, or remove `classes`",
    )


def _numbers(column: str, classes: Sequence[str]) -> list[float]:
    try:
        numbers = [float(name) for name in classes]
    except ValueError:
        numbers = []
    if numbers and all(isfinite(number) for number in numbers):
        return numbers
    raise DataError(
        f'column "{column}" contains numbers, and the policy\'s classes are {", ".join(classes)}',
        hint="write `classes` as the finite numbers in the column, for example `[0, 1]`",
    )


def prediction_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the score or vector, the decision, `stale`, and the query if there is one."""
    policy, name = layout.policy, column_sql(layout, role, layout.score_columns[0])
    if policy.task in VECTOR_TASKS:
        return _vector_sql(dialect, layout, role)
    if policy.task == "binary" and not policy.has_scores:
        decision = class_sql(dialect, layout, role, policy.prediction)
        return [f"CAST({decision} AS DOUBLE) AS s", f"{decision} AS p", "false AS stale"]
    score, threshold = f"CAST({name} AS DOUBLE)", f"CAST({policy.threshold!r} AS DOUBLE)"
    if layout.schema.single_precision:
        score = f"CAST(CAST({name} AS FLOAT) AS DOUBLE)"
        threshold = f"CAST(CAST({policy.threshold!r} AS FLOAT) AS DOUBLE)"
    if policy.task == "ranking":
        query = key_sql(layout, role, policy.query)
        return [f"{score} AS s", "CAST(NULL AS INTEGER) AS p", "false AS stale", f"{query} AS q"]
    if policy.task == "regression":
        return [f"{score} AS s", f"{score} AS p", "false AS stale"]
    by_score = f"CAST(CASE WHEN {score} >= {threshold} THEN 1 WHEN {score} < {threshold} THEN 0 END AS TINYINT)"
    if not policy.prediction:
        return [f"{score} AS s", f"{by_score} AS p", "false AS stale"]
    decision = class_sql(dialect, layout, role, policy.prediction)
    # Null if the score or the decision is null; a score equal to the threshold contradicts no decision.
    stale = f"({decision} = 1) <> ({score} >= {threshold}) AND {score} <> {threshold}"
    return [f"{score} AS s", f"{decision} AS p", f"{stale} AS stale"]


def _vector_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return the same for a task whose score is a vector: the decision is the class of the largest element."""
    policy = layout.policy
    if not policy.has_scores:
        decision = class_sql(dialect, layout, role, policy.prediction)
        return [f"{dialect.one_hot(decision, len(policy.classes))} AS v", f"{decision} AS p", "false AS stale"]
    columns = [column_sql(layout, role, column) for column in layout.score_columns]
    vector = dialect.vector_of(columns) if policy.scores else dialect.as_vector(columns[0])
    if policy.task == "embedding":
        return [f"{vector} AS v", "CAST(NULL AS INTEGER) AS p", "false AS stale"]
    argmax = f"CAST({dialect.argmax(vector)} AS INTEGER)"
    if not policy.prediction:
        return [f"{vector} AS v", f"{argmax} AS p", "false AS stale"]
    decision = class_sql(dialect, layout, role, policy.prediction)
    not_largest = f"{dialect.element(vector, decision)} < {dialect.largest(vector)}"
    return [f"{vector} AS v", f"{decision} AS p", f"coalesce({not_largest}, false) AS stale"]


def usable_sql(dialect: Dialect, layout: Layout) -> str:
    """Return SQL for whether the prediction of a row can be compared."""
    task, class_count = layout.policy.task, len(layout.policy.classes)
    if layout.validated:
        return "true"
    if task == "multiclass":
        probability = f"{dialect.finite('e')} AND e >= 0 AND e <= 1"
        probabilities = f"{dialect.length('v')} = {class_count} AND {dialect.every('v', probability)}"
        condition = f"{probabilities} AND abs({dialect.total('v')} - 1) <= {SUM_TOLERANCE} AND p IS NOT NULL"
    elif task == "text":
        condition = "p IS NOT NULL"
    elif task == "embedding":
        condition = f"{dialect.every('v', dialect.finite('e'))} AND NOT {dialect.every('v', 'e = 0')}"
    elif task == "binary":
        # NaN is outside the range, but DuckDB omits the range check if the statistics of the file, which ignore NaN,
        # are inside the range.
        return f"(s IS NOT NULL AND {dialect.finite('s')} AND s BETWEEN 0 AND 1 AND p IS NOT NULL)"
    else:
        condition = f"s IS NOT NULL AND {dialect.finite('s')} AND {'q' if task == 'ranking' else 'p'} IS NOT NULL"
    return f"coalesce({condition}, false)"
