"""Reads Thrift's compact protocol, in which Parquet writes footers and page headers, from untrusted bytes.

Source: Apache Thrift, `thrift-compact-protocol.md`. Only what the readers of this package need: headers of fields and
lists, integers, texts, and skipping a value of any type.
"""

from __future__ import annotations

_MAX_DEPTH = 16
I32, I64, BINARY, LIST, _SET, _MAP, STRUCT = 5, 6, 8, 9, 10, 11, 12
_FIXED_SIZES = {3: 1, 7: 8, 13: 16}
"""Types of the protocol with a fixed size, in bytes. Booleans are absent: the header of the field contains them."""


class TooShortError(Exception):
    """More bytes are needed."""


def zigzag(raw: int) -> int:
    """Return the signed integer of Thrift's zigzag encoding."""
    return raw >> 1 ^ -(raw & 1)


def read_field(data: bytes, position: int, previous: int) -> tuple[int, int, int]:
    """Return (position after it, field number, type) of the header of a field; type 0 ends a struct."""
    byte = byte_at(data, position)
    kind, step, position = byte & 15, byte >> 4, position + 1
    if kind == 0:
        return position, previous, 0
    if step:
        return position, previous + step, kind
    position, raw = read_varint(data, position)
    return position, zigzag(raw), kind


def skip(data: bytes, position: int, kind: int, depth: int = _MAX_DEPTH) -> int:
    """Return the position after a value; `depth` is the number of nested levels still allowed."""
    if depth == 0:
        raise ValueError("nested too deeply")
    if kind in (1, 2):
        return position
    if kind in _FIXED_SIZES:
        return _within(data, position + _FIXED_SIZES[kind])
    if kind in (4, 5, 6):
        return read_varint(data, position)[0]
    if kind == BINARY:
        position, length = read_varint(data, position)
        return _within(data, position + length)
    if kind == STRUCT:
        return _skip_struct(data, position, depth)
    return _skip_collection(data, position, kind, depth)


def _skip_struct(data: bytes, position: int, depth: int) -> int:
    field = 0
    while True:
        position, field, kind = read_field(data, position, field)
        if kind == 0:
            return position
        position = skip(data, position, kind, depth - 1)


def _skip_collection(data: bytes, position: int, kind: int, depth: int) -> int:
    """Return the position after a list, set or map."""
    if kind == _MAP:
        position, count = read_varint(data, position)
        if count == 0:
            return position
        byte, position = byte_at(data, position), position + 1
        kinds: tuple[int, ...] = (byte >> 4, byte & 15)
    elif kind in (LIST, _SET):
        position, count, item = read_list(data, position)
        kinds = (item,)
    else:
        raise ValueError(f"unknown type {kind}")
    if count > len(data) - position:
        raise TooShortError
    for item in kinds * count:
        is_boolean = item in (1, 2)
        position = _within(data, position + 1) if is_boolean else skip(data, position, item, depth - 1)
    return position


def _within(data: bytes, position: int) -> int:
    if position > len(data):
        raise TooShortError
    return position


def byte_at(data: bytes, position: int) -> int:
    """Return the byte at a position."""
    if position >= len(data):
        raise TooShortError
    return data[position]


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return (position after it, integer) of a variable-length integer."""
    result = shift = 0
    while True:
        byte = byte_at(data, position)
        result |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return position, result
        shift += 7
        if shift > 63:
            raise ValueError("an integer of more than 64 bits")


def read_list(data: bytes, position: int) -> tuple[int, int, int]:
    """Return (position after it, number of items, type of the items) of the header of a list or set."""
    byte, position = byte_at(data, position), position + 1
    count = byte >> 4
    if count == 15:
        position, count = read_varint(data, position)
    # Every item takes at least one byte, so a larger count cannot be true of these bytes.
    if count > len(data) - position:
        raise TooShortError
    return position, count, byte & 15


def read_text(data: bytes, position: int) -> tuple[int, str]:
    """Return (position after it, text) of bytes in UTF-8."""
    position, length = read_varint(data, position)
    end = _within(data, position + length)
    return end, data[position:end].decode(errors="replace")
