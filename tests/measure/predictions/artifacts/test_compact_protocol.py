"""Values of Thrift's compact protocol."""

from __future__ import annotations

import pytest

from ghmlops.measure.predictions.artifacts.compact_protocol import (
    TooShortError,
    read_field,
    read_list,
    read_text,
    read_varint,
    skip,
    zigzag,
)


def test_numbers_have_seven_bits_per_byte_and_their_sign_in_the_lowest() -> None:
    """Examples of the specification."""
    assert read_varint(b"\xac\x02", 0) == (2, 300)
    assert [zigzag(raw) for raw in (0, 1, 2, 3)] == [0, -1, 1, -2]
    with pytest.raises(ValueError, match="64 bits"):
        read_varint(b"\xff" * 11, 0)


def test_headers_of_fields_and_lists() -> None:
    """A field states its distance from the one before, or its number; a long list states its length separately."""
    assert read_field(b"\x35", 0, 4) == (1, 7, 5)
    assert read_field(b"\x05\x14", 0, 4) == (2, 10, 5)
    assert read_list(b"\x25\x01\x02", 0) == (1, 2, 5)
    assert read_list(b"\xf8\x0f" + b"\0" * 15, 0) == (2, 15, 8)
    assert read_text("\x03aé".encode(), 0) == (4, "aé")


@pytest.mark.parametrize("data", [b"", b"\x85", b"\x28\x05a", b"\xf5\x7f", b"\x05a"])
def test_bytes_that_end_too_early(data: bytes) -> None:
    """A length that exceeds the bytes is no reason to allocate them."""
    with pytest.raises(TooShortError):
        skip(data, 0, {b"\x05a": 8, b"": 5, b"\x85": 5}.get(data, 9))


def test_nesting_is_bounded() -> None:
    """Lists of lists without end."""
    with pytest.raises(ValueError, match="deep"):
        skip(b"\x19" * 100, 0, 9)
