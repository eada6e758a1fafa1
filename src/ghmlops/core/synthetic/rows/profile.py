"""The profile of the payloads: per field its kind, range, categories, lengths, and how often it is null or missing.

Dependence between the fields is not modelled: rows are resampled as a whole, and the profile only says what may vary.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.rows.fields import Json, as_float, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CATEGORIES = 50
"""Distinct texts up to which a field can be a category."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
"""An instant with an offset (RFC 3339); a time without one is text, since nobody knows which instant it is."""


class Kind(StrEnum):
    """Kind of a field, from its values that are not null."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    CATEGORY = "category"
    INSTANT = "instant"
    TEXT = "text"
    OTHER = "other"
    """Always null, mixed kinds, or an empty list or object: never varied."""


NUMERIC = (Kind.INTEGER, Kind.NUMBER)
TEXTUAL = (Kind.CATEGORY, Kind.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Profile of one field.

    Attributes:
        path: path of the field.
        kind: kind of its values.
        n: rows that have the field, null included.
        null_rate: fraction of these rows in which it is null.
        missing_rate: fraction of all rows that lack the field.
        low: least number; 0 without one.
        high: greatest number.
        decimals: most decimal places of a number, at most 6.
        values: distinct values, the most frequent first; of text and numbers at most `MAX_CATEGORIES`.
        shortest: least length of a text in characters.
        longest: greatest length.
        non_ascii: whether a text has a character beyond ASCII.
    """

    path: str
    kind: Kind
    n: int
    null_rate: float
    missing_rate: float
    low: float = 0.0
    high: float = 0.0
    decimals: int = 0
    values: tuple[Json, ...] = ()
    shortest: int = 0
    longest: int = 0
    non_ascii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Profile of a payload file.

    Attributes:
        rows: rows that were profiled.
        fields: the fields by path, in the order in which the rows name them.
    """

    rows: int
    fields: Mapping[str, Field]

    def of_kind(self, *kinds: Kind) -> list[Field]:
        """Return the fields of some kinds."""
        return [field for field in self.fields.values() if field.kind in kinds]


def profile_of(rows: Sequence[Json], ranges: Mapping[str, tuple[float, float]] | None = None) -> Profile:
    """Return the profile of rows.

    Args:
        rows: decoded payloads, at least one.
        ranges: declared legal ranges of numeric fields, which replace the observed ones.
    """
    columns: dict[str, list[Json]] = {}
    for row in rows:
        for path, value in fields_of(row).items():
            columns.setdefault(path, []).append(value)
    limits = ranges or {}
    fields = {path: _field(path, values, len(rows), limits.get(path)) for path, values in columns.items()}
    return Profile(rows=len(rows), fields=fields)


def _field(path: str, values: Sequence[Json], rows: int, limits: tuple[float, float] | None) -> Field:
    present = [value for value in values if value is not None]
    kind = _kind(present)
    common = Field(
        path=path,
        kind=kind,
        n=len(values),
        null_rate=1 - len(present) / len(values),
        missing_rate=1 - len(values) / rows,
        values=(True, False) if kind is Kind.BOOLEAN else (),
    )
    if kind in NUMERIC:
        low, high = limits or (as_float(min(present)), as_float(max(present)))
        decimals = 0 if kind is Kind.INTEGER else max(map(_decimals, present))
        return replace(common, low=low, high=high, decimals=decimals, values=_distinct(present))
    if kind in (*TEXTUAL, Kind.INSTANT):
        lengths = [len(value) for value in present]
        non_ascii = not all(value.isascii() for value in present)
        return replace(
            common, values=_distinct(present), shortest=min(lengths), longest=max(lengths), non_ascii=non_ascii
        )
    return common


def _kind(present: Sequence[Json]) -> Kind:
    types = {type(value) for value in present}
    if types == {bool}:
        return Kind.BOOLEAN
    if types and types <= {int, float}:
        # An integer beyond every float has no range that could be varied.
        finite = all(math.isfinite(as_float(value)) for value in present)
        return (Kind.INTEGER if types == {int} else Kind.NUMBER) if finite else Kind.OTHER
    if types == {str}:
        if all(INSTANT.fullmatch(value) for value in present):
            return Kind.INSTANT
        distinct = len(set(present))
        # A category repeats: with as many values as rows there is no telling, and free text is the safe guess.
        return Kind.CATEGORY if distinct <= MAX_CATEGORIES and 2 * distinct <= len(present) else Kind.TEXT
    return Kind.OTHER


def _decimals(value: float) -> int:
    text = repr(float(value))
    return 6 if "e" in text else min(6, len(text.partition(".")[2].rstrip("0")))


def _distinct(values: Sequence[Json]) -> tuple[Json, ...]:
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(value for value, _ in ranked[:MAX_CATEGORIES])


def has_other_form(text: str) -> bool:
    """Return whether the text has another canonically equivalent spelling (composed or decomposed)."""
    return unicodedata.normalize("NFC", text) != unicodedata.normalize("NFD", text)
