"""The SQL expressions that Spark spells differently, in ANSI mode and with double-quoted identifiers.

See `spark_start.SETTINGS` for the settings that this dialect relies on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.predictions.engine.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.expressions import Expression

_INFINITY, _NAN, _ZERO = "CAST('Infinity' AS DOUBLE)", "CAST('NaN' AS DOUBLE)", "CAST(0 AS DOUBLE)"
_DIVISION = (
    "get(zip_with(array(CAST({} AS DOUBLE)), array(CAST({} AS DOUBLE)), "
    f"(n, d) -> CASE WHEN d = 0 THEN n * {_INFINITY} ELSE n / d END), 0)"
)
_LOGARITHM = (
    "get(transform(array(CAST({} AS DOUBLE)), "
    f"n -> CASE WHEN n > 0 THEN ln(n) WHEN n = 0 THEN -{_INFINITY} WHEN n < 0 THEN {_NAN} ELSE n END), 0)"
)
"""Lambdas name each operand once: with the operand repeated, nested expressions would double in size per level."""
_DATE_LENGTH = len("2025-03-01")


class SparkDialect(Dialect):
    """Spellings for Spark. `TIMESTAMP` is the type without a zone, and the zone of the session is UTC."""

    name = "spark"
    text = "STRING"
    vector = "ARRAY<DOUBLE>"
    wide_integer = "DECIMAL(38, 0)"
    code = short_code = "BIGINT"

    def literal(self, text: str) -> str:
        """Return `text` as an SQL string; Spark interprets backslashes as escapes."""
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def expression(self, tree: Expression) -> str:
        """An expression with DuckDB's division by zero and logarithm of zero: Spark would raise or return null."""
        from sqlglot import exp

        # Innermost nodes first: the text of each node then contains the text of its operands.
        for node in reversed(list(tree.walk(bfs=False))):
            if isinstance(node, exp.Div):
                text = _DIVISION.format(node.this.sql(dialect=self.name), node.expression.sql(dialect=self.name))
            elif isinstance(node, exp.Ln):
                text = _LOGARITHM.format(node.this.sql(dialect=self.name))
            else:
                continue
            if node is tree:
                return text
            node.replace(exp.Var(this=text))
        return tree.sql(dialect=self.name)

    def finite(self, number: str) -> str:
        """Whether a number is finite; in Spark, NaN is larger than every number."""
        return f"(abs({number}) < {_INFINITY})"

    def infinite(self, number: str) -> str:
        """Whether a number is plus or minus infinity."""
        return f"(abs({number}) = {_INFINITY})"

    def hash(self, values: Sequence[str]) -> str:
        """64-bit signed hash. Spark ignores nulls, so a flag for null is hashed before each value."""
        return f"xxhash64({', '.join(f'({value}) IS NULL, {value}' for value in values)})"

    def short_hash(self, values: Sequence[str]) -> str:
        """32-bit hash of any values."""
        return f"({self.hash(values)} & 4294967295)"

    def truncated(self, unit: str, moment: str) -> str:
        """Start of a unit; Spark truncates only times with a zone."""
        return f"CAST(date_trunc('{unit}', CAST({moment} AS TIMESTAMP_LTZ)) AS TIMESTAMP)"

    def utc(self, moment: str) -> str:
        """A time with a zone as the time in UTC, which is the zone of the session."""
        return f"CAST({moment} AS TIMESTAMP)"

    def from_nanoseconds(self, moment: str) -> str:
        """The session has already read such a time in microseconds, rounded down."""
        return self.naive(moment)

    def from_microseconds(self, number: str) -> str:
        """A number of microseconds since 1970 as the time in UTC, which is the zone of the session."""
        return f"CAST(timestamp_micros(TRY_CAST({number} AS BIGINT)) AS TIMESTAMP)"

    def local(self, moment: str, zone: str) -> str:
        """A time in UTC as the time that clocks of a time zone show."""
        return f"convert_timezone('UTC', {self.literal(zone)}, {moment})"

    def vector_of(self, columns: Sequence[str]) -> str:
        """Numbers as a vector of doubles."""
        return f"array({', '.join(f'CAST({column} AS DOUBLE)' for column in columns)})"

    def one_hot(self, index: str, length: int) -> str:
        """The vector with 1 at an index, counted from 0, and 0 elsewhere; null without an index."""
        vector = f"transform(sequence(0, {length - 1}), i -> CASE WHEN i = {index} THEN 1D ELSE 0D END)"
        return f"CASE WHEN {index} IS NOT NULL THEN {vector} END"

    def parsed(self, text: str) -> str:
        """Text as a time; unlike DuckDB, Spark accepts a year alone and a time of day alone, which are excluded."""
        return f"CASE WHEN length({text}) >= {_DATE_LENGTH} THEN TRY_CAST({text} AS TIMESTAMP) END"

    def iso(self, moment: str, *, hourly: bool) -> str:
        """A time in UTC as an ISO date, or as an ISO time if windows are hours."""
        zoned = f"CAST({moment} AS TIMESTAMP_LTZ)"
        day = f"date_format({zoned}, 'yyyy-MM-dd')"
        return f"concat({day}, 'T', date_format({zoned}, 'HH:mm:ss'), 'Z')" if hourly else day

    def exact_sum(self, number: str) -> str:
        """Plain sum of doubles: in order within a task, so the error is limited to the last digits."""
        return f"coalesce(sum({number}), {_ZERO})"

    def bounded_sum(self, number: str) -> str:
        """The same sum in two halves: a sum of integers overflows 64 bits, and a sum of wide decimals is slow."""
        scaled = f"CAST(rint({number} * 1125899906842624) AS BIGINT)"
        high, low = f"sum(shiftright({scaled}, 32))", f"sum({scaled} & 4294967295)"
        combined = f"CAST({high} AS DOUBLE) * 4294967296 + CAST({low} AS DOUBLE)"
        return f"coalesce(({combined}) / 1125899906842624, {_ZERO})"

    def element(self, vector: str, index: str) -> str:
        """Element at `index`, counted from 0; null outside the vector."""
        return f"get({vector}, CAST({index} AS INT))"

    def length(self, vector: str) -> str:
        """Number of elements of a vector."""
        return f"array_size({vector})"

    def total(self, vector: str) -> str:
        """Sum of the elements of a vector of doubles."""
        return f"aggregate({vector}, {_ZERO}, (total, e) -> total + e)"

    def argmax(self, vector: str) -> str:
        """Index of the first largest element, counted from 0."""
        return f"(array_position({vector}, array_max({vector})) - 1)"

    def rank(self, vector: str, index: str) -> str:
        """Rank from 1 of the element at `index` in descending order; of equal elements the first comes first."""
        number = self.element(vector, index)
        return f"(array_size(filter({vector}, (e, i) -> e > {number} OR (e = {number} AND i < {index}))) + 1)"

    def every(self, vector: str, condition: str) -> str:
        """Whether the condition on `e` is true for every element."""
        return f"forall({vector}, e -> coalesce({condition}, false))"

    def as_vector(self, column: str) -> str:
        """A list of numbers as a vector of doubles."""
        return f"CAST({column} AS ARRAY<DOUBLE>)"

    def cosine(self, first: str, second: str) -> str:
        """Cosine similarity of two vectors of equal length, neither of them zero."""
        product = self.total(f"zip_with({first}, {second}, (f, g) -> f * g)")
        cosine = f"{product} / sqrt({self.square(first)} * {self.square(second)})"
        return f"greatest(least({cosine}, CAST(1 AS DOUBLE)), CAST(-1 AS DOUBLE))"

    def square(self, vector: str) -> str:
        """Sum of squares of a vector."""
        return f"aggregate({vector}, {_ZERO}, (total, e) -> total + e * e)"

    def size(self, text: str) -> str:
        """Size of a text in UTF-8, in bytes."""
        return f"octet_length({text})"

    def standard_hash(self, text: str) -> str:
        """Hexadecimal MD5 of a text."""
        return f"md5(CAST({text} AS BINARY))"

    def sha256(self, text: str) -> str:
        """Hexadecimal SHA-256 of a text."""
        return f"sha2(CAST({text} AS BINARY), 256)"

    def index_of(self, item: str, values: Sequence[str]) -> str:
        """Index of an item among values, counted from 0; null if it is not one of them."""
        return f"(nullif(array_position(array({', '.join(values)}), {item}), 0) - 1)"

    def largest(self, vector: str) -> str:
        """Largest element of a vector."""
        return f"array_max({vector})"

    def distance(self, first: str, second: str) -> str:
        """Largest absolute difference of two elements at the same index; null if the lengths differ."""
        difference = f"array_max(zip_with({first}, {second}, (f, g) -> abs(f - g)))"
        return f"CASE WHEN array_size({first}) = array_size({second}) THEN {difference} END"
