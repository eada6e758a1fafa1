"""Ids of the requests that follow from an incident, and the alarm as the text that a request has. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghmlops.core.watch.incident import OpenAlarm

if TYPE_CHECKING:
    from ghmlops.core.watch.incident import Incident, StepKind


def request_of(incident: Incident, kind: StepKind) -> str:
    """Return the id of a step for an incident, 20 hexadecimal digits.

    Its alarms are no part of it: they begin and end while the step runs, and a second run would do the same again.

    Args:
        incident: The incident.
        kind: The step.
    """
    content = "\0".join((incident.service, incident.environment, incident.commit, incident.base, kind))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def read_alarm(text: str, commit: str) -> OpenAlarm:
    """Return the alarm of a request, `METRIC@ONSET`; the length of its intervals is unknown.

    Args:
        text: The alarm, as `alarm_text` writes it.
        commit: Full SHA of the deployment before it.

    Raises:
        ValueError: It has no metric, or no onset in ISO 8601 (UTC).
    """
    metric, _, onset = text.rpartition("@")
    if not metric:
        raise ValueError(f"{text!r} is no alarm")
    time = datetime.strptime(onset, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return OpenAlarm(metric, int(time.timestamp()), 1, commit)
