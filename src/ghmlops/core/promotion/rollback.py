"""The way back: how much traffic the baseline can take at a moment, and how much there is."""

from __future__ import annotations

from collections import deque

RATE_SECONDS = 5.0
"""Seconds of the traffic from which the demand is computed: a few servers start or stop in such a time."""


def rollback_share(*, current: float, step: float, demand: float, ready_capacity: float | None) -> float:
    """Return the share of the candidate at the next step of a rollback.

    The baseline never receives more than its ready replicas carry; the candidate receives what exceeds it, and never
    more than it has now: a rollback must not raise it.

    Args:
        current: Share of the candidate now.
        step: Share of the candidate that the step aims at.
        demand: Requests per second of all arms.
        ready_capacity: Requests per second that the baseline's ready replicas carry; `None` if it is not known, so that
            nothing limits the step.
    """
    if ready_capacity is None or demand <= 0.0:
        return min(current, step)
    overflow = 1.0 - ready_capacity / demand
    return min(current, max(step, overflow))


def effective_share(nominal: float, ready: float) -> float:
    """Return the share that the candidate receives if only some servers of the baseline are ready.

    Args:
        nominal: Share of the candidate by the weights of all servers.
        ready: Fraction of the baseline's servers that are ready; the others receive nothing, whatever their weight.
    """
    baseline = (1.0 - nominal) * ready
    return nominal / (nominal + baseline) if nominal + baseline else 0.0


def nominal_share(effective: float, ready: float) -> float:
    """Return the share by the weights of all servers with which the candidate receives `effective`; 0 < ready <= 1."""
    return effective * ready / (effective * ready + 1.0 - effective)


class RecentRate:
    """The rate of the requests in the last seconds."""

    __slots__ = ("_counts", "_start")

    def __init__(self, start: float) -> None:
        self._counts: deque[tuple[float, int]] = deque()
        self._start = start

    def add(self, moment: float, requests: int) -> None:
        """Add the requests that were observed since the last moment, in seconds since any fixed instant."""
        self._counts.append((moment, requests))
        while self._counts[0][0] <= moment - RATE_SECONDS:
            self._start = self._counts.popleft()[0]

    def rate(self) -> float | None:
        """Return requests per second; `None` before the first second has passed."""
        if not self._counts or (elapsed := self._counts[-1][0] - self._start) < 1.0:
            return None
        return sum(count for _, count in self._counts) / elapsed
