# ruff: noqa: S608  (every name in the SQL is ours, and what users wrote is parsed and written again)
"""Custom metrics: a user's SQL expression, parsed and refused unless it only computes with columns of the row.

The engine could read no file for it anyway (see `session`); refusing what is no plain expression gives one clear line
instead of an engine's message, and the same expression runs on every engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, PolicyError, nearest
from ghmlops.measure.predictions.layout import SIDES, VECTORED

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

    from ghmlops.core.policy.regression import CustomMetric, Regression
    from ghmlops.measure.predictions.sql.staging import Staged

OWN = ("score", "prediction", "label")
"""What an expression may name beside the artifact's columns: of the side that is looked at."""


_NODES = (
    "Column Identifier Literal Boolean Null Paren Neg Add Sub Mul Div Mod IntDiv Pow EQ NEQ NullSafeEQ NullSafeNEQ GT "
    "GTE LT LTE And Or Not Is Between In Case If Coalesce Nullif Cast TryCast DataType DataTypeParam Abs Ceil Floor "
    "Round Sqrt Ln Exp Sign Greatest Least IsNan Length Lower Upper Like ILike"
)
"""What an expression may be made of, as sqlglot calls it: what gives a row the same value on every engine."""
_TYPES = "BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DECIMAL TEXT VARCHAR DATE TIMESTAMP TIMESTAMPTZ"
_LONGEST, _DEEPEST = 2000, 60
_HINT = "write one expression over columns, for example `abs(prediction - label) * amount`"


def _refused(metric: CustomMetric, why: str) -> PolicyError:
    return PolicyError(f"metric `{metric.name}`: {why}", hint=_HINT)


def _parsed(metric: CustomMetric) -> Expression:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    if len(metric.sql) > _LONGEST:
        raise _refused(metric, f"the SQL is longer than {_LONGEST:,} characters")
    try:
        found = parse(f"SELECT {metric.sql}", dialect="duckdb")
    except SqlglotError as error:
        raise _refused(metric, f"the SQL cannot be read: {_line(str(error))}") from None
    except RecursionError:
        raise _refused(metric, "the SQL is nested too deeply") from None
    query = found[0] if len(found) == 1 else None
    if (
        not isinstance(query, exp.Select)
        or len(query.expressions) != 1
        or {name for name, value in query.args.items() if value} != {"expressions"}
    ):
        raise _refused(metric, "the SQL is not one expression")
    whole: Expression = query.expressions[0]
    _check_nodes(metric, whole)
    return whole


def _check_nodes(metric: CustomMetric, whole: Expression) -> None:
    from sqlglot import exp

    waiting = [(whole, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _refused(metric, "the SQL is nested too deeply")
        typed = isinstance(node, exp.DataType) and node.this.name not in _TYPES.split()
        if type(node).__name__ not in _NODES.split() or typed or (isinstance(node, exp.Column) and node.table):
            what = _line(node.sql(dialect="duckdb"), 60)
            raise _refused(metric, f"`{what}` is not allowed in an expression of one row")
        waiting += [(child, depth + 1) for child in node.iter_expressions()]


def _line(text: str, most: int = 120) -> str:
    return " ".join(text.split())[:most]


def columns_of(policy: Regression) -> tuple[str, ...]:
    """Return the columns of the artifacts that custom metrics read, each once.

    Raises:
        PolicyError: an expression cannot be read, or is more than an expression.
    """
    from sqlglot import exp

    names = [column.name for metric in policy.metrics for column in _parsed(metric).find_all(exp.Column)]
    return tuple(dict.fromkeys(name for name in names if name not in OWN))


def check_metrics(at: Staged) -> None:
    """Refuse columns that neither artifact has, and expressions whose types do not fit.

    Raises:
        DataError: names the column and the nearest one.
        PolicyError: names the metric.
    """
    layout = at.layout
    for column in at.plan.custom:
        if not any(layout.has(role, column) for role in SIDES):
            known = (*OWN, *layout.types["baseline"])
            raise DataError(f'a custom metric reads "{column}", which no artifact has', hint=nearest(column, known))
    names = ["true AS ok", "a.y AS y", "a.p AS pa", "b.p AS pb"]
    vectored = layout.policy.task in VECTORED
    names += [f"CAST(NULL AS DOUBLE) AS t{side}" if vectored else f"{side}.s AS s{side}" for side in "ab"]
    names += [f"{side}.m{place} AS m{side}{place}" for place in range(len(at.plan.custom)) for side in "ab"]
    rows = f"SELECT {', '.join(names)} FROM side_baseline a CROSS JOIN side_candidate b"
    for metric, value in zip(layout.policy.metrics, own_values(at)[::2], strict=True):
        if fault := at.session.fault(f"SELECT {value} FROM ({rows})"):
            raise _refused(metric, f"the SQL does not fit its columns: {_line(fault)}")


def own_values(at: Staged) -> list[str]:
    """Return SQL for the value of each custom metric on both sides, `<name>` of which is `o0a`, `o0b`, `o1a`, ..."""
    return [
        f"CAST({_value(at, metric, side)} AS DOUBLE) AS o{place}{side}"
        for place, metric in enumerate(at.layout.policy.metrics)
        for side in "ab"
    ]


def _value(at: Staged, metric: CustomMetric, side: str) -> str:
    from sqlglot import exp

    other = "b" if side == "a" else "a"
    score = f"t{side}" if at.layout.policy.task in VECTORED else f"s{side}"
    names = {"score": score, "prediction": f"p{side}", "label": "y"}

    def renamed(node: Expression) -> Expression:
        if not isinstance(node, exp.Column):
            return node
        if node.name in names:
            return exp.column(names[node.name])
        place = at.plan.custom.index(node.name)
        return exp.Coalesce(this=exp.column(f"m{side}{place}"), expressions=[exp.column(f"m{other}{place}")])

    written = at.session.dialect.expression(_parsed(metric).transform(renamed))
    return f"CASE WHEN ok THEN {written} END"
