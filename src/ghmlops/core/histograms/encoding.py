"""The V2 binary encoding of HdrHistogram, plain or compressed.

All numbers are big-endian. The compressed form is a cookie, the length of the rest, and zlib data that contains the
plain form: a cookie, the length of the counts, an offset, the digits, the lowest and the highest value, a ratio, and
the counts from the first bucket on. Each count is a ZigZag LEB128 number of at most 9 bytes, in which -n stands for n
empty buckets. Sizes are checked before anything is decompressed.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN, COMPRESSED = 0x1C849303, 0x1C849304
_WORD = 0x10
_OUTER = struct.Struct(">II")
_INNER = struct.Struct(">IIIIqqd")
MAX_COUNT_BYTES = 8 * 1024 * 1024
"""Largest size of the decompressed counts of one histogram, in bytes."""
FORMAT_HINT = "is it a complete HdrHistogram file in the V2 encoding?"


def encode(histogram: Histogram) -> bytes:
    """Return the compressed V2 encoding of a histogram."""
    layout, counts = histogram.layout, b"".join(_encoded_counts(histogram))
    inner = _INNER.pack(PLAIN | _WORD, len(counts), 0, layout.digits, layout.lowest, layout.highest, 1.0)
    compressed = zlib.compress(inner + counts)
    return _OUTER.pack(COMPRESSED | _WORD, len(compressed)) + compressed


def _encoded_counts(histogram: Histogram) -> Iterator[bytes]:
    following = 0
    for bucket, count in zip(histogram.buckets.tolist(), histogram.counts.tolist(), strict=True):
        if empty := bucket - following:
            yield _leb128(2 * empty - 1 if empty > 1 else 0)
        yield _leb128(2 * count)
        following = bucket + 1


def _leb128(zigzag: int) -> bytes:
    """Encode seven bits per byte; a ninth byte, if needed, holds eight."""
    encoded = bytearray()
    while zigzag > 0x7F and len(encoded) < 8:
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)


def decode(data: bytes) -> Histogram:
    """Return the histogram of a V2 encoding, compressed or not, with the layout in which it was recorded.

    Raises:
        DataError: The data has another format, is truncated or damaged, or decompresses to more than
            `MAX_COUNT_BYTES`.
    """
    return decode_counts(*unpack_counts(data))


def unpack_counts(data: bytes) -> tuple[bytes, Layout]:
    """Return the encoded counts of a V2 encoding, decompressed but not decoded, and the layout.

    Raises:
        DataError: As `decode`.
    """
    if len(data) >= _OUTER.size and data[:4] == struct.pack(">I", COMPRESSED | _WORD):
        _, length = _OUTER.unpack_from(data)
        if length > len(data) - _OUTER.size:
            raise DataError("a histogram is truncated", hint=FORMAT_HINT)
        data = _decompress(data[_OUTER.size : _OUTER.size + length])
    if len(data) < _INNER.size:
        raise DataError("a histogram is truncated", hint=FORMAT_HINT)
    cookie, length, _, digits, lowest, highest, ratio = _INNER.unpack_from(data)
    if cookie != PLAIN | _WORD:
        raise DataError("not a histogram in HdrHistogram's V2 encoding", hint=FORMAT_HINT)
    if length > min(len(data) - _INNER.size, MAX_COUNT_BYTES):
        raise DataError("a histogram is truncated, or too large", hint=FORMAT_HINT)
    if ratio != 1.0:
        raise DataError("a histogram of scaled values cannot be read", hint="record integers, not a DoubleHistogram")
    layout = Layout(lowest=lowest, highest=highest, digits=digits)
    return data[_INNER.size : _INNER.size + length], layout


def _decompress(compressed: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(compressed, MAX_COUNT_BYTES + _INNER.size)
    except zlib.error as error:
        raise DataError(f"a histogram cannot be decompressed: {error}", hint=FORMAT_HINT) from None
    if decompressor.unconsumed_tail:
        raise DataError(f"a histogram decompresses to more than {MAX_COUNT_BYTES} bytes", hint=FORMAT_HINT)
    if not decompressor.eof:
        raise DataError("a histogram is truncated", hint=FORMAT_HINT)
    return data


def decode_counts(data: bytes, layout: Layout) -> Histogram:
    """Return the histogram of encoded counts.

    Raises:
        DataError: The counts are truncated, or do not fit the layout.
    """
    buckets, counts, offset, bucket, size = [], [], 0, 0, layout.size
    while offset < len(data):
        zigzag, offset = _read_leb128(data, offset)
        if zigzag & 1:
            bucket += (zigzag + 1) >> 1
        else:
            if zigzag:
                buckets.append(bucket)
                counts.append(zigzag >> 1)
            bucket += 1
        if bucket > size:
            raise DataError("a histogram has more counts than its range has buckets", hint=FORMAT_HINT)
    return Histogram(np.array(buckets, np.int64), np.array(counts, np.int64), layout)


def _read_leb128(data: bytes, offset: int) -> tuple[int, int]:
    """Return the number at `offset`, and the offset that follows it."""
    value = 0
    for index in range(9):
        if offset + index >= len(data):
            raise DataError("a histogram's counts are truncated", hint=FORMAT_HINT)
        byte = data[offset + index]
        if index == 8:
            return value | byte << 56, offset + 9
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, offset + index + 1
    raise AssertionError  # the ninth byte always returns
