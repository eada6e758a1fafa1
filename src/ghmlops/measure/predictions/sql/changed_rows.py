# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Lists the rows that changed most, with their keys, if the policy requests them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.measure.predictions.layout import CLASS_TASKS, SIDES, VECTOR_TASKS
from ghmlops.measure.predictions.sql.pairing import keyed_rows_sql
from ghmlops.measure.predictions.sql.row_values.texts import distance_sql, normalised_sql
from ghmlops.measure.predictions.sql.staging import key_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.staging import StagedViews

_MAX_TEXT = 100
MAX_ANSWER = 300
"""Characters of a text that the evidence contains of a changed row."""
_HASH_DIGITS = 12


def read_changed_rows(views: StagedViews, repeated_roles: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the changed rows, different decisions first, then by difference; values are masked or hashed by policy.

    `repeated_roles` are the roles in which keys repeat. Hashes are the first 12 hexadecimal digits of the SHA-256 of
    the value as text: enough to identify a row, but no protection for values that can be guessed.
    """
    layout, policy = views.layout, views.layout.policy
    if policy.task == "text":
        return _read_changed_texts(views, repeated_roles)
    has_vectors, has_classes = policy.task in VECTOR_TASKS, policy.task in CLASS_TASKS
    distance = views.session.dialect.distance("a.v", "b.v") if has_vectors else "abs(b.s - a.s)"
    flipped = "a.p IS DISTINCT FROM b.p" if has_classes else "false"
    order = [f"{flipped} DESC"] * has_classes + [f"{distance} DESC"]
    values = _identifying_values(views)
    if layout.label_roles:
        values["label"] = _redacted(views, policy.label, _class_name(views, _label(layout)))
    if has_classes:
        column = policy.prediction or layout.score
        values |= {
            f"{role} decision": _redacted(views, column, _class_name(views, f"{s}.p"))
            for role, s in zip(SIDES, "ab", strict=True)
        }
    scores = {"change": distance} if has_vectors else {"baseline": "a.s", "candidate": "b.s", "change": "b.s - a.s"}
    values |= {name: _redacted(views, layout.score, sql) for name, sql in scores.items()}
    where = f"({flipped} OR {distance} > 0)"
    return _read_rows(views, repeated_roles, values, (where, order))


def _read_changed_texts(views: StagedViews, repeated_roles: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows with another text: those that no longer match the label first, then the largest loss of the
    judge's score, then the largest edit distance.
    """
    layout, policy = views.layout, views.layout.policy
    values, order = _identifying_values(views), []
    if layout.label_roles:
        label = _label(layout)
        values["label"] = _excerpt(_redacted(views, policy.label, label))
        first, second, expected = (normalised_sql(text) for text in ("a.p", "b.p", label))
        order.append(f"coalesce({first} = {expected} AND {second} <> {expected}, false) DESC")
    values |= {
        role: _excerpt(_redacted(views, policy.prediction, f"{side}.p")) for role, side in zip(SIDES, "ab", strict=True)
    }
    if policy.score:
        values |= {
            f"{role} {policy.score}": _redacted(views, policy.score, f"{side}.s")
            for role, side in zip(SIDES, "ab", strict=True)
        }
        order.append("coalesce(a.s - b.s, 0) DESC")
    # A text that is too long for an edit distance counts as completely different.
    distance = f"coalesce({distance_sql('a.p', 'b.p')}, 1e0)"
    return _read_rows(views, repeated_roles, values, ("a.p <> b.p", [*order, f"{distance} DESC"]))


def _label(layout: Layout) -> str:
    return "l.y" if "labels" in layout.label_roles else "coalesce(a.y, b.y)"


def _excerpt(text: str) -> str:
    """Return SQL for the beginning of a text."""
    return f"CASE WHEN length({text}) > {MAX_ANSWER} THEN concat(left({text}, {MAX_ANSWER}), '…') ELSE {text} END"


def _identifying_values(views: StagedViews) -> dict[str, str]:
    """Return SQL for the key and the columns that the policy lists, by column."""
    policy, names = views.layout.policy, key_names(views.layout)
    values = {column: _text_sql(views, f"a.{k}") for column, k in zip(policy.key, names, strict=True)}
    values |= {
        column: f"coalesce({_text_sql(views, f'a.e{i}')}, {_text_sql(views, f'b.e{i}')})"
        for i, column in enumerate(policy.changed.show)
    }
    return {column: f"left({_redacted(views, column, sql)}, {_MAX_TEXT})" for column, sql in values.items()}


def _read_rows(
    views: StagedViews,
    repeated_roles: tuple[str, ...],
    values: Mapping[str, str],
    selection: tuple[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Return values of the paired rows that a condition selects, in an order; both are SQL over `a`, `b` and `l`."""
    layout, policy, names = views.layout, views.layout.policy, key_names(views.layout)
    where, order = selection
    parts = ", ".join(f"{sql} AS v{i}" for i, sql in enumerate(values.values()))
    first, second = (keyed_rows_sql(layout, role, repeated_roles) for role in SIDES)
    joins = f"({first}) a JOIN ({second}) b ON {' AND '.join(f'a.{k} = b.{k}' for k in names)}"
    if "labels" in layout.label_roles:
        labels = keyed_rows_sql(layout, "labels", repeated_roles)
        joins += f" LEFT JOIN ({labels}) l ON {' AND '.join(f'a.{k} = l.{k}' for k in names)}"
    rows = views.session.rows(
        f"SELECT {parts} FROM {joins} WHERE a.u AND b.u AND ({where}) "
        f"ORDER BY {', '.join([*order, *(f'a.{k}' for k in names)])} LIMIT {policy.changed.rows}"
    )
    return [dict(zip(values, (_json_value(v) for v in row), strict=True)) for row in rows]


def _class_name(views: StagedViews, sql: str) -> str:
    """Return SQL for the name of a class; labels of other tasks are numbers and stay unchanged."""
    policy = views.layout.policy
    if policy.task not in CLASS_TASKS:
        return sql
    names = policy.classes or ("0", "1")
    cases = [f"WHEN {sql} = {i} THEN {views.session.dialect.literal(name)}" for i, name in enumerate(names)]
    return f"CASE {' '.join(cases)} END"


def _text_sql(views: StagedViews, sql: str) -> str:
    return f"CAST({sql} AS {views.session.dialect.text})"


def _redacted(views: StagedViews, column: str, sql: str) -> str:
    """Return SQL for the value of a column, masked or hashed if the policy requires it."""
    changed, dialect = views.layout.policy.changed, views.session.dialect
    columns = (column, *views.layout.score_columns) if column == views.layout.score else (column,)
    if any(name in changed.mask for name in columns):
        return "'***'"
    hashed = f"left({dialect.sha256(f'CAST({sql} AS {dialect.text})')}, {_HASH_DIGITS})"
    return hashed if any(name in changed.hash for name in columns) else sql


def _json_value(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
