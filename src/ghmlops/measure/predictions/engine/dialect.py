"""The SQL expressions that engines spell differently. This class is DuckDB's dialect; other engines override it.

All other SQL of this package is written once, in the common subset of DuckDB and Spark (ANSI mode, double-quoted
identifiers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.expressions import Expression


_SECONDS = (-62_135_596_800, 253_402_300_799)
"""Seconds since 1970 of the first and the last second of the years 1 to 9999."""
EPOCH_LIMITS = {
    unit: (_SECONDS[0] * per_second, _SECONDS[1] * per_second)
    for unit, per_second in {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}.items()
}
"""By unit: the numbers that are a time of these years."""


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def count_true(condition: str) -> str:
    """Return SQL for the number of rows for which a condition is true (null is not). FILTER is slower."""
    return f"coalesce(count_if({condition}), 0)"


class Dialect:
    """Spellings of SQL expressions; every argument and every result is SQL text."""

    name = "duckdb"
    """Name of the dialect in sqlglot."""
    text = "VARCHAR"
    vector = "DOUBLE[]"
    wide_integer = "HUGEINT"
    """An integer type that can represent sums of 64-bit integers."""
    code, short_code = "UBIGINT", "UINTEGER"
    """Types of `hash` and `short_hash`."""

    def literal(self, text: str) -> str:
        """Return `text` as an SQL string."""
        return literal(text)

    def expression(self, tree: Expression) -> str:
        """Return a user's expression, which was parsed as DuckDB's SQL, with DuckDB's semantics."""
        return tree.sql(dialect=self.name)

    def finite(self, number: str) -> str:
        """Whether a number is neither NaN nor infinite; null for null."""
        return f"isfinite({number})"

    def infinite(self, number: str) -> str:
        """Whether a number is plus or minus infinity."""
        return f"isinf({number})"

    def hash(self, values: Sequence[str]) -> str:
        """64-bit hash of any values, nulls included; the same for equal values of equal types."""
        return f"hash({', '.join(values)})"

    def short_hash(self, values: Sequence[str]) -> str:
        """32-bit hash of any values."""
        return f"CAST({self.hash(values)} & 4294967295 AS UINTEGER)"

    def truncated(self, unit: str, moment: str) -> str:
        """Start of the hour, day, week (from Monday) or month of a time without a zone, as a time or a date."""
        if unit == "day":  # by far the fastest
            return f"CAST({moment} AS DATE)"
        return f"CAST(date_trunc('{unit}', {moment}) AS TIMESTAMP)"

    def utc(self, moment: str) -> str:
        """A time with a zone as the time in UTC without a zone."""
        return f"make_timestamp(epoch_us(CAST({moment} AS TIMESTAMPTZ)))"  # five times as fast as AT TIME ZONE

    def naive(self, moment: str) -> str:
        """A time without a zone, or a date, as a time without a zone."""
        return f"CAST({moment} AS TIMESTAMP)"

    def from_nanoseconds(self, moment: str) -> str:
        """A time in nanoseconds as the time in UTC, rounded down to microseconds: a cast rounds into the next day."""
        return f"make_timestamp((epoch_ns({moment}) - ((epoch_ns({moment}) % 1000) + 1000) % 1000) // 1000)"

    def from_epoch(self, number: str, unit: str, *, exact: bool) -> str:
        """A number of units since 1970 as the time in UTC, rounded down to microseconds; null beyond year 9999.

        `exact`: the number is an integer or a decimal, not floating-point.
        """
        factor = {"s": "* 1000000", "ms": "* 1000", "us": "* 1", "ns": "/ 1000"}[unit]
        # A double would round nanoseconds; a number that does not fit the decimal type is no time.
        value = f"TRY_CAST({number} AS DECIMAL(28, 6))" if exact else f"CAST({number} AS DOUBLE)"
        low, high = EPOCH_LIMITS[unit]
        time = self.from_microseconds(f"floor({value} {factor})")
        return f"CASE WHEN CAST({number} AS DOUBLE) BETWEEN {low} AND {high} THEN {time} END"

    def from_microseconds(self, number: str) -> str:
        """A number of microseconds since 1970 as the time in UTC."""
        return f"make_timestamp(TRY_CAST({number} AS BIGINT))"

    def local(self, moment: str, zone: str) -> str:
        """A time in UTC as the time that clocks of a time zone show."""
        return f"(({moment} AT TIME ZONE 'UTC') AT TIME ZONE {self.literal(zone)})"

    def vector_of(self, columns: Sequence[str]) -> str:
        """Numbers as a vector of doubles."""
        return f"[{', '.join(f'CAST({column} AS DOUBLE)' for column in columns)}]"

    def one_hot(self, index: str, length: int) -> str:
        """The vector with 1 at an index, counted from 0, and 0 elsewhere; null without an index."""
        vector = f"list_transform(range({length}), lambda i: CASE WHEN i = {index} THEN 1e0 ELSE 0e0 END)"
        return f"CASE WHEN {index} IS NOT NULL THEN {vector} END"

    def parsed(self, text: str) -> str:
        """Text as a time without a zone; null if it is not a time."""
        return f"TRY_CAST({text} AS TIMESTAMP)"

    def iso(self, moment: str, *, hourly: bool) -> str:
        """A time in UTC as an ISO date, or as an ISO time if windows are hours."""
        pattern = "%Y-%m-%dT%H:%M:%SZ" if hourly else "%Y-%m-%d"
        return f"strftime({moment}, '{pattern}')"

    def exact_sum(self, number: str) -> str:
        """Sum of doubles with error compensation; 0 without values."""
        return f"coalesce(fsum({number}), 0.0)"

    def bounded_sum(self, number: str) -> str:
        """Sum of doubles of at most 2^12 in size, in integer multiples of 2^-50: bit-identical in any order."""
        return f"(CAST(coalesce(sum(CAST({number} * 1125899906842624 AS BIGINT)), 0) AS DOUBLE) / 1125899906842624)"

    def element(self, vector: str, index: str) -> str:
        """Element at `index`, counted from 0; null outside the vector."""
        return f"list_extract({vector}, CAST({index} AS BIGINT) + 1)"

    def length(self, vector: str) -> str:
        """Number of elements of a vector."""
        return f"len({vector})"

    def total(self, vector: str) -> str:
        """Sum of the elements of a vector of doubles."""
        return f"CAST(list_sum({vector}) AS DOUBLE)"

    def argmax(self, vector: str) -> str:
        """Index of the first largest element, counted from 0."""
        return f"(list_position({vector}, list_max({vector})) - 1)"

    def rank(self, vector: str, index: str) -> str:
        """Rank from 1 of the element at `index` in descending order; of equal elements the first comes first."""
        number = self.element(vector, index)
        return f"(len(list_filter({vector}, lambda e, i: e > {number} OR (e = {number} AND i <= {index}))) + 1)"

    def every(self, vector: str, condition: str) -> str:
        """Whether the condition on `e` is true for every element."""
        return f"(len(list_filter({vector}, lambda e: NOT coalesce({condition}, false))) = 0)"

    def as_vector(self, column: str) -> str:
        """A list of numbers as a vector of doubles."""
        return f"CAST({column} AS DOUBLE[])"

    def cosine(self, first: str, second: str) -> str:
        """Cosine similarity of two vectors of equal length, neither of them zero."""
        # The function rejects nulls even in rows that a condition around it excludes.
        without_nulls = (f"list_transform({v}, lambda e: coalesce(e, 0.0))" for v in (first, second))
        return f"list_cosine_similarity({', '.join(without_nulls)})"

    def size(self, text: str) -> str:
        """Size of a text in UTF-8, in bytes; the number of characters would have to be counted."""
        return f"strlen({text})"

    def standard_hash(self, text: str) -> str:
        """Hexadecimal MD5 of a text."""
        return f"md5({text})"

    def sha256(self, text: str) -> str:
        """Hexadecimal SHA-256 of a text."""
        return f"sha256({text})"

    def index_of(self, item: str, values: Sequence[str]) -> str:
        """Index of an item among values, counted from 0; null if it is not one of them."""
        return f"(nullif(list_position([{', '.join(values)}], {item}), 0) - 1)"

    def largest(self, vector: str) -> str:
        """Largest element of a vector."""
        return f"list_max({vector})"

    def distance(self, first: str, second: str) -> str:
        """Largest absolute difference of two elements at the same index; null if the lengths differ."""
        zipped = f"list_zip({first}, {second})"
        difference = (
            f"list_max(list_transform({zipped}, lambda e: abs(struct_extract_at(e, 1) - struct_extract_at(e, 2))))"
        )
        return f"CASE WHEN len({first}) = len({second}) THEN {difference} END"
