"""Requests and failures of a latency run over its time, for the chart of the page and the sum over shards."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ghmlops.core.model import Frozen

MAX_INTERVALS = 240
"""Intervals of a run: a chart has no room for more."""
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Counts = Annotated[list[_Count], Meta(min_length=1, max_length=MAX_INTERVALS)]


class ArmCounts(Frozen, frozen=True, kw_only=True):
    """Judged requests of one arm per interval, and how many of them failed."""

    requests: _Counts
    failed: _Counts


class OverTime(Frozen, frozen=True, kw_only=True):
    """Consecutive intervals of equal width; a request belongs to the interval in which it was scheduled.

    Attributes:
        start_s: start of the first interval, in seconds from the start of the schedule; a multiple of `width_s`.
        width_s: seconds per interval, a power of two, so that those of shards fit into each other.
        arms: counts by arm.
    """

    start_s: Annotated[int, Meta(ge=0, le=2**31)]
    width_s: Annotated[int, Meta(ge=1, le=2**31)]
    arms: dict[str, ArmCounts]
