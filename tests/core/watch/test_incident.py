"""Alarms by the deployment that they follow."""

from __future__ import annotations

from ghmlops.core.watch.incident import alarm_text, group_alarms
from history_records import COMMIT
from watch_incidents import ALARM, ONSET


def test_an_alarm_as_text() -> None:
    """The metric and its onset in UTC."""
    assert alarm_text("p95", 1_764_000_000) == "p95@2025-11-24T16:00:00Z"


def test_alarms_are_grouped_by_their_deployment() -> None:
    """Those without one are external; the earliest comes first."""
    early = ALARM._replace(metric="errors", onset=ONSET - 60)
    groups = group_alarms([ALARM, ALARM._replace(commit=""), early])
    assert groups == {COMMIT: (early, ALARM), "": (ALARM._replace(commit=""),)}
