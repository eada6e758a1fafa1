"""The distribution of a column in both artifacts, counted in bins: the input of drift and of the page's charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints


OTHERS = "(others)"
"""Stands for all values that are not among the most frequent ones."""


class Sentinel(msgspec.Struct, frozen=True, kw_only=True):
    """A value far outside the central range that recurs exactly, such as -999 or 1e12 for "unknown"."""

    value: float
    baseline: int
    """Number of rows of the baseline."""
    candidate: int
    """Number of rows of the candidate."""
    label: str = ""
    """Stands for the value in reports if the column is private."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """One column of both artifacts, counted in the same bins; every row of a side is counted once.

    The counts of several parts of the rows can be added. A numeric column has `edges`, any other column `values`.
    """

    column: str
    baseline: Ints
    """Number of rows per bin, shape (b,)."""
    candidate: Ints
    """Number of rows per bin, shape (b,)."""
    missing: tuple[int, int]
    """Number of rows of baseline and candidate with null, NaN or infinity."""
    edges: Floats | None = None
    """Edges of the bins in ascending order, shape (b + 1,): edges[i] <= x < edges[i + 1]; the last bin includes its
    upper edge."""
    values: Sequence[str] = ()
    """The b most frequent values as text; the last one may stand for all others."""

    sentinels: tuple[Sentinel, ...] = ()
    """Sentinel values of a numeric column; each is the only value of its bin."""
    is_private: bool = False
    """Neither edges nor values may be reported; `values` are labels."""

    @property
    def rows(self) -> tuple[int, int]:
        """Number of rows of baseline and candidate, including those with a missing value."""
        return int(self.baseline.sum()) + self.missing[0], int(self.candidate.sum()) + self.missing[1]
