# ruff: noqa: S608  (every name in the SQL is ours, and what users wrote is parsed and generated again)
"""Custom metrics: parses a user's SQL expression and rejects it unless it only computes with columns of the row.

The engine can read no other file in any case (see `session`). Rejecting everything except plain expressions gives one
clear message instead of an engine's error, and makes the expression portable between engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, PolicyError, nearest
from ghmlops.measure.predictions.layout import CLASS_TASKS, SIDES, VECTOR_TASKS

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

    from ghmlops.core.policy.regression import CustomMetric, Regression
    from ghmlops.measure.predictions.sql.staging import StagedViews

ROLE_NAMES = ("score", "prediction", "label")
"""Names that an expression may use in addition to the artifact's columns; they stand for the values of one side."""
_NODES = (
    "Column Identifier Literal Boolean Null Paren Neg Add Sub Mul Div Mod IntDiv Pow EQ NEQ NullSafeEQ NullSafeNEQ GT "
    "GTE LT LTE And Or Not Is Between In Case If Coalesce Nullif Cast TryCast DataType DataTypeParam Abs Ceil Floor "
    "Round Sqrt Ln Exp Sign Greatest Least IsNan Length Lower Upper Like ILike"
)
"""Node types of sqlglot that an expression may contain: those with the same value for a row on every engine."""
_TYPES = "BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DECIMAL TEXT VARCHAR DATE TIMESTAMP TIMESTAMPTZ"
_MAX_LENGTH, _MAX_DEPTH = 2000, 60
_HINT = "write one expression over columns, for example `abs(prediction - label) * amount`"


def _rejection(metric: CustomMetric, why: str) -> PolicyError:
    return PolicyError(f"metric `{metric.name}`: {why}", hint=_HINT)


def _parse(metric: CustomMetric) -> Expression:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    if len(metric.sql) > _MAX_LENGTH:
        raise _rejection(metric, f"the SQL is longer than {_MAX_LENGTH:,} characters")
    try:
        statements = parse(f"SELECT {metric.sql}", dialect="duckdb")
    except SqlglotError as error:
        raise _rejection(metric, f"the SQL cannot be read: {_one_line(str(error))}") from None
    except RecursionError:
        raise _rejection(metric, "the SQL is nested too deeply") from None
    query = statements[0] if len(statements) == 1 else None
    if (
        not isinstance(query, exp.Select)
        or len(query.expressions) != 1
        or {name for name, value in query.args.items() if value} != {"expressions"}
    ):
        raise _rejection(metric, "the SQL is not one expression")
    expression: Expression = query.expressions[0]
    _check_nodes(metric, expression)
    return expression


def _check_nodes(metric: CustomMetric, expression: Expression) -> None:
    from sqlglot import exp

    pending = [(expression, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise _rejection(metric, "the SQL is nested too deeply")
        is_other_type = isinstance(node, exp.DataType) and node.this.name not in _TYPES.split()
        has_table = isinstance(node, exp.Column) and node.table
        if type(node).__name__ not in _NODES.split() or is_other_type or has_table:
            text = _one_line(node.sql(dialect="duckdb"), 60)
            raise _rejection(metric, f"`{text}` is not allowed in an expression of one row")
        pending += [(child, depth + 1) for child in node.iter_expressions()]


def _one_line(text: str, max_length: int = 120) -> str:
    return " ".join(text.split())[:max_length]


def columns_of_metrics(policy: Regression) -> tuple[str, ...]:
    """Return the columns of the artifacts that custom metrics read, each once.

    Raises:
        PolicyError: an expression cannot be parsed, or is more than an expression.
    """
    from sqlglot import exp

    names = [column.name for metric in policy.metrics for column in _parse(metric).find_all(exp.Column)]
    return tuple(dict.fromkeys(name for name in names if name not in ROLE_NAMES))


def check_metrics(views: StagedViews) -> None:
    """Reject columns that neither artifact has, and expressions whose types do not fit.

    Raises:
        DataError: a column is missing; the message has the nearest name.
        PolicyError: an expression does not fit the types of its columns; the message has the metric.
    """
    layout = views.layout
    for metric in layout.policy.metrics if layout.policy.task in CLASS_TASKS and not layout.policy.has_scores else ():
        from sqlglot import exp

        if any(column.name == "score" for column in _parse(metric).find_all(exp.Column)):
            raise _rejection(metric, "the SQL reads `score`, and the policy names no score")
    for column in views.plan.custom_columns:
        if not any(layout.has(role, column) for role in SIDES):
            names = (*ROLE_NAMES, *layout.types["baseline"])
            raise DataError(f'a custom metric reads "{column}", which no artifact has', hint=nearest(column, names))
    names_sql = ["true AS ok", "a.y AS y", "a.p AS pa", "b.p AS pb"]
    has_vectors = layout.policy.task in VECTOR_TASKS
    names_sql += [f"CAST(NULL AS DOUBLE) AS t{side}" if has_vectors else f"{side}.s AS s{side}" for side in "ab"]
    names_sql += [f"{side}.m{i} AS m{side}{i}" for i in range(len(views.plan.custom_columns)) for side in "ab"]
    rows = f"SELECT {', '.join(names_sql)} FROM side_baseline a CROSS JOIN side_candidate b"
    for metric, value in zip(layout.policy.metrics, custom_values_sql(views)[::2], strict=True):
        if error := views.session.query_error(f"SELECT {value} FROM ({rows})"):
            raise _rejection(metric, f"the SQL does not fit its columns: {_one_line(error)}")


def custom_values_sql(views: StagedViews) -> list[str]:
    """Return SQL for the value of each custom metric on both sides, as columns `o0a`, `o0b`, `o1a`, ..."""
    return [
        f"CAST({_value_sql(views, metric, side)} AS DOUBLE) AS o{index}{side}"
        for index, metric in enumerate(views.layout.policy.metrics)
        for side in "ab"
    ]


def _value_sql(views: StagedViews, metric: CustomMetric, side: str) -> str:
    from sqlglot import exp

    other = "b" if side == "a" else "a"
    score = f"t{side}" if views.layout.policy.task in VECTOR_TASKS else f"s{side}"
    names = {"score": score, "prediction": f"p{side}", "label": "y"}

    def rename(node: Expression) -> Expression:
        """Replace a column by its name in `pairs`: the value of the side, or of the other side if it is null."""
        if not isinstance(node, exp.Column):
            return node
        if node.name == "label" and views.layout.policy.task == "ranking":
            # A document without a label is irrelevant; if the policy leaves it out, this value is not read.
            return exp.Coalesce(this=exp.column("y"), expressions=[exp.Literal.number(0)])
        if node.name in names:
            return exp.column(names[node.name])
        index = views.plan.custom_columns.index(node.name)
        if node.name in views.layout.policy.predictions:
            return exp.column(f"m{side}{index}")
        return exp.Coalesce(this=exp.column(f"m{side}{index}"), expressions=[exp.column(f"m{other}{index}")])

    expression = views.session.dialect.expression(_parse(metric).transform(rename))
    return f"CASE WHEN ok THEN {expression} END"
