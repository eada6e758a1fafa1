"""Alarms that last, and the deployment that each of them follows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

StepKind = Literal["confirm", "rollback", "revert"]


class OpenAlarm(NamedTuple):
    """An alarm that lasts: its onset in seconds since the epoch, the seconds of an interval, and the commit of the
    deployment that precedes it; empty if its cause is external."""

    metric: str
    onset: int
    step: int
    commit: str


class EndedAlarm(NamedTuple):
    """An alarm that ended: the commit of the deployment before it, its onset and its end."""

    commit: str
    onset: datetime
    end: datetime


class Incident(NamedTuple):
    """The alarms that follow one deployment, of which the last good one was `base`; may be empty."""

    service: str
    environment: str
    commit: str
    base: str
    alarms: tuple[OpenAlarm, ...]

    @property
    def onset(self) -> int:
        """The earliest onset, seconds since the epoch."""
        return min(alarm.onset for alarm in self.alarms)


def alarm_text(metric: str, onset: int) -> str:
    """Return an alarm as `METRIC@ONSET`, with the onset in ISO 8601 (UTC)."""
    return f"{metric}@{datetime.fromtimestamp(onset, UTC):%Y-%m-%dT%H:%M:%SZ}"


def group_alarms(alarms: Sequence[OpenAlarm]) -> dict[str, tuple[OpenAlarm, ...]]:
    """Return the alarms by the commit that they follow, the earliest first; those without a cause under `""`."""
    groups: dict[str, list[OpenAlarm]] = {}
    for alarm in sorted(alarms, key=lambda alarm: (alarm.onset, alarm.metric)):
        groups.setdefault(alarm.commit, []).append(alarm)
    return {commit: tuple(group) for commit, group in groups.items()}
