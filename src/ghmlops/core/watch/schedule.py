"""Whether `watch` itself still runs, by the age of its newest successful run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.quantities import format_duration

if TYPE_CHECKING:
    from datetime import datetime


def schedule_finding(
    workflow: str, newest: datetime | None, stale: float, now: datetime, recorded_of: str = ""
) -> Finding | None:
    """Return the finding about a workflow that no longer runs; `None` if it succeeded lately.

    Args:
        workflow: file name of the workflow that runs `watch`.
        newest: start of its newest successful run (UTC); `None` if there is none.
        stale: seconds beyond which such a run says nothing about now.
        now: current time (UTC); that of the record, if one says it.
        recorded_of: commit that the record is about which says it; empty if GitHub says it now.
    """
    if newest is not None and (now - newest).total_seconds() <= stale:
        return None
    since = f"since {newest:%Y-%m-%d %H:%M} UTC" if newest else "at all"
    limit = f"`watch.stale` is {format_duration(stale)}"
    reason = f"{workflow} has not succeeded {since}, and {limit}: production is not watched."
    if recorded_of:
        reason = (
            f"When the gate judged {recorded_of[:12]} ({now:%Y-%m-%d %H:%M} UTC), {workflow} had not succeeded "
            f"{since}, and {limit}: production was not watched. This checkout has no newer record of it."
        )
    return Finding(
        id="watch-dead",
        metric="schedule of watch",
        outcome=Outcome.WARN,
        reason=reason,
        docs="actions/watch/README.md#a-schedule-that-is-dead",
        description="The newest successful run of the workflow is younger than `watch.stale`.",
    )
