"""Page checksums: where a file's writer left CRC-32 sums in the page headers, the pages must still have them.

A flipped bit in uncompressed data decodes to another number and nothing else notices. Headers are read in Thrift's
compact protocol as Parquet's specification has them; the sum is over the bytes of the page as they lie in the file,
after the header. What a file says of itself is hostile: every length is held against what is there.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FIRST_LOOK, _LONGEST = 256, 16 * 1024 * 1024
"""Bytes read at first for a header, which holds statistics as long as the values, and at most."""
_PIECE = 1024 * 1024
_DEEPEST = 16
_I32, _BINARY, _LIST, _SET, _MAP, _STRUCT = 5, 8, 9, 10, 11, 12
_FIXED = {3: 1, 7: 8, 13: 16}
"""Type of the protocol to its bytes, where these do not vary; true and false are part of the field's own byte."""
_SIZE, _CRC = 3, 4
"""Fields of a page header: bytes of the page as it lies in the file, and their checksum."""


class Chunk(NamedTuple):
    """One column of one row group, as the footer tells it."""

    group: int
    column: str
    start: int
    size: int
    """Bytes of all pages with their headers."""


class Header(NamedTuple):
    """What a page header says."""

    length: int
    """Bytes of the header itself."""
    size: int
    crc: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How much of an artifact its page checksums vouch for."""

    chunks: int = 0
    unchecked: int = 0
    """Chunks with a page without a checksum."""


class _TooShortError(Exception):
    """More bytes are needed."""


def check_pages(path: Path, shown: str, chunks: Iterable[Chunk]) -> Pages:
    """Check every page that has a checksum; a chunk whose first page has none is passed over after its header.

    Args:
        path: the file.
        shown: how messages call it.
        chunks: all of the file.

    Raises:
        DataError: a checksum is wrong, or a header cannot be.
    """
    seen = unchecked = 0
    try:
        end = path.stat().st_size
        with path.open("rb", buffering=0) as stream:
            for chunk in chunks:
                seen += 1
                unchecked += not _whole(stream, shown, chunk, end)
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check that the file can be read") from None
    return Pages(chunks=seen, unchecked=unchecked)


def _whole(stream: BinaryIO, shown: str, chunk: Chunk, end: int) -> bool:
    """True where all pages of a chunk have the checksums that their headers give; false at the first without."""
    at, last = chunk.start, chunk.start + chunk.size
    if not 0 < at <= last <= end:
        raise _damaged(shown, chunk, "it is said to lie outside the file")
    while at < last:
        header = _header(stream, at, last)
        if header is None or not 0 <= header.size <= last - at - header.length:
            raise _damaged(shown, chunk, "a page header cannot be read")
        if header.crc is None:
            return False
        if _sum(stream, at + header.length, header.size) != header.crc:
            raise _damaged(shown, chunk, "the checksum of a page is not that of its bytes")
        at += header.length + header.size
    return True


def _damaged(shown: str, chunk: Chunk, why: str) -> DataError:
    return DataError(
        f'{shown}: damaged, row group {chunk.group}, column "{chunk.column}": {why}', hint="write or download it again"
    )


def _header(stream: BinaryIO, at: int, last: int) -> Header | None:
    """Return the page header at a place, None where there is none."""
    look = _FIRST_LOOK
    while True:
        stream.seek(at)
        data = stream.read(min(look, last - at))
        try:
            return read_header(data)
        except _TooShortError:
            if look >= min(last - at, _LONGEST):
                return None
            look *= 8
        except ValueError:
            return None


def _sum(stream: BinaryIO, at: int, size: int) -> int:
    stream.seek(at)
    found = 0
    while size > 0 and (piece := stream.read(min(size, _PIECE))):
        found, size = zlib.crc32(piece, found), size - len(piece)
    return found if size == 0 else -1


def read_header(data: bytes) -> Header:
    """Read the page header that `data` begins with.

    Raises:
        _TooShortError: it does not end within `data`.
        ValueError: it is no page header.
    """
    at, field, found = 0, 0, dict[int, int]()
    while True:
        at, field, kind = _field(data, at, field)
        if kind == 0:
            break
        if kind == _I32:
            at, raw = _varint(data, at)
            found[field] = raw >> 1 ^ -(raw & 1)
        else:
            at = _skip(data, at, kind, _DEEPEST)
    if _SIZE not in found:
        raise ValueError("a page header without the size of its page")
    crc = found.get(_CRC)
    return Header(at, found[_SIZE], None if crc is None else crc & 0xFFFFFFFF)


def _field(data: bytes, at: int, before: int) -> tuple[int, int, int]:
    """Return (place after it, number, type) of a field's head; the type 0 ends a struct."""
    byte = _byte(data, at)
    kind, step, at = byte & 15, byte >> 4, at + 1
    if kind == 0:
        return at, before, 0
    if step:
        return at, before + step, kind
    at, raw = _varint(data, at)
    return at, raw >> 1 ^ -(raw & 1), kind


def _skip(data: bytes, at: int, kind: int, deeper: int) -> int:
    """Return the place after a value."""
    if deeper == 0:
        raise ValueError("nested too deeply")
    if kind in (1, 2):
        return at
    if kind in _FIXED:
        return _after(data, at + _FIXED[kind])
    if kind in (4, 5, 6):
        return _varint(data, at)[0]
    if kind == _BINARY:
        at, length = _varint(data, at)
        return _after(data, at + length)
    if kind == _STRUCT:
        return _skip_struct(data, at, deeper)
    return _skip_many(data, at, kind, deeper)


def _skip_struct(data: bytes, at: int, deeper: int) -> int:
    field = 0
    while True:
        at, field, kind = _field(data, at, field)
        if kind == 0:
            return at
        at = _skip(data, at, kind, deeper - 1)


def _skip_many(data: bytes, at: int, kind: int, deeper: int) -> int:
    """Return the place after a list, set or map."""
    if kind == _MAP:
        at, count = _varint(data, at)
        if count == 0:
            return at
        byte, at = _byte(data, at), at + 1
        kinds: tuple[int, ...] = (byte >> 4, byte & 15)
    elif kind in (_LIST, _SET):
        byte, at = _byte(data, at), at + 1
        count, kinds = byte >> 4, (byte & 15,)
        if count == 15:
            at, count = _varint(data, at)
    else:
        raise ValueError(f"no type {kind}")
    if count > len(data) - at:
        raise _TooShortError  # each item has a byte at least
    for item in kinds * count:
        at = _after(data, at + 1) if item in (1, 2) else _skip(data, at, item, deeper - 1)
    return at


def _after(data: bytes, at: int) -> int:
    if at > len(data):
        raise _TooShortError
    return at


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise _TooShortError
    return data[at]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return (place after it, number)."""
    found = shift = 0
    while True:
        byte = _byte(data, at)
        found |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return at, found
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
