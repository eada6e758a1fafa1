"""Rewrites the statistics in the footer of a Parquet file (Thrift's compact protocol), as an attacker would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PATH_IN_SCHEMA = 3
_STRUCT, _LIST, _BINARY, _BYTE, _DOUBLE = 12, 9, 8, 3, 7
_ROW_GROUPS, _COLUMNS, _META_DATA, _STATISTICS, _NUM_VALUES = 4, 1, 3, 12, 5
MAX, MIN, NULL_COUNT, DISTINCT_COUNT, MAX_VALUE, MIN_VALUE = 1, 2, 3, 4, 5, 6
"""Fields of the Thrift struct `Statistics`."""
_I64 = 6

Struct = dict[int, tuple[int, Any]]
"""Field number to (type, value); integers are not decoded from zigzag."""


def forge_statistics(path: Path, change: Callable[[Struct, int], None], column: str = "") -> int:
    """Apply `change` to the statistics of each chunk, or of each chunk of one top-level column.

    Args:
        path: The file, which is rewritten.
        change: Receives the statistics and the number of values of the chunk.
        column: Name of the column; empty for all.

    Returns:
        Number of statistics that were changed.
    """
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    footer, end = _read_struct(data[-8 - size : -8], 0)
    assert end == size
    count = 0
    for _, group in _items(footer, _ROW_GROUPS):
        for _, chunk in _items(group, _COLUMNS):
            meta_data = chunk[_META_DATA][1]
            name = meta_data[_PATH_IN_SCHEMA][1][1][0].decode()
            if _STATISTICS in meta_data and column in ("", name):
                change(meta_data[_STATISTICS][1], meta_data[_NUM_VALUES][1] >> 1)
                count += 1
    encoded = _write_struct(footer)
    path.write_bytes(data[: -8 - size] + encoded + len(encoded).to_bytes(4, "little") + b"PAR1")
    return count


def constant_values(statistics: Struct, _count: int) -> None:
    """State that every value equals the smallest one."""
    for low, high in ((MIN, MAX), (MIN_VALUE, MAX_VALUE)):
        if low in statistics and high in statistics:
            statistics[high] = statistics[low]


def no_nulls(statistics: Struct, _count: int) -> None:
    """State that no value is null."""
    statistics[NULL_COUNT] = (_I64, 0)


def only_nulls(statistics: Struct, count: int) -> None:
    """State that every value is null."""
    statistics[NULL_COUNT] = (_I64, count << 1)
    for field in (MIN, MAX, MIN_VALUE, MAX_VALUE):
        statistics.pop(field, None)


def one_distinct(statistics: Struct, _count: int) -> None:
    """State that there is one distinct value."""
    statistics[DISTINCT_COUNT] = (_I64, 2)


def state_range(low: bytes, high: bytes) -> Callable[[Struct, int], None]:
    """Return a change that states this range for every column whose values have the length of the bounds."""

    def change(statistics: Struct, _count: int) -> None:
        for field, value in ((MIN, low), (MAX, high), (MIN_VALUE, low), (MAX_VALUE, high)):
            if field in statistics and len(statistics[field][1]) == len(value):
                statistics[field] = (_BINARY, value)

    return change


def _items(struct: Struct, field: int) -> list[tuple[int, Any]]:
    item_type, values = struct[field][1]
    return [(item_type, value) for value in values]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        result |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return result, position


def _read_struct(data: bytes, position: int) -> tuple[Struct, int]:
    fields: Struct = {}
    number = 0
    while data[position]:
        kind, step = data[position] & 15, data[position] >> 4
        position += 1
        if step:
            number += step
        else:
            raw, position = _read_varint(data, position)
            number = raw >> 1
        value, position = (None, position) if kind in (1, 2) else _read_value(data, position, kind)
        fields[number] = (kind, value)
    return fields, position + 1


def _read_value(data: bytes, position: int, kind: int) -> tuple[Any, int]:
    if kind == _STRUCT:
        return _read_struct(data, position)
    if kind == _BINARY:
        size, position = _read_varint(data, position)
        return data[position : position + size], position + size
    if kind in (_BYTE, _DOUBLE, 1, 2):
        size = 8 if kind == _DOUBLE else 1
        return data[position : position + size], position + size
    if kind == _LIST:
        count, item_type = data[position] >> 4, data[position] & 15
        position += 1
        if count == 15:
            count, position = _read_varint(data, position)
        values = []
        for _ in range(count):
            value, position = _read_value(data, position, item_type)
            values.append(value)
        return (item_type, values), position
    return _read_varint(data, position)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _write_struct(fields: Struct) -> bytes:
    encoded, previous = bytearray(), 0
    for number, (kind, value) in sorted(fields.items()):
        encoded.append((number - previous) << 4 | kind)
        encoded += b"" if kind in (1, 2) else _write_value(kind, value)
        previous = number
    return bytes(encoded) + b"\0"


def _write_value(kind: int, value: Any) -> bytes:
    if kind == _STRUCT:
        return _write_struct(value)
    if kind == _BINARY:
        return _varint(len(value)) + bytes(value)
    if kind in (_BYTE, _DOUBLE, 1, 2):
        return bytes(value)
    if kind == _LIST:
        item_type, values = value
        count = len(values)
        head = bytes([count << 4 | item_type]) if count < 15 else bytes([0xF0 | item_type]) + _varint(count)
        return head + b"".join(_write_value(item_type, item) for item in values)
    return _varint(value)
