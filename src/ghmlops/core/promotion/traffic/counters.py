"""Requests per arm from the increments of two counters: of all requests, and of those that failed.

A reading counts only if both counters of every arm have a value, so that no arm is judged by the failures that another
one could not show. What a counter that was reset had counted before is lost: such an interval shows nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.promotion.observation import ArmTraffic, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_REQUESTS = 5_000_000
"""Requests of one arm in one interval beyond which a counter is taken to be damaged."""


class Counters(NamedTuple):
    """Values of the counters of one arm; `None` if there is none."""

    total: float | None
    errors: float | None


class CounterSeries:
    """The readings of the counters of all arms, one after the other.

    Args:
        arms: Arms that every reading must contain.
        delay: Seconds that a counter may be behind the requests, e.g. the time between two scrapes.
    """

    __slots__ = ("_arms", "_before", "_delay", "_moment", "_peaks")

    def __init__(self, arms: Iterable[str], delay: float) -> None:
        self._arms, self._delay = tuple(arms), delay
        self._before: dict[str, tuple[int, int]] | None = None
        self._moment = 0.0
        self._peaks: dict[str, int] = {}

    def feed(self, moment: float, values: Mapping[str, Counters]) -> Traffic | None:
        """Return the requests since the last reading; `None` if this reading shows nothing.

        The arrival of all of them is the earliest that is possible, so that none is taken to have arrived after a
        change of weights that it preceded. The failed ones are spread evenly.

        Args:
            moment: Time of the reading in seconds since the epoch.
            values: Arm to its counters.
        """
        now = {arm: counts for arm in self._arms if (counts := _whole(values.get(arm))) is not None}
        if len(now) < len(self._arms):
            return None  # the next complete reading covers this interval too
        before, earliest = self._before, self._moment - self._delay
        self._before, self._moment = now, moment
        if before is None:
            return None
        increments = {arm: (now[arm][0] - before[arm][0], now[arm][1] - before[arm][1]) for arm in self._arms}
        continuous = [self._is_continuous(arm, before[arm][0], now[arm][0]) for arm in self._arms]
        if not all(continuous) or any(
            not 0 <= errors <= total <= MAX_REQUESTS for total, errors in increments.values()
        ):
            return None
        return Traffic(**{arm: _requests(earliest, *counts) for arm, counts in increments.items() if counts[0]})

    def missing(self, values: Mapping[str, Counters]) -> tuple[str, str] | None:
        """Return the first arm and counter (`total` or `errors`) of a reading that is no whole number; else `None`."""
        for arm in self._arms:
            counters = values.get(arm, Counters(None, None))
            for name, value in zip(Counters._fields, counters, strict=True):
                if _whole_number(value) is None:
                    return arm, name
        return None

    def _is_continuous(self, arm: str, before: int, now: int) -> bool:
        """Return whether a counter went on. One that falls and returns was away, and counted meanwhile."""
        if now < before:
            self._peaks[arm] = max(before, self._peaks.get(arm, 0))
            return False
        if arm in self._peaks and now >= self._peaks[arm]:
            del self._peaks[arm]
            return False
        return True


def _whole(counters: Counters | None) -> tuple[int, int] | None:
    if counters is None:
        return None
    total, errors = _whole_number(counters.total), _whole_number(counters.errors)
    return None if total is None or errors is None else (total, errors)


def _whole_number(value: float | None) -> int | None:
    """Return a counter; `None` for what is none: no value, NaN, below 0, or a rate with a fraction."""
    if value is None or not math.isfinite(value) or value < 0.0 or value != int(value):
        return None
    return int(value)


def _requests(at: float, total: int, errors: int) -> ArmTraffic:
    failed = np.zeros(total, dtype=np.bool_)
    failed[((np.arange(errors) + 0.5) * total / max(1, errors)).astype(np.int64)] = True
    return ArmTraffic(at=np.full(total, at), response=np.empty(0), failed=failed)
