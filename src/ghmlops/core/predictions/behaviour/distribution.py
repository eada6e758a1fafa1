"""A column of both artifacts, counted in bins: what drift is measured on and what the page draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One column of both artifacts, counted in the same bins; every row of a side once. Mergeable by addition.

    A numeric column has `edges`, shape (b + 1,), rising: bin i holds edges[i] <= x < edges[i + 1], the last one also
    its upper edge. Any other column has `values`, its b most frequent ones as text; the last may stand for all others.
    """

    column: str
    baseline: Ints
    """Rows, shape (b,)."""
    candidate: Ints
    missing: tuple[int, int]
    """Rows of each side with null, NaN or infinity."""
    edges: Floats | None = None
    values: Sequence[str] = ()

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of each side, those with a missing value too."""
        return int(self.baseline.sum()) + self.missing[0], int(self.candidate.sum()) + self.missing[1]
