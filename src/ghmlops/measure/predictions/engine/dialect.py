"""The few words of SQL that engines spell differently. What is here is DuckDB's; another engine overrides what differs.

All other SQL of this room is written once, in what both DuckDB and Spark (ANSI mode, double-quoted identifiers) read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.expressions import Expression


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def how_many(condition: str) -> str:
    """Return SQL for the number of rows for which a condition is true (null is not). FILTER takes longer."""
    return f"coalesce(count_if({condition}), 0)"


class Dialect:
    """Spellings; every argument and result is SQL text."""

    name = "duckdb"
    """As sqlglot calls it."""
    text = "VARCHAR"
    vector = "DOUBLE[]"
    whole = "HUGEINT"
    """An integer that holds sums of 64-bit integers."""
    code, short_code = "UBIGINT", "UINTEGER"
    """Types of `hash` and `short_hash`."""

    def literal(self, text: str) -> str:
        """Return `text` as an SQL string."""
        return literal(text)

    def expression(self, tree: Expression) -> str:
        """Return a user's expression, which was read as DuckDB's SQL, with DuckDB's meaning."""
        return tree.sql(dialect=self.name)

    def finite(self, number: str) -> str:
        """True for a number that is neither NaN nor infinite; null for null."""
        return f"isfinite({number})"

    def infinite(self, number: str) -> str:
        """True for plus and minus infinity."""
        return f"isinf({number})"

    def hash(self, values: Sequence[str]) -> str:
        """64 bits of any values, nulls included; the same for equal values of equal types."""
        return f"hash({', '.join(values)})"

    def short_hash(self, values: Sequence[str]) -> str:
        """32 bits of any values."""
        return f"CAST({self.hash(values)} & 4294967295 AS UINTEGER)"

    def truncated(self, unit: str, moment: str) -> str:
        """Start of the hour, day, week (from Monday) or month of a time without a zone, as a time or a date."""
        if unit == "day":  # by far the fastest
            return f"CAST({moment} AS DATE)"
        return f"CAST(date_trunc('{unit}', {moment}) AS TIMESTAMP)"

    def utc(self, moment: str) -> str:
        """Time with a zone as the time in UTC without one."""
        return f"make_timestamp(epoch_us(CAST({moment} AS TIMESTAMPTZ)))"  # a fifth of what AT TIME ZONE takes

    def naive(self, moment: str) -> str:
        """Time without a zone, or a date, as a time without a zone."""
        return f"CAST({moment} AS TIMESTAMP)"

    def parsed(self, text: str) -> str:
        """Text as a time without a zone; null where it is none."""
        return f"TRY_CAST({text} AS TIMESTAMP)"

    def iso(self, moment: str, *, hourly: bool) -> str:
        """Time in UTC as ISO date, or as ISO time where windows are hours."""
        pattern = "%Y-%m-%dT%H:%M:%SZ" if hourly else "%Y-%m-%d"
        return f"strftime({moment}, '{pattern}')"

    def exact_sum(self, number: str) -> str:
        """Sum of doubles with error compensation; 0 without values."""
        return f"coalesce(fsum({number}), 0.0)"

    def bounded_sum(self, number: str) -> str:
        """Sum of doubles of at most 2^12 in size, in whole parts of 2^-50: the same to the bit in any order."""
        return f"(CAST(coalesce(sum(CAST({number} * 1125899906842624 AS BIGINT)), 0) AS DOUBLE) / 1125899906842624)"

    def element(self, vector: str, place: str) -> str:
        """Element at `place`, counted from 0; null outside."""
        return f"list_extract({vector}, CAST({place} AS BIGINT) + 1)"

    def length(self, vector: str) -> str:
        """Elements of a vector."""
        return f"len({vector})"

    def total(self, vector: str) -> str:
        """Sum of a vector of doubles."""
        return f"CAST(list_sum({vector}) AS DOUBLE)"

    def argmax(self, vector: str) -> str:
        """Place of the (first) largest element, counted from 0."""
        return f"(list_position({vector}, list_max({vector})) - 1)"

    def above(self, vector: str, number: str) -> str:
        """How many elements are larger than a number."""
        return f"len(list_filter({vector}, lambda e: e > {number}))"

    def every(self, vector: str, condition: str) -> str:
        """True where the condition on `e` holds for every element."""
        return f"(len(list_filter({vector}, lambda e: NOT coalesce({condition}, false))) = 0)"

    def as_vector(self, column: str) -> str:
        """A list of numbers as a vector of doubles."""
        return f"CAST({column} AS DOUBLE[])"

    def cosine(self, first: str, second: str) -> str:
        """Cosine similarity of two vectors of one length, none of them zero."""
        whole = (f"list_transform({v}, lambda e: coalesce(e, 0.0))" for v in (first, second))
        return f"list_cosine_similarity({', '.join(whole)})"  # it looks for nulls in rows that are not asked for, too

    def size(self, text: str) -> str:
        """Bytes of a text in UTF-8; characters would have to be counted."""
        return f"strlen({text})"

    def standard_hash(self, text: str) -> str:
        """Hexadecimal MD5 of a text."""
        return f"md5({text})"

    def sha256(self, text: str) -> str:
        """Hexadecimal SHA-256 of a text."""
        return f"sha256({text})"

    def place(self, item: str, values: Sequence[str]) -> str:
        """Place of an item among values, counted from 0; null where it is none of them."""
        return f"(nullif(list_position([{', '.join(values)}], {item}), 0) - 1)"

    def largest(self, vector: str) -> str:
        """Largest element."""
        return f"list_max({vector})"

    def distance(self, first: str, second: str) -> str:
        """Largest difference of two elements at one place; null where the lengths differ."""
        zipped = f"list_zip({first}, {second})"
        apart = f"list_max(list_transform({zipped}, lambda e: abs(struct_extract_at(e, 1) - struct_extract_at(e, 2))))"
        return f"CASE WHEN len({first}) = len({second}) THEN {apart} END"
