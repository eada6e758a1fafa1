"""Alarms that last, the deployment that each of them follows, and the ids of the requests that they lead to."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

StepKind = Literal["confirm", "rollback", "revert"]
ONSET_INTERVALS = 2
"""Intervals by which the onset of the same alarm may differ between two evaluations, since the window of what is read
moves on."""


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

    def requests(self, kind: StepKind) -> list[str]:
        """Return the ids of a step for all alarms and for neighbouring onsets; the first is the one to be used."""
        first = [self.request(kind, alarm_text(alarm.metric, alarm.onset)) for alarm in self.alarms]
        shifts = [n for n in range(-ONSET_INTERVALS, ONSET_INTERVALS + 1) if n]
        others = [
            self.request(kind, alarm_text(alarm.metric, alarm.onset + n * alarm.step))
            for alarm in self.alarms
            for n in shifts
        ]
        return [*first, *others]

    def request(self, kind: StepKind, alarm: str) -> str:
        """Return the id of a step for one alarm, 20 hexadecimal digits.

        Args:
            kind: The step.
            alarm: The alarm, as `alarm_text` writes it.
        """
        return request_id(Subject(self.service, self.environment, self.commit, self.base), kind, alarm)


class Subject(NamedTuple):
    """What a request is about."""

    service: str
    environment: str
    commit: str
    base: str


def request_id(subject: Subject, kind: StepKind, alarm: str) -> str:
    """Return the id of a request: a hash of the service, both commits, the step, and the metric with its onset."""
    content = "\0".join((*subject, kind, alarm))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def alarm_text(metric: str, onset: int) -> str:
    """Return an alarm as `METRIC@ONSET`, with the onset in ISO 8601 (UTC)."""
    return f"{metric}@{datetime.fromtimestamp(onset, UTC):%Y-%m-%dT%H:%M:%SZ}"


def group_alarms(alarms: Sequence[OpenAlarm]) -> dict[str, tuple[OpenAlarm, ...]]:
    """Return the alarms by the commit that they follow, the earliest first; those without a cause under `""`."""
    groups: dict[str, list[OpenAlarm]] = {}
    for alarm in sorted(alarms, key=lambda alarm: (alarm.onset, alarm.metric)):
        groups.setdefault(alarm.commit, []).append(alarm)
    return {commit: tuple(group) for commit, group in groups.items()}
