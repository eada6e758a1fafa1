"""Converts the NumPy columns that an engine returns to arrays of one type, with nulls as numbers.

Only a column with nulls is a masked array. No other one is passed to `numpy.ma`, whose import takes 0.03 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints


def as_ints(values: np.ndarray) -> Ints:
    """Return integers as signed 64-bit integers. Unsigned ones keep their bits; null becomes -1."""
    filled = values if _is_plain(values) else np.ma.filled(values, 0)
    signed = filled.view(np.int64) if filled.dtype == np.uint64 else np.asarray(filled, dtype=np.int64)
    return signed if _is_plain(values) else np.where(np.ma.getmaskarray(values), -1, signed)


def as_floats(values: np.ndarray) -> Floats:
    """Return numbers as doubles; the value of a null is undefined."""
    return np.asarray(values if _is_plain(values) else np.ma.getdata(values), dtype=np.float64)


def as_floats_or_nan(values: np.ndarray) -> Floats:
    """Return numbers as doubles; null becomes NaN."""
    return as_floats(values) if _is_plain(values) else np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def _is_plain(values: np.ndarray) -> bool:
    return type(values) is np.ndarray
