"""Generates rows from the profile: resampled, boundary, absent, corner and mixed ones, in a fixed rotation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.rows import alphabet
from ghmlops.core.synthetic.rows.fields import Json, fields_of, get, removed, replaced
from ghmlops.core.synthetic.rows.profile import NUMERIC, Field, Kind, Profile
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STREAM = 1
"""Key of the random stream of the rows."""


class Generator(StrEnum):
    """How a row came about."""

    RESAMPLED = "resampled"
    """A row of the file."""
    BOUNDARY = "boundary"
    """One field at the end of its range, the rarest category, or the shortest or longest text."""
    ABSENT = "absent"
    """A field is null, or missing, as in some row of the file."""
    CORNER = "corner"
    """Two to four fields at their ends."""
    MIXED = "mixed"
    """Each field of another row: the dependence between the fields is broken."""


ROTATION = (
    *(Generator.RESAMPLED, Generator.BOUNDARY, Generator.RESAMPLED, Generator.MIXED, Generator.BOUNDARY),
    *(Generator.RESAMPLED, Generator.ABSENT, Generator.CORNER, Generator.RESAMPLED, Generator.MIXED),
)
"""Generators of ten consecutive rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRow:
    """A row and its generator."""

    row: Json
    generator: Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What rows are generated from.

    Attributes:
        rows: decoded payloads.
        profile: their profile.
        private: paths of fields whose real values are never sent.
    """

    rows: Sequence[Json]
    profile: Profile
    private: tuple[str, ...] = ()


def generate(source: Source, count: int, seed: int) -> list[GeneratedRow]:
    """Return generated rows; the same for the same seed, whatever the version of Python or NumPy.

    Args:
        source: payloads, profile and private fields.
        count: number of rows.
        seed: seed of the run.
    """
    stream = Stream(seed, _STREAM)
    ends = stream.shuffled([(field, value) for field in source.profile.fields.values() for value in ends_of(field)])
    gaps = [field for field in source.profile.fields.values() if field.null_rate or field.missing_rate]
    makers: dict[Generator, Callable[[int], Json]] = {
        Generator.RESAMPLED: lambda _: stream.choice(source.rows),
        Generator.BOUNDARY: lambda turn: _boundary(stream.choice(source.rows), ends, turn),
        Generator.ABSENT: lambda turn: _absent(stream.choice(source.rows), gaps, turn),
        Generator.CORNER: lambda _: _corner(stream.choice(source.rows), ends, stream),
        Generator.MIXED: lambda _: _mixed(source.rows, stream),
    }
    turns = dict.fromkeys(Generator, 0)
    real = {path: _real_values(source.rows, path) for path in source.private}
    result = []
    for index in range(count):
        generator = ROTATION[index % len(ROTATION)]
        row = makers[generator](turns[generator])
        turns[generator] += 1
        result.append(GeneratedRow(row=_without_private(row, source, real, stream), generator=generator))
    return result


def ends_of(field: Field) -> list[Json]:
    """Return the values at the ends of a field's range; empty if its range is unknown."""
    if field.kind in NUMERIC:
        number = int if field.kind is Kind.INTEGER else float
        middle = [number(0)] if field.low < 0 < field.high else []
        return [number(field.low), *middle, number(field.high)] if field.low < field.high else [number(field.low)]
    if field.kind is Kind.CATEGORY:
        return [field.values[-1]]
    if field.kind is Kind.INSTANT:
        return [min(field.values), max(field.values)]
    if field.kind is Kind.TEXT:
        lengths = sorted({field.shortest, field.longest})
        return [(alphabet.LETTERS * (length // 26 + 1))[:length] for length in lengths]
    return [True, False] if field.kind is Kind.BOOLEAN else []


def _boundary(row: Json, ends: Sequence[tuple[Field, Json]], turn: int) -> Json:
    if not ends:
        return row
    field, value = ends[turn % len(ends)]
    return _set(row, field.path, value)


def _corner(row: Json, ends: Sequence[tuple[Field, Json]], stream: Stream) -> Json:
    for field, value in stream.shuffled(ends)[: 2 + stream.below(3)]:
        row = _set(row, field.path, value)
    return row


def _absent(row: Json, gaps: Sequence[Field], turn: int) -> Json:
    """Return the row with a gap that the file has: null if the field is null somewhere, otherwise without its key."""
    if not gaps:
        return row
    field = gaps[turn % len(gaps)]
    null = field.null_rate > 0 and (not field.missing_rate or (turn // len(gaps)) % 2 == 0)
    return _set(row, field.path, None) if null else removed(row, field.path)


def _mixed(rows: Sequence[Json], stream: Stream) -> Json:
    row = stream.choice(rows)
    for path in fields_of(row):
        present, value = get(stream.choice(rows), path)
        if present and value is not None:
            row = _set(row, path, value)
    return row


def _set(row: Json, path: str, value: Json) -> Json:
    """Return the row with another value of a field that it has; the structure of the row stays as it is."""
    present, current = get(row, path)
    nested = isinstance(current, dict | list) or isinstance(value, dict | list)
    return replaced(row, path, value) if present and not nested else row


def _real_values(rows: Sequence[Json], path: str) -> frozenset[Json]:
    values = (get(row, path)[1] for row in rows)
    return frozenset(value for value in values if not isinstance(value, dict | list))


def _without_private(row: Json, source: Source, real: dict[str, frozenset[Json]], stream: Stream) -> Json:
    for path, values in real.items():
        present, value = get(row, path)
        field = source.profile.fields.get(path)
        if present:
            new = None if field is None else alphabet.private_value(field, value, values, stream)
            row = replaced(row, path, new)
    return row
