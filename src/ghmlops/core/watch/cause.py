"""Which deployment an alert follows, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Deployed(NamedTuple):
    """A deployment: time in seconds since the epoch, and the commit."""

    time: float
    commit: str


CAUSE_STEPS = 2
"""Intervals before the onset within which a deployment counts as its cause: the change may fall into a part of the
interval that precedes the first one that shows it."""


def cause_of(onset: float, step: float, deployments: Sequence[Deployed]) -> Deployed | None:
    """Return the newest deployment shortly before the onset; `None` if the cause is external.

    Args:
        onset: onset of an alert in seconds since the epoch.
        step: seconds between two points of its metric.
        deployments: deployments in the order of time.
    """
    first, last = onset - CAUSE_STEPS * step, onset + step
    return next((deployed for deployed in reversed(deployments) if first <= deployed.time < last), None)
