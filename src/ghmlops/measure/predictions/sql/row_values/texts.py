r"""SQL for texts as predictions: equality with the label, with and without normalisation, and edit distances.

The normalisation is that of SQuAD's evaluation script, version 1.1, after Unicode NFC: lower case; the 32 ASCII
punctuation characters are removed; the words `a`, `an` and `the` become a blank; runs of blanks become one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.text.edit_distance import edit_distance
from ghmlops.measure.predictions.engine.dialect import literal
from ghmlops.measure.predictions.sql.columns import column_sql

if TYPE_CHECKING:
    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

MAX_EDITED_LENGTH = 1000
"""Characters of a text beyond which no edit distance is computed; at this length it takes about a millisecond."""
_EDIT_DISTANCE = "ghmlops_edit_distance"
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_WORD = r"\p{L}\p{N}_"
# The second of two articles in succession is not matched in the same pass, because they share a blank.
_ARTICLE = rf"(^|[^{_WORD}])(?:a|an|the)([^{_WORD}]|$)"
_BLANKS = r"[\s\p{Z}\x{0b}\x{1c}-\x{1f}\x{85}]+"


def prepare_texts(session: Session) -> None:
    """Give the engine its function for edit distances.

    Raises:
        InputError: the engine cannot compare texts.
    """
    if session.dialect.name != "duckdb":
        raise InputError("task `text` is compared by the engine duckdb only", hint="remove `engine: spark`")
    session.define(_EDIT_DISTANCE, edit_distance, ["VARCHAR", "VARCHAR"], "INTEGER")


def text_label_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the label and for whether it is there, as `columns.label_sql`."""
    if role not in layout.label_roles:
        return [f"CAST(NULL AS {dialect.text}) AS y", "false AS y_present"]
    name = column_sql(layout, role, layout.policy.label)
    return [f"CAST({name} AS {dialect.text}) AS y", f"{name} IS NOT NULL AS y_present"]


def text_prediction_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the judge's score, null if it is not a finite number, the text, and `stale`."""
    policy = layout.policy
    score = "CAST(NULL AS DOUBLE)"
    if policy.score:
        number = f"CAST({column_sql(layout, role, policy.score)} AS DOUBLE)"
        score = f"CASE WHEN {dialect.finite(number)} THEN {number} END"
    return [
        f"{score} AS s",
        f"CAST({column_sql(layout, role, policy.prediction)} AS {dialect.text}) AS p",
        "false AS stale",
    ]


def normalised_sql(text: str) -> str:
    """Return SQL for the normalised text (see the module)."""
    sql = f"regexp_replace(lower(nfc_normalize({text})), {literal(_PUNCTUATION)}, '', 'g')"
    for _ in range(2):
        sql = f"regexp_replace({sql}, {literal(_ARTICLE)}, '\\1 \\2', 'g')"
    return f"trim(regexp_replace({sql}, {literal(_BLANKS)}, ' ', 'g'))"


def distance_sql(first: str, second: str) -> str:
    """Return SQL for the edit distance over the longer length, null if a text is null or too long."""
    longer = f"greatest(length({first}), length({second}))"
    distance = f"CAST({_EDIT_DISTANCE}({first}, {second}) AS DOUBLE) / {longer}"
    return (
        f"CASE WHEN {first} IS NULL OR {second} IS NULL OR {longer} > {MAX_EDITED_LENGTH} THEN NULL "
        f"WHEN {first} = {second} THEN 0e0 ELSE {distance} END"
    )


def text_values_sql() -> list[str]:
    """Return SQL for what `pairs` stores of texts: comparisons, and not the texts themselves.

    The texts are `pa`, `pb` and the label `y`; `na`, `nb` and `ny` are the normalised ones.
    """
    values = [
        "CASE WHEN y IS NOT NULL THEN 0 END AS y",
        "CAST(NULL AS INTEGER) AS pa",
        "CAST(NULL AS INTEGER) AS pb",
        "pa IS NOT DISTINCT FROM pb AS same",
        "CASE WHEN ok THEN na = nb END AS alike",
        f"CASE WHEN ok THEN {distance_sql('pa', 'pb')} END AS delta",
    ]
    for side in "ab":
        values += [
            f"CASE WHEN ok THEN CAST(p{side} = y AS DOUBLE) END AS exact_{side}",
            f"CASE WHEN ok THEN CAST(n{side} = ny AS DOUBLE) END AS normalised_{side}",
            f"CASE WHEN ok THEN {distance_sql(f'p{side}', 'y')} END AS edits_{side}",
        ]
    return values
