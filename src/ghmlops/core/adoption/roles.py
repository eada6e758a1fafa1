"""Derives task, key, label, score, time and slices of predictions from names, types and numbers of distinct values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.core.adoption.facts import Column, Table

MAX_SLICE_VALUES = 20
"""Values of a column beyond which its slices have too few rows to decide anything."""
MAX_SLICES = 5
"""Columns; every slice is one more test, which makes the others less sensitive."""
MIN_REGRESSION_VALUES = 20
"""Distinct values of a numeric label above which it is a quantity and not a class."""
_KEY = re.compile(r"(?i)(row|record|sample|event|request|example)?_?(id|key|uuid|guid)|.*_(id|key|uuid)")
_INDEX = re.compile(r"(?i)index|__index_level_0__|row|row_number")
_LABEL = re.compile(
    r"(?i)label|target|y|y_?true|actual|truth|ground_?truth|outcome|(true|actual)_.*|.*_(label|true|actual)"
)
_SCORE = re.compile(
    r"(?i)score|prob|proba|probs|probability|probabilities|scores|y_(score|prob|proba)|p|p_.*|.*_(score|prob|proba)"
)
_PREDICTION = re.compile(
    r"(?i)prediction|pred|predicted|y_?pred|y_?hat|forecast|decision|(pred|predicted)_.*|.*_(pred|prediction|hat)"
)
_QUERY = re.compile(r"(?i)query|qid|query_id|search_id|.*_query")
_TIME = re.compile(r"(?i)time|timestamp|date|datetime|ts|.*_(time|at|date|ts)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Roles of the columns; an empty name is a role that could not be derived."""

    task: str = ""
    key: tuple[str, ...] = ()
    label: str = ""
    score: tuple[str, ...] = ()
    prediction: str = ""
    query: str = ""
    time: str = ""
    slices: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def predicts(self) -> bool:
        """Whether a column contains what a model returned."""
        return bool(self.score or self.prediction)


def derive(table: Table, choice: Roles, labels: Table | None = None) -> Roles:
    """Return the roles of the columns of predictions.

    Args:
        table: the predictions.
        choice: roles that the user stated; they are returned as they are.
        labels: a separate file with the label, or `None`.
    """
    source = labels or table
    label = choice.label or _first(source.columns, _LABEL)
    used = {label, *choice.key, *choice.score, choice.prediction, choice.time}
    free = [column for column in table.columns if column.name not in used]
    true_label = source.column(label)
    scores = choice.score or _scores(free, true_label)
    prediction = choice.prediction or _first((c for c in free if c.name not in scores), _PREDICTION)
    query = choice.query or _first((c for c in free if c.distinct < table.rows), _QUERY)
    task = choice.task or _task(table, true_label, scores, prediction, query)
    if task == "regression" and not prediction and len(scores) == 1:
        prediction, scores = scores[0], ()
    if task in ("regression", "embedding"):
        scores = scores if task == "embedding" else ()
    time = choice.time or _time(free)
    results = {label, *scores, prediction, query, time}
    key = choice.key or _key(table, [c for c in free if c.name not in results])
    slices = choice.slices or _slices([c for c in free if c.name not in {*results, *key}])
    return Roles(
        task=task,
        key=key,
        label=label,
        score=scores,
        prediction=prediction if task not in ("ranking", "embedding") else "",
        query=query if task == "ranking" else "",
        time=time,
        slices=slices,
        classes=choice.classes or _classes(task, true_label, scores, table),
    )


def _first(columns: Iterable[Column], pattern: re.Pattern[str]) -> str:
    return next((column.name for column in columns if pattern.fullmatch(column.name)), "")


def _scores(free: list[Column], label: Column | None) -> tuple[str, ...]:
    """Return the column of the score; or one column per class, whose names end with the values of the label."""
    if label is not None and len(label.values) > 2:
        per_class = [
            next((c.name for c in free if c.kind == "number" and re.fullmatch(rf"\w+?_{re.escape(v)}", c.name)), "")
            for v in label.values
        ]
        if all(per_class) and len(set(per_class)) == len(per_class):
            return tuple(per_class)
    columns = [c for c in free if c.kind in ("number", "vector") and _SCORE.fullmatch(c.name)]
    vectors = [c for c in columns if c.kind == "vector"] or columns
    return (vectors[0].name,) if vectors else ()


def _task(table: Table, label: Column | None, scores: tuple[str, ...], prediction: str, query: str) -> str:
    score = table.column(scores[0]) if scores else None
    is_vector = score is not None and score.kind == "vector"
    if label is None:
        return "embedding" if is_vector else ""
    if query and score is not None and not is_vector:
        return "ranking"
    if is_vector or len(scores) > 1:
        return "multiclass"
    return _task_of_numbers(label, score, table.column(prediction))


def _task_of_numbers(label: Column, score: Column | None, predicted: Column | None) -> str:
    """Return the task of a label with at most one column of scores and one of decisions or values."""
    is_probability = score is not None and (score.low or 0.0) >= 0.0 and (score.high or 0.0) <= 1.0
    is_flag = label.kind != "number" or (label.low, label.high) == (0.0, 1.0)
    if 0 < label.distinct <= 2 and is_flag and (is_probability or predicted is not None):
        return "binary"
    is_class = 0 < label.distinct <= MIN_REGRESSION_VALUES and label.kind in ("text", "integer")
    if predicted is not None and is_class and predicted.kind == label.kind:
        return "multiclass"
    is_quantity = label.kind in ("integer", "number") and (predicted is not None or score is not None)
    return "regression" if is_quantity else ""


def _key(table: Table, free: list[Column]) -> tuple[str, ...]:
    """Return a column that is unique and never null; a name that promises it comes first."""
    unique = [c for c in free if c.distinct == table.rows and not c.nulls and c.kind in ("integer", "text")]
    for pattern in (_KEY, _INDEX):
        if name := _first(unique, pattern):
            return (name,)
    return (unique[0].name,) if unique else ()


def _time(free: list[Column]) -> str:
    times = [c for c in free if c.kind == "time"]
    return _first(times, _TIME) or (times[0].name if times else "")


def _slices(free: list[Column]) -> tuple[str, ...]:
    """Return columns with few values, fewest first, so that each slice has many rows."""
    usable = [c for c in free if c.kind in ("text", "boolean", "integer") and 2 <= c.distinct <= MAX_SLICE_VALUES]
    return tuple(c.name for c in sorted(usable, key=lambda c: c.distinct)[:MAX_SLICES])


def _classes(task: str, label: Column | None, scores: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """Return the classes in the order of the vector: ascending, which is that of scikit-learn."""
    if label is None or task not in ("binary", "multiclass"):
        return ()
    if task == "multiclass":
        return label.values
    vector = table.column(scores[0]) if scores else None
    is_plain = label.kind == "boolean" or set(label.values) <= {"0", "1", "0.0", "1.0"}
    return () if is_plain and not (vector and vector.kind == "vector") else label.values
