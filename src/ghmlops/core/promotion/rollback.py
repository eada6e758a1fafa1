"""The way back: how much traffic the baseline can take at a moment."""

from __future__ import annotations


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
