"""What the newest record says about the schedule of `watch`, for a reader without a token. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.reading import FOREIGN_FILE, may_be_newer
from ghmlops.core.history.record import DeploymentRecord, WatchState, record_time
from ghmlops.core.watch.schedule import schedule_finding

if TYPE_CHECKING:
    from ghmlops.core.history.reading import History
    from ghmlops.core.model import Finding

MAX_AGE = timedelta(days=7)
"""Age beyond which a record of a dead schedule says nothing about now: a person had a week to repair it."""


class Subject(NamedTuple):
    """Whose schedule is looked at."""

    service: str
    environment: str
    workflow: str
    """File name of the workflow that runs `watch`."""
    stale: float
    """Age in seconds beyond which a run says nothing about now."""


def recorded_schedule(history: History, subject: Subject, now: datetime) -> tuple[Finding | None, str]:
    """Return the finding that the newest record saw no run of `watch`, and why it is unknown whether it runs.

    Both are empty if the newest run that a record names is younger than `stale`. A record says what its writer saw,
    so the finding names its time, and the schedule may have been repaired since.

    Args:
        history: the records of the branch, and what was skipped.
        subject: whose schedule.
        now: the time (UTC).
    """
    rows = [(record_time(s.record), s.record) for s in history.records if _is_about(s.record, subject)]
    if not rows:
        return None, "no record of the history names a run of it"
    time, record = rows[-1]
    assert isinstance(record, DeploymentRecord) and isinstance(record.watch, WatchState)  # noqa: PT018, S101  (narrows)
    if any(p.code != FOREIGN_FILE and may_be_newer(p, time) for p in history.problems):
        return None, "a damaged record of the history may name a newer run of it"
    newest = _parse(record.watch.newest)
    if newest is not None and (now - newest).total_seconds() <= subject.stale:
        return None, ""
    finding = schedule_finding(subject.workflow, newest, subject.stale, time, record.commit)
    if finding is None or now - time > MAX_AGE:
        return None, f"the newest record of the history that names a run of it is of {time:%Y-%m-%d %H:%M} UTC"
    return finding, ""


def _is_about(record: object, subject: Subject) -> bool:
    """Return whether a record names this workflow of this service, and a time that can be read."""
    if not isinstance(record, DeploymentRecord) or not isinstance(record.watch, WatchState):
        return False
    watch, place = record.watch, (record.service, record.environment)
    is_readable = not watch.newest or _parse(watch.newest) is not None
    return place == subject[:2] and watch.workflow == subject.workflow and is_readable


def _parse(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
