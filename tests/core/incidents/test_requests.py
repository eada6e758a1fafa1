"""Ids of requests: the same for the same incident, different for every other one; and the alarm that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.core.incidents.requests import read_alarm, request_of
from ghmlops.core.watch.incident import Incident, alarm_text
from history_records import COMMIT, OTHER
from watch_incidents import ALARM, ONSET

if TYPE_CHECKING:
    from ghmlops.core.watch.incident import OpenAlarm

INCIDENT = Incident("shop", "production", COMMIT, OTHER, (ALARM,))


def test_ids_differ_by_what_is_to_be_done() -> None:
    """Service, environment, commits and step."""
    others = [
        INCIDENT._replace(service="cart"),
        INCIDENT._replace(environment="staging"),
        INCIDENT._replace(commit="c" * 40),
        INCIDENT._replace(base="c" * 40),
    ]
    ids = [request_of(i, "confirm") for i in (INCIDENT, *others)]
    ids += [request_of(INCIDENT, "revert"), request_of(INCIDENT, "rollback")]
    assert len(set(ids)) == len(ids)
    assert all(len(request) == 20 for request in ids)


@pytest.mark.parametrize(
    "alarms", [(), (ALARM._replace(metric="p50"),), (ALARM._replace(onset=ONSET - 10 * 3600), ALARM)]
)
def test_alarms_that_begin_or_end_ask_for_nothing_else(alarms: tuple[OpenAlarm, ...]) -> None:
    """The step is about the two commits, whichever metric shows the change."""
    assert request_of(INCIDENT._replace(alarms=alarms), "confirm") == request_of(INCIDENT, "confirm")


@pytest.mark.parametrize("metric", ["p95", "a@b"])
def test_an_alarm_is_read_as_it_was_written(metric: str) -> None:
    """Its metric and its onset."""
    assert read_alarm(alarm_text(metric, ONSET), COMMIT) == (metric, ONSET, 1, COMMIT)


@pytest.mark.parametrize("text", ["", "p95", "p95@", "p95@x", "@2026-11-03T10:00:00Z", "p95@2026-11-03", "a@9"])
def test_what_is_no_alarm(text: str) -> None:
    """Without a metric, or without a time."""
    with pytest.raises(ValueError, match=r"is no alarm|does not match|unconverted"):
        read_alarm(text, COMMIT)
