"""Ids of requests: the same for the same incident, different for every other one."""

from __future__ import annotations

from ghmlops.core.watch.incident import Incident, alarm_text, group_alarms
from history_records import COMMIT, OTHER
from watch_incidents import ALARM, ONSET


def test_ids_differ_by_everything_that_they_are_about() -> None:
    """Service, environment, commits, step, metric and onset."""
    incident = Incident("shop", "production", COMMIT, OTHER, (ALARM,))
    others = [
        incident._replace(service="cart"),
        incident._replace(environment="staging"),
        incident._replace(commit="c" * 40),
        incident._replace(base="c" * 40),
        incident._replace(alarms=(ALARM._replace(metric="p50"),)),
        incident._replace(alarms=(ALARM._replace(onset=ONSET + 10 * 3600),)),
    ]
    ids = [i.requests("confirm")[0] for i in (incident, *others)] + [incident.requests("revert")[0]]
    assert len(set(ids)) == len(ids)
    assert all(len(request) == 20 for request in ids)
    assert incident.request("confirm", alarm_text("p95", ONSET)) == ids[0]


def test_alarms_are_grouped_by_their_deployment() -> None:
    """Those without one are external; the earliest comes first."""
    early = ALARM._replace(metric="errors", onset=ONSET - 60)
    groups = group_alarms([ALARM, ALARM._replace(commit=""), early])
    assert groups == {COMMIT: (early, ALARM), "": (ALARM._replace(commit=""),)}
