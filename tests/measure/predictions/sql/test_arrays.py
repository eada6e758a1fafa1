"""Conversion of an engine's NumPy columns."""

from __future__ import annotations

import numpy as np

from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints


def test_unsigned_integers_keep_their_bits() -> None:
    """A 64-bit hash beyond the signed range becomes the negative integer with the same bits."""
    hashes = np.array([0, 2**63, 2**64 - 1], np.uint64)
    assert as_ints(hashes).tolist() == [0, -(2**63), -1]
    assert np.array_equal(as_ints(hashes).view(np.uint64), hashes)


def test_null_becomes_minus_one() -> None:
    """Null is -1 in columns of signed, unsigned, small and floating-point integers; other values are unchanged."""
    for dtype in (np.int64, np.uint64, np.int8, np.float64):
        column = np.ma.masked_array(np.array([5, 7], dtype), mask=[False, True])
        assert as_ints(column).tolist() == [5, -1]
        assert as_ints(column).dtype == np.int64


def test_numbers_become_doubles() -> None:
    """Every numeric type is converted to doubles."""
    assert as_floats(np.array([1, 2], np.int32)).dtype == np.float64
