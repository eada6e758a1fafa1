"""What Spark spells differently, in ANSI mode and with double-quoted identifiers; see `spark_session.SETTINGS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.predictions.engine.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.expressions import Expression

_INFINITY, _NAN, _ZERO = "CAST('Infinity' AS DOUBLE)", "CAST('NaN' AS DOUBLE)", "CAST(0 AS DOUBLE)"
_DIVIDED = (
    "get(zip_with(array(CAST({} AS DOUBLE)), array(CAST({} AS DOUBLE)), "
    f"(n, d) -> CASE WHEN d = 0 THEN n * {_INFINITY} ELSE n / d END), 0)"
)
_LOGARITHM = (
    "get(transform(array(CAST({} AS DOUBLE)), "
    f"n -> CASE WHEN n > 0 THEN ln(n) WHEN n = 0 THEN -{_INFINITY} WHEN n < 0 THEN {_NAN} ELSE n END), 0)"
)
"""Functions of their operands, which they name once: nested ones would double with every level."""
_DATE_LENGTH = len("2025-03-01")


class SparkDialect(Dialect):
    """Spellings for Spark. `TIMESTAMP` is the type without a zone, and the session's zone is UTC."""

    name = "spark"
    text = "STRING"
    vector = "ARRAY<DOUBLE>"
    whole = "DECIMAL(38, 0)"
    code = short_code = "BIGINT"

    def literal(self, text: str) -> str:
        """Return `text` as an SQL string; Spark reads backslashes as escapes."""
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def expression(self, tree: Expression) -> str:
        """Division is one of doubles, by zero too, and zero has a logarithm: Spark would refuse, or give null."""
        from sqlglot import exp

        for node in reversed(list(tree.walk(bfs=False))):  # the innermost first, each then stands for its text
            if isinstance(node, exp.Div):
                text = _DIVIDED.format(node.this.sql(dialect=self.name), node.expression.sql(dialect=self.name))
            elif isinstance(node, exp.Ln):
                text = _LOGARITHM.format(node.this.sql(dialect=self.name))
            else:
                continue
            if node is tree:
                return text
            node.replace(exp.Var(this=text))
        return tree.sql(dialect=self.name)

    def finite(self, number: str) -> str:
        """NaN is larger than every number."""
        return f"(abs({number}) < {_INFINITY})"

    def infinite(self, number: str) -> str:
        """True for plus and minus infinity."""
        return f"(abs({number}) = {_INFINITY})"

    def hash(self, values: Sequence[str]) -> str:
        """64 signed bits. Spark passes over nulls, so that null is hashed as a flag before each value."""
        return f"xxhash64({', '.join(f'({value}) IS NULL, {value}' for value in values)})"

    def short_hash(self, values: Sequence[str]) -> str:
        """32 bits of any values."""
        return f"({self.hash(values)} & 4294967295)"

    def truncated(self, unit: str, moment: str) -> str:
        """Spark truncates times with a zone alone."""
        return f"CAST(date_trunc('{unit}', CAST({moment} AS TIMESTAMP_LTZ)) AS TIMESTAMP)"

    def utc(self, moment: str) -> str:
        """The session's zone is UTC."""
        return f"CAST({moment} AS TIMESTAMP)"

    def parsed(self, text: str) -> str:
        """Spark takes a year alone, or a time alone, for a time; DuckDB does not."""
        return f"CASE WHEN length({text}) >= {_DATE_LENGTH} THEN TRY_CAST({text} AS TIMESTAMP) END"

    def iso(self, moment: str, *, hourly: bool) -> str:
        """Time in UTC as ISO date, or as ISO time where windows are hours."""
        zoned = f"CAST({moment} AS TIMESTAMP_LTZ)"
        day = f"date_format({zoned}, 'yyyy-MM-dd')"
        return f"concat({day}, 'T', date_format({zoned}, 'HH:mm:ss'), 'Z')" if hourly else day

    def exact_sum(self, number: str) -> str:
        """Plain sum of doubles: within one task in order, so that its error is some last digits."""
        return f"coalesce(sum({number}), {_ZERO})"

    def bounded_sum(self, number: str) -> str:
        """The same in two halves: a sum of whole numbers overflows 64 bits, and one of wide decimals is slow."""
        whole = f"CAST(rint({number} * 1125899906842624) AS BIGINT)"
        high, low = f"sum(shiftright({whole}, 32))", f"sum({whole} & 4294967295)"
        added = f"CAST({high} AS DOUBLE) * 4294967296 + CAST({low} AS DOUBLE)"
        return f"coalesce(({added}) / 1125899906842624, {_ZERO})"

    def element(self, vector: str, place: str) -> str:
        """Element at `place`, counted from 0; null outside."""
        return f"get({vector}, CAST({place} AS INT))"

    def length(self, vector: str) -> str:
        """Elements of a vector."""
        return f"array_size({vector})"

    def total(self, vector: str) -> str:
        """Sum of a vector of doubles."""
        return f"aggregate({vector}, {_ZERO}, (total, e) -> total + e)"

    def argmax(self, vector: str) -> str:
        """Place of the (first) largest element, counted from 0."""
        return f"(array_position({vector}, array_max({vector})) - 1)"

    def above(self, vector: str, number: str) -> str:
        """How many elements are larger than a number."""
        return f"array_size(filter({vector}, e -> e > {number}))"

    def every(self, vector: str, condition: str) -> str:
        """True where the condition on `e` holds for every element."""
        return f"forall({vector}, e -> coalesce({condition}, false))"

    def as_vector(self, column: str) -> str:
        """A list of numbers as a vector of doubles."""
        return f"CAST({column} AS ARRAY<DOUBLE>)"

    def cosine(self, first: str, second: str) -> str:
        """Cosine similarity of two vectors of one length, none of them zero."""
        product = self.total(f"zip_with({first}, {second}, (f, g) -> f * g)")
        cosine = f"{product} / sqrt({self.square(first)} * {self.square(second)})"
        return f"greatest(least({cosine}, CAST(1 AS DOUBLE)), CAST(-1 AS DOUBLE))"

    def square(self, vector: str) -> str:
        """Sum of squares of a vector."""
        return f"aggregate({vector}, {_ZERO}, (total, e) -> total + e * e)"

    def size(self, text: str) -> str:
        """Bytes of a text in UTF-8."""
        return f"octet_length({text})"

    def standard_hash(self, text: str) -> str:
        """Hexadecimal MD5 of a text."""
        return f"md5(CAST({text} AS BINARY))"

    def sha256(self, text: str) -> str:
        """Hexadecimal SHA-256 of a text."""
        return f"sha2(CAST({text} AS BINARY), 256)"

    def place(self, item: str, values: Sequence[str]) -> str:
        """Place of an item among values, counted from 0; null where it is none of them."""
        return f"(nullif(array_position(array({', '.join(values)}), {item}), 0) - 1)"

    def largest(self, vector: str) -> str:
        """Largest element."""
        return f"array_max({vector})"

    def distance(self, first: str, second: str) -> str:
        """Largest difference of two elements at one place; null where the lengths differ."""
        apart = f"array_max(zip_with({first}, {second}, (f, g) -> abs(f - g)))"
        return f"CASE WHEN array_size({first}) = array_size({second}) THEN {apart} END"
