"""Whether `watch` itself still runs, by the age of its newest successful run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.quantities import format_duration

if TYPE_CHECKING:
    from datetime import datetime


def schedule_finding(workflow: str, newest: datetime | None, stale: float, now: datetime) -> Finding | None:
    """Return the finding about a workflow that no longer runs; `None` if it succeeded lately.

    Args:
        workflow: file name of the workflow that runs `watch`.
        newest: start of its newest successful run (UTC); `None` if there is none.
        stale: seconds beyond which such a run says nothing about now.
        now: current time (UTC).
    """
    if newest is not None and (now - newest).total_seconds() <= stale:
        return None
    since = f"since {newest:%Y-%m-%d %H:%M} UTC" if newest else "at all"
    return Finding(
        id="watch-dead",
        metric="schedule of watch",
        outcome=Outcome.WARN,
        reason=f"{workflow} has not succeeded {since}, and `watch.stale` is {format_duration(stale)}: production is "
        "not watched.",
        docs="actions/watch/README.md#a-schedule-that-is-dead",
        description="The newest successful run of the workflow is younger than `watch.stale`.",
    )
