"""Reads where the column chunks of a Parquet file are from its footer, without decoding statistics.

The engine decodes the statistics of all columns at once, and refuses a file if it cannot represent one of them, such as
the smallest 64-bit integer as a time. This reader is used in that case only. Numbers of fields are those of
`parquet.thrift` of the Apache Parquet format specification; the file is untrusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.compact_protocol import (
    BINARY,
    I64,
    LIST,
    STRUCT,
    TooShortError,
    read_field,
    read_list,
    read_text,
    read_varint,
    skip,
    zigzag,
)
from ghmlops.measure.predictions.artifacts.page_checksums import ColumnChunk

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 8
_ROW_GROUPS, _COLUMNS, _METADATA, _PATH = 4, 1, 3, 3
_VALUES, _UNCOMPRESSED, _COMPRESSED, _DATA_PAGE, _DICTIONARY_PAGE = 5, 6, 7, 9, 11
_FIELDS = (_VALUES, _UNCOMPRESSED, _COMPRESSED, _DATA_PAGE, _DICTIONARY_PAGE)
Reader = Callable[[int], int]
"""Reads a value at a position and returns the position after it."""


class Footer(NamedTuple):
    """What a footer declares."""

    chunks: tuple[ColumnChunk, ...]
    """Column chunks with values, in the order of the file."""
    unpacked: int
    """Size of all pages after decompression, in bytes."""


class _Metadata(NamedTuple):
    """The metadata of a column chunk."""

    path: list[str]
    integers: dict[int, int]


def read_footer(path: Path, display_name: str) -> Footer:
    """Read the footer of a file whose first and last bytes were checked.

    Raises:
        DataError: the file cannot be read, or its footer is damaged.
    """
    try:
        with path.open("rb") as stream:
            end = stream.seek(-_TAIL_BYTES, 2)
            length = int.from_bytes(stream.read(4), "little")
            stream.seek(end - length)
            data = stream.read(length)
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check that the file can be read") from None
    try:
        groups = _row_groups(data)
    except (TooShortError, ValueError):
        raise DataError(f"{display_name}: damaged, its footer cannot be read", hint="write it again") from None
    chunks = [
        ColumnChunk(
            row_group=index,
            column=", ".join(one.path),
            start=min(filter(None, (one.integers.get(_DATA_PAGE), one.integers.get(_DICTIONARY_PAGE))), default=0),
            size=one.integers.get(_COMPRESSED, 0),
        )
        for index, group in enumerate(groups)
        for one in group
        if one.integers.get(_VALUES, 0) > 0
    ]
    unpacked = sum(one.integers.get(_UNCOMPRESSED, 0) for group in groups for one in group)
    return Footer(chunks=tuple(sorted(chunks, key=lambda chunk: chunk.start)), unpacked=unpacked)


def _row_groups(data: bytes) -> list[list[_Metadata]]:
    """Return the metadata of the column chunks of each row group.

    Raises:
        TooShortError: the footer does not end within `data`.
        ValueError: the bytes are not a footer.
    """
    groups: list[list[_Metadata]] = []

    def read_group(at: int) -> int:
        groups.append([])
        return _read_struct(data, at, {(_COLUMNS, LIST): lambda at: _read_items(data, at, STRUCT, read_chunk)})

    def read_chunk(at: int) -> int:
        return _read_struct(data, at, {(_METADATA, STRUCT): read_metadata})

    def read_metadata(at: int) -> int:
        metadata = _Metadata([], {})
        groups[-1].append(metadata)

        def read_name(at: int) -> int:
            at, name = read_text(data, at)
            metadata.path.append(name)
            return at

        def read_integer(at: int, field: int) -> int:
            at, raw = read_varint(data, at)
            metadata.integers[field] = zigzag(raw)
            return at

        readers: dict[tuple[int, int], Reader] = {(field, I64): partial(read_integer, field=field) for field in _FIELDS}
        readers[_PATH, LIST] = lambda at: _read_items(data, at, BINARY, read_name)
        return _read_struct(data, at, readers)

    _read_struct(data, 0, {(_ROW_GROUPS, LIST): lambda at: _read_items(data, at, STRUCT, read_group)})
    return groups


def _read_struct(data: bytes, at: int, readers: Mapping[tuple[int, int], Reader]) -> int:
    """Call the reader of each field with that number and type, skip the other fields, and return the end."""
    field = 0
    while True:
        at, field, kind = read_field(data, at, field)
        if kind == 0:
            return at
        reader = readers.get((field, kind))
        at = skip(data, at, kind) if reader is None else reader(at)


def _read_items(data: bytes, at: int, kind: int, reader: Reader) -> int:
    """Call the reader for each item of a list of a type, and return the end."""
    at, count, actual = read_list(data, at)
    if count and actual != kind:
        raise ValueError(f"a list of type {actual}")
    for _ in range(count):
        at = reader(at)
    return at
