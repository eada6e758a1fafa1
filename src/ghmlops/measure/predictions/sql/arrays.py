"""Converts the NumPy columns that an engine returns to arrays of one type, with nulls as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints


def as_ints(values: np.ndarray) -> Ints:
    """Return integers as signed 64-bit integers. Unsigned ones keep their bits; null becomes -1."""
    filled = np.ma.filled(np.ma.asarray(values), 0)
    signed = filled.view(np.int64) if filled.dtype == np.uint64 else np.asarray(filled, dtype=np.int64)
    return np.where(np.ma.getmaskarray(values), -1, signed) if np.ma.isMaskedArray(values) else signed


def as_floats(values: np.ndarray) -> Floats:
    """Return numbers as doubles; the value of a null is undefined."""
    return np.asarray(np.ma.getdata(values), dtype=np.float64)
