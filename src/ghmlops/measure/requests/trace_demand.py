"""Reads the profile of a demand, which `harvest` writes, as the times of the requests of one period."""

from __future__ import annotations

from array import array
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.load.demand_profile import HOUR, DemandProfile, arrival_times
from ghmlops.measure.requests.lines import read_all

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 16 * 1024**2
_MAX_HOURS = 366 * 24
_MAX_RATE = 1e6


def read_demand(path: Path, display_name: str, share: float, *, limit: float, most: int) -> array[int]:
    """Return the times of the requests in microseconds since 1970, in ascending order.

    Args:
        path: The file.
        display_name: Human-readable name of the file for messages.
        share: Fraction of the requests.
        limit: Seconds of the profile that are needed; 0 for all.
        most: Maximum number of requests.

    Raises:
        DataError: The file is not a profile, or has too many requests.
    """
    try:
        profile = msgspec.json.decode(read_all(path, display_name, _MAX_BYTES), type=DemandProfile)
        start = datetime.fromisoformat(profile.start).timestamp()
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{display_name}: not the profile of a demand ({reason})", hint="write it again with `ghmlops harvest`"
        ) from None
    if problem := _problem(profile):
        raise DataError(f"{display_name}: {problem}", hint="write it again with `ghmlops harvest`")
    hours = len(profile.rates) if not limit else min(len(profile.rates), int(-(-limit // HOUR)))
    expected = sum(profile.rates[:hours]) * HOUR * share
    if expected > most:
        raise DataError(
            f"{display_name}: about {expected:,.0f} requests, more than {most:,}",
            hint="set `duration`, or a smaller `share`",
        )
    micros = (arrival_times(profile, share, limit) * 1e6).astype("int64") + round(start * 1e6)
    if len(micros) < 2:
        raise DataError(f"{display_name}: fewer than two requests", hint="set a larger `share` or `duration`")
    return array("q", micros.tobytes())


def _problem(profile: DemandProfile) -> str:
    """Return what is impossible about a profile; empty if nothing is."""
    hours = len(profile.rates)
    if not 0 < hours <= _MAX_HOURS or profile.period != hours * HOUR:
        return "`period` is not the number of hours in `rates`"
    if not all(0 <= rate <= _MAX_RATE for rate in profile.rates):
        return "a rate is negative or impossibly high"
    if not (0 <= profile.gap_shape <= 1e3 and 0 <= profile.modulation <= 1e3 and 0 <= profile.seed < 2**63):
        return "`gap_shape`, `modulation` or `seed` is out of range"
    return ""
