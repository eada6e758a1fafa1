"""The newest record that names a run of `watch` says whether its schedule was dead then, for a week at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ghmlops.core.history.reading import History, Problem
from ghmlops.core.history.record import DeploymentRecord, WatchState
from ghmlops.core.history.watch_state import Subject, recorded_schedule
from history_records import COMMIT, OTHER, deployment, revert, stored

NOW = datetime(2026, 11, 28, 18, tzinfo=UTC)
SUBJECT = Subject("shop", "production", "watch.yml", 36 * 3600.0)


def hours_ago(hours: float) -> str:
    """Return a time before now."""
    return (NOW - timedelta(hours=hours)).isoformat()


def judged(hours: float, ran: float | None, *, workflow: str = "watch.yml", **fields: Any) -> DeploymentRecord:
    """Return the record of a gate, hours ago, and of the newest run that it saw; `None`: there was none."""
    watch = WatchState(workflow=workflow, newest="" if ran is None else hours_ago(ran))
    return deployment(hours_ago(hours), watch=watch, **fields)


def state(*records: Any, problems: tuple[Problem, ...] = ()) -> str:
    """Return what follows from records: dead, unknown or alive."""
    ordered = sorted(stored(*records), key=lambda item: item.record.time)
    finding, unknown = recorded_schedule(History(tuple(ordered), problems), SUBJECT, NOW)
    assert finding is None or not unknown
    return "dead" if finding else "unknown" if unknown else "alive"


@pytest.mark.parametrize(
    ("hours", "ran", "expected"),
    [
        (1, 2, "alive"),
        (30, 35, "alive"),
        (30, 37, "unknown"),  # it ran when the gate looked, and may run still
        (2, 38.1, "dead"),
        (2, None, "dead"),
        (24 * 7 - 1, None, "dead"),
        (24 * 7 + 1, None, "unknown"),
    ],
)
def test_what_one_record_says(hours: float, ran: float | None, expected: str) -> None:
    """A run counts for `stale`; that there was none, for a week."""
    assert state(judged(hours, ran)) == expected


def test_the_newest_record_about_this_schedule_counts() -> None:
    """Records of other services, environments and workflows say nothing, nor those that name no run."""
    dead = judged(5, 60)
    assert state(dead, judged(4, 5, commit=OTHER)) == "alive"
    assert state(judged(6, 7, commit=OTHER), dead) == "dead"
    others = [judged(4, 5, service="other"), judged(4, 5, environment="staging"), judged(4, 5, workflow="old.yml")]
    for record in (*others, deployment(hours_ago(1)), revert(hours_ago(1))):
        assert state(dead, record) == "dead"
        assert state(record) == "unknown"
    assert state() == "unknown"


@pytest.mark.parametrize("text", ["yesterday", "2026-11-28T18:00:00", "0001-01-01T00:00:00+23:00"])
def test_a_time_that_cannot_be_read_says_nothing(text: str) -> None:
    """Whoever may push to the branch may write anything."""
    assert state(deployment(hours_ago(1), watch=WatchState(workflow="watch.yml", newest=text))) == "unknown"


def test_a_damaged_record_that_may_be_newer_leaves_it_unknown() -> None:
    """An older one, and a file that is no record, change nothing."""
    dead = judged(5, 60)

    def damaged(hours: float) -> Problem:
        path = f"records/2026-11/{NOW - timedelta(hours=hours):%Y%m%dT%H%M%SZ}-{'0' * 16}-{'0' * 16}.json"
        return Problem("record-damaged", path, "R.")

    assert state(dead, problems=(damaged(1),)) == "unknown"
    assert state(dead, problems=(damaged(9), Problem("history-foreign-file", "notes.txt", "R."))) == "dead"


def test_the_finding_names_when_it_was_seen() -> None:
    """It may have been repaired since."""
    finding, _ = recorded_schedule(History(tuple(stored(judged(5, 60))), ()), SUBJECT, NOW)
    assert finding is not None
    assert (finding.id, finding.outcome.value) == ("watch-dead", "warn")
    assert all(word in finding.reason for word in (COMMIT[:12], "2026-11-28 13:00", "2026-11-26 06:00", "watch.yml"))
