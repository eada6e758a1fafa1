"""Kinds of DuckDB types, and which kinds each use of a column accepts."""

from __future__ import annotations

import re
from typing import NamedTuple

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
TIME = ColumnUse("the time", ("time", "date"), "write it as a timestamp in UTC")
DECISION = ColumnUse("a decision", CLASS_KINDS, "write it as 0 and 1, or as text with `classes`")
LABELS = {
    "binary": ColumnUse("a label", CLASS_KINDS, DECISION.hint),
    "multiclass": ColumnUse("a label", CLASS_KINDS, "write it as one of `classes`"),
    "regression": ColumnUse("a label", NUMBER_KINDS, "write it as a number"),
    "ranking": ColumnUse("a relevance", (*NUMBER_KINDS, "boolean"), "write it as a number, 0 for irrelevant"),
}
"""Use of the label, by task."""


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
