"""Verifies the CRC-32 checksums of Parquet pages against the bytes of the file.

A flipped bit in uncompressed data decodes to another number, and nothing else can notice it. Page headers are read in
Thrift's compact protocol (Apache Parquet format specification, `parquet.thrift`); the checksum covers the bytes of the
page as stored in the file, after the header. The file is untrusted: every length is compared with the bytes available.

This reader is separate from pyarrow on purpose: it does not decode pages, so it is several times faster, and it counts
the pages that have no checksum, which pyarrow does not report (CONTRIBUTING has the figures).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FIRST_READ, _MAX_HEADER = 256, 16 * 1024 * 1024
"""Bytes read for a header at first, and at most: a header contains statistics, which are as long as the values."""
_BLOCK = 1024 * 1024
_MAX_DEPTH = 16
_I32, _BINARY, _LIST, _SET, _MAP, _STRUCT = 5, 8, 9, 10, 11, 12
_FIXED_SIZES = {3: 1, 7: 8, 13: 16}
"""Types of the protocol with a fixed size, in bytes. Booleans are absent: the header of the field contains them."""
_SIZE_FIELD, _CRC_FIELD = 3, 4
"""Fields of a page header: size of the page as stored in the file, and its checksum."""


class ColumnChunk(NamedTuple):
    """One column of one row group, as the footer declares it."""

    row_group: int
    column: str
    start: int
    size: int
    """Size of all pages with their headers, in bytes."""


class PageHeader(NamedTuple):
    """The fields of a page header that are used here."""

    length: int
    """Size of the header itself, in bytes."""
    size: int
    """Size of the page as stored, in bytes."""
    crc: int | None
    """CRC-32 of the page; None if the header has none."""


class PageCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How many column chunks of an artifact have verified page checksums."""

    chunks: int = 0
    unchecked: int = 0
    """Chunks with a page without a checksum."""


class PageError(DataError):
    """A checksum does not match, or the header of a page cannot be read."""


class _TooShortError(Exception):
    """More bytes are needed."""


def check_pages(path: Path, display_name: str, chunks: Iterable[ColumnChunk]) -> PageCheck:
    """Verify every page that has a checksum; a chunk is skipped at the first page without one.

    Args:
        path: the file.
        display_name: name of the file in messages.
        chunks: all column chunks of the file.

    Raises:
        DataError: a checksum does not match, or a header cannot be read.
    """
    count = unchecked = 0
    try:
        file_size = path.stat().st_size
        with path.open("rb", buffering=0) as stream:
            for chunk in chunks:
                count += 1
                unchecked += not _verify_chunk(stream, display_name, chunk, file_size)
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check that the file can be read") from None
    return PageCheck(chunks=count, unchecked=unchecked)


def _verify_chunk(stream: BinaryIO, display_name: str, chunk: ColumnChunk, file_size: int) -> bool:
    """Return True if every page of the chunk matches its checksum, False at the first page without a checksum."""
    position, end = chunk.start, chunk.start + chunk.size
    if not 0 < position <= end <= file_size:
        raise _damaged(display_name, chunk, "the footer places it outside the file")
    while position < end:
        header = _read_header_at(stream, position, end)
        if header is None or not 0 <= header.size <= end - position - header.length:
            raise _damaged(display_name, chunk, "a page header cannot be read")
        if header.crc is None:
            return False
        if _crc_at(stream, position + header.length, header.size) != header.crc:
            raise _damaged(display_name, chunk, "the checksum of a page does not match its bytes")
        position += header.length + header.size
    return True


def _damaged(display_name: str, chunk: ColumnChunk, why: str) -> PageError:
    return PageError(
        f'{display_name}: damaged, row group {chunk.row_group}, column "{chunk.column}": {why}',
        hint="write or download it again",
    )


def _read_header_at(stream: BinaryIO, position: int, end: int) -> PageHeader | None:
    """Return the page header at a position of the file, or None if the bytes are not a page header."""
    window = _FIRST_READ
    while True:
        stream.seek(position)
        data = stream.read(min(window, end - position))
        try:
            return read_page_header(data)
        except _TooShortError:
            if window >= min(end - position, _MAX_HEADER):
                return None
            window *= 8
        except ValueError:
            return None


def _crc_at(stream: BinaryIO, position: int, size: int) -> int:
    """Return the CRC-32 of `size` bytes, or -1 if the file ends before."""
    stream.seek(position)
    crc = 0
    while size > 0 and (block := stream.read(min(size, _BLOCK))):
        crc, size = zlib.crc32(block, crc), size - len(block)
    return crc if size == 0 else -1


def read_page_header(data: bytes) -> PageHeader:
    """Read the page header at the start of `data`.

    Raises:
        _TooShortError: the header does not end within `data`.
        ValueError: the bytes are not a page header.
    """
    position, field, integers = 0, 0, dict[int, int]()
    while True:
        position, field, kind = _read_field(data, position, field)
        if kind == 0:
            break
        if kind == _I32:
            position, raw = _read_varint(data, position)
            integers[field] = _zigzag(raw)
        else:
            position = _skip(data, position, kind, _MAX_DEPTH)
    if _SIZE_FIELD not in integers:
        raise ValueError("a page header without the size of its page")
    crc = integers.get(_CRC_FIELD)
    return PageHeader(position, integers[_SIZE_FIELD], None if crc is None else crc & 0xFFFFFFFF)


def _zigzag(raw: int) -> int:
    """Return the signed integer of Thrift's zigzag encoding."""
    return raw >> 1 ^ -(raw & 1)


def _read_field(data: bytes, position: int, previous: int) -> tuple[int, int, int]:
    """Return (position after it, field number, type) of the header of a field; type 0 ends a struct."""
    byte = _byte_at(data, position)
    kind, step, position = byte & 15, byte >> 4, position + 1
    if kind == 0:
        return position, previous, 0
    if step:
        return position, previous + step, kind
    position, raw = _read_varint(data, position)
    return position, _zigzag(raw), kind


def _skip(data: bytes, position: int, kind: int, depth: int) -> int:
    """Return the position after a value; `depth` is the number of nested levels still allowed."""
    if depth == 0:
        raise ValueError("nested too deeply")
    if kind in (1, 2):
        return position
    if kind in _FIXED_SIZES:
        return _within(data, position + _FIXED_SIZES[kind])
    if kind in (4, 5, 6):
        return _read_varint(data, position)[0]
    if kind == _BINARY:
        position, length = _read_varint(data, position)
        return _within(data, position + length)
    if kind == _STRUCT:
        return _skip_struct(data, position, depth)
    return _skip_collection(data, position, kind, depth)


def _skip_struct(data: bytes, position: int, depth: int) -> int:
    field = 0
    while True:
        position, field, kind = _read_field(data, position, field)
        if kind == 0:
            return position
        position = _skip(data, position, kind, depth - 1)


def _skip_collection(data: bytes, position: int, kind: int, depth: int) -> int:
    """Return the position after a list, set or map."""
    if kind == _MAP:
        position, count = _read_varint(data, position)
        if count == 0:
            return position
        byte, position = _byte_at(data, position), position + 1
        kinds: tuple[int, ...] = (byte >> 4, byte & 15)
    elif kind in (_LIST, _SET):
        byte, position = _byte_at(data, position), position + 1
        count, kinds = byte >> 4, (byte & 15,)
        if count == 15:
            position, count = _read_varint(data, position)
    else:
        raise ValueError(f"unknown type {kind}")
    # Every item takes at least one byte, so a larger count cannot be true of these bytes.
    if count > len(data) - position:
        raise _TooShortError
    for item in kinds * count:
        is_boolean = item in (1, 2)
        position = _within(data, position + 1) if is_boolean else _skip(data, position, item, depth - 1)
    return position


def _within(data: bytes, position: int) -> int:
    if position > len(data):
        raise _TooShortError
    return position


def _byte_at(data: bytes, position: int) -> int:
    if position >= len(data):
        raise _TooShortError
    return data[position]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return (position after it, integer) of a variable-length integer."""
    result = shift = 0
    while True:
        byte = _byte_at(data, position)
        result |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return position, result
        shift += 7
        if shift > 63:
            raise ValueError("an integer of more than 64 bits")
