"""Counts of times that a tool wrote in rounded form: they bound the exact times, which are not in the file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.latency.constants import RARE
from ghmlops.core.latency.external_results import bucket_points
from ghmlops.core.latency.objectives import sample_floor
from ghmlops.core.policy.objectives import OBJECTIVES

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import Point


@dataclass(slots=True)
class TimeCounts:
    """The number of requests of each rounded time in ms."""

    counts: dict[float, int] = field(default_factory=dict)

    def add(self, ms: float, count: int = 1) -> None:
        """Add `count` requests of this time."""
        self.counts[ms] = self.counts.get(ms, 0) + count

    @property
    def total(self) -> int:
        """Number of requests."""
        return sum(self.counts.values())

    def points(self, half: float) -> tuple[Point, ...]:
        """Return the bounds of the exact times, each at most `half` ms from the rounded one."""
        rows = sorted(self.counts.items())
        return bucket_points((max(0.0, ms - half), ms + half, count) for ms, count in rows if count)

    def values(self) -> dict[str, float | None]:
        """Return mean, percentiles (nearest rank) and maximum of the rounded times; p99.9 from its sample floor on."""
        rows, total = sorted(self.counts.items()), self.total
        if not total:
            return {}
        values: dict[str, float | None] = {
            "mean": math.fsum(ms * count for ms, count in rows) / total,
            "max": max(ms for ms, count in rows if count),
        }
        for name, q in OBJECTIVES.items():
            if name != RARE or total >= sample_floor(1 - q):
                values[name] = self._quantile(rows, math.ceil(q * total - 1e-9))
        return values

    @staticmethod
    def _quantile(rows: list[tuple[float, int]], rank: int) -> float | None:
        below = 0
        for ms, count in rows:
            below += count
            if below >= rank:
                return ms
        return None
