"""HdrHistogram's V2 encoding: compatible with other implementations, and malicious data is refused."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.encoding import decode, encode
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.layout import STANDARD, Layout

VALUES = st.lists(st.one_of(st.integers(0, 3000), st.integers(0, STANDARD.highest)), max_size=40)
LAYOUTS = [Layout(), Layout(lowest=1000, digits=2), Layout(highest=2**40, digits=5), Layout(highest=10, digits=1)]


def histogram_of(*values: int) -> Histogram:
    """Return the histogram of `values`."""
    return Histogram.of(np.array(values, np.int64))


def plain(counts: bytes, *, cookie: int = 0x1C849313, digits: int = 3, length: int | None = None) -> bytes:
    """Return a plain V2 encoding of `counts`."""
    size = len(counts) if length is None else length
    return struct.pack(">IIIIqqd", cookie, size, 0, digits, 1, STANDARD.highest, 1.0) + counts


def compressed(data: bytes, cookie: int = 0x1C849314) -> bytes:
    """Return a compressed V2 encoding of `data`."""
    body = zlib.compress(data)
    return struct.pack(">II", cookie, len(body)) + body


@settings(max_examples=12, deadline=None)
@given(VALUES)
def test_the_encoding_is_compatible_with_another_implementation(values: list[int]) -> None:
    """The package hdrhistogram decodes our bytes to the same counts, and we decode its bytes."""
    theirs = HdrHistogram(STANDARD.lowest, STANDARD.highest, STANDARD.digits)
    for value in values:
        theirs.record_value(value)
    ours = histogram_of(*values)
    read = HdrHistogram.decode(base64.b64encode(encode(ours)))
    assert list(theirs.counts[:]) == list(read.counts[:])
    assert ours == decode(base64.b64decode(theirs.encode()))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(0, STANDARD.size - 1), st.integers(1, 2**55), max_size=30))
def test_a_round_trip_preserves_every_count(count_of: dict[int, int]) -> None:
    """Decoding an encoded histogram gives the same histogram, for any counts."""
    buckets = sorted(count_of)
    expected = Histogram(np.array(buckets, np.int64), np.array([count_of[b] for b in buckets], np.int64))
    assert expected == decode(encode(expected))
    assert expected.layout == decode(encode(expected)).layout


def test_the_largest_count_is_preserved() -> None:
    """A count of 63 bits takes nine bytes and is decoded again."""
    expected = Histogram(np.array([7]), np.array([2**63 - 1]))
    assert expected == decode(encode(expected))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_other_layouts_are_preserved(layout: Layout) -> None:
    """Other digits, lowest and highest values are decoded with their own buckets."""
    values = [v for v in (0, 1, 5, 999, 1000, 123_456, 2**33) if v <= layout.highest]
    theirs = HdrHistogram(layout.lowest, layout.highest, layout.digits)
    for value in values:
        theirs.record_value(value)
    expected = Histogram.with_layout(np.array(values), layout)
    actual = decode(base64.b64decode(theirs.encode()))
    assert expected == actual
    assert layout == actual.layout
    assert theirs.get_value_at_percentile(100) == actual.quantile(1)


def test_the_plain_encoding_is_read() -> None:
    """V2 without zlib is decoded too; one empty bucket is a 0, a run of them is a negative number."""
    assert histogram_of(0, 0, 2, 7) == decode(plain(bytes([4, 0, 2, 7, 2])))
    assert bytes([4, 0, 2, 7, 2]) == zlib.decompress(encode(histogram_of(0, 0, 2, 7))[8:])[40:]
    assert Histogram.empty() == decode(plain(b"")) == decode(encode(Histogram.empty()))


MALICIOUS = {
    "nothing": b"",
    "a few bytes": b"\x1c\x84",
    "only the header": struct.pack(">II", 0x1C849314, 0),
    "another format": b"PK\x03\x04" + b"x" * 60,
    "version 1": compressed(plain(b"", cookie=0x1C849302)),
    "a truncated stream": compressed(plain(bytes(range(0, 60, 2))))[:-3],
    "a stream that ends early": struct.pack(">II", 0x1C849314, 12) + zlib.compress(plain(b"\x02"))[:12],
    "a stream that is not zlib": struct.pack(">II", 0x1C849314, 20) + b"x" * 20,
    "a length beyond the data": plain(b"\x02", length=99),
    "a length of 4 GB": plain(b"\x02", length=0xFFFFFFFF),
    "a decompression bomb": compressed(plain(b"\x00" * (64 << 20))),
    "a truncated number": plain(b"\x80\x80"),
    "more buckets than the range has": plain(b"\x00" * (STANDARD.size + 1)),
    "a run of 2^62 empty buckets": plain(b"\xff" * 8 + b"\x7f"),
    "a total beyond 63 bits": plain((b"\xfe" + b"\xff" * 8) * 2),
    "nine significant digits": plain(b"", digits=9),
    "a highest value below the lowest": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1000, 10, 1.0),
    "a negative range": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, -1, -10, 1.0),
    "scaled values": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1, 1000, 0.5),
    "a ratio that is not a number": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1, 1000, float("nan")),
}


@pytest.mark.parametrize("name", MALICIOUS)
def test_malicious_data_is_refused_with_one_line(name: str) -> None:
    """Truncated, foreign and damaged data is a data error, never a crash or a wrong count."""
    with pytest.raises(DataError) as caught:
        decode(MALICIOUS[name])
    assert "\n" not in caught.value.message
    assert caught.value.hint


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_decoded_or_refused(counts: bytes) -> None:
    """No sequence of bytes crashes the decoder."""
    for data in (counts, plain(counts), compressed(plain(counts))):
        try:
            total = decode(data).total
        except DataError:
            total = 0
        assert total >= 0
