"""Kinds of DuckDB types, and which kinds each use of a column accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_INTEGER_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
_INTEGER_DIGITS |= {"UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20}
"""Decimal digits of the largest value of an integer type."""
_MAX_DIGITS = 38
"""Digits of the widest decimal type of the engines."""
_LIST = re.compile(r"([^\[\]]+)\[\d*\]")
_KINDS = dict.fromkeys(INTEGERS, "integer") | {
    "FLOAT": "float",
    "DOUBLE": "float",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "UUID": "uuid",
    "BLOB": "bytes",
}
KEY_KINDS = ("integer", "text", "boolean", "date", "time", "uuid", "bytes", "decimal")
NUMBER_KINDS = ("integer", "float", "decimal")
CLASS_KINDS = (*NUMBER_KINDS, "boolean", "text")
ZONED_TIMES = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
"""DuckDB types of times with a zone."""


class ColumnUse(NamedTuple):
    """A use of a column: its name in messages, the kinds of types it accepts, and the hint for other types."""

    description: str
    kinds: tuple[str, ...]
    hint: str


KEY = ColumnUse("a key", KEY_KINDS, "write it as an integer or as text")
SCORE = ColumnUse("a score", NUMBER_KINDS, "write it as a floating-point number")
VECTOR = ColumnUse("a vector", ("vector",), "write it as a list of floating-point numbers")
TIME = ColumnUse(
    "the time", ("time", "date"), "write it as a timestamp in UTC, or state the unit of numbers: `time-unit: s`"
)
NUMERIC_TIME = ColumnUse(
    "the time", ("time", "date", *NUMBER_KINDS), "write it as a timestamp in UTC, or as a number since 1970"
)
DECISION = ColumnUse("a decision", CLASS_KINDS, "write it as 0 and 1, or as text with `classes`")
WEIGHT = ColumnUse("a weight", NUMBER_KINDS, "write it as a number above 0")
LABELS = {
    "binary": ColumnUse("a label", CLASS_KINDS, DECISION.hint),
    "multiclass": ColumnUse("a label", CLASS_KINDS, "write it as one of `classes`"),
    "label-sets": ColumnUse("a label", CLASS_KINDS, DECISION.hint),
    "regression": ColumnUse("a label", NUMBER_KINDS, "write it as a number"),
    "text": ColumnUse("a text", ("text",), "write it as text"),
    "ranking": ColumnUse("a relevance", (*NUMBER_KINDS, "boolean"), "write it as a number, 0 for irrelevant"),
}
"""Use of the label, by task."""


def common_key_type(types: Iterable[str]) -> str:
    """Return the decimal type in which whole numbers and decimals can be compared; empty if there is no need or none.

    7 and 7.000 are the same number, and the type represents each value of both exactly.
    """
    types = set(types)
    if len(types) < 2 or not {type_kind(t) for t in types} <= {"integer", "decimal"}:
        return ""
    decimals = [match for t in types if (match := _DECIMAL.fullmatch(t))]
    scale = max((int(match[2]) for match in decimals), default=0)
    whole = max(
        *(int(match[1]) - int(match[2]) for match in decimals),
        *(_INTEGER_DIGITS.get(t, _MAX_DIGITS) for t in types if not t.startswith("DECIMAL")),
        0,
    )
    return f"DECIMAL({_MAX_DIGITS}, {scale})" if decimals and whole + scale <= _MAX_DIGITS else ""


def type_kind(duckdb_type: str) -> str:
    """Return the kind of a DuckDB type: `integer`, `float`, `text`, ..., or `nested`."""
    if (match := _LIST.fullmatch(duckdb_type)) and type_kind(match[1]) in NUMBER_KINDS:
        return "vector"
    if duckdb_type.endswith("]"):
        return "nested"
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    if duckdb_type.startswith("TIMESTAMP"):
        return "time"
    if duckdb_type.startswith("ENUM"):
        return "text"
    return _KINDS.get(duckdb_type, "nested")
