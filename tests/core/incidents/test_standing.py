"""What the history says about a deployment: the last good one before it, and what undid it."""

from __future__ import annotations

from ghmlops.core.incidents.standing import State, last_good, standing_of
from ghmlops.core.watch.incident import Incident
from history_records import COMMIT, OTHER, deployment, quarantine, revert, stored
from watch_incidents import ALARM, BAD, GOOD

INCIDENT = Incident("shop", "production", COMMIT, OTHER, (ALARM,))
OLDER = deployment("2026-11-03T06:00:00+00:00", commit="e" * 40)


def test_the_last_good_deployment_was_not_undone() -> None:
    """One that was reverted, rolled back or quarantined is none, and a refused one never served."""
    assert last_good(stored(OLDER, GOOD, BAD), COMMIT) == OTHER
    time = "2026-11-03T09:00:00+00:00"
    for record in (revert(time, commit=OTHER), quarantine(time, commit=OTHER)):
        assert last_good(stored(OLDER, GOOD, record, BAD), COMMIT) == "e" * 40
    refused = deployment(time, commit="f" * 40, decision="refused")
    assert last_good(stored(GOOD, refused, BAD), COMMIT) == OTHER
    assert last_good(stored(BAD), COMMIT) == ""
    again = deployment("2026-11-03T12:00:00+00:00")
    assert last_good(stored(OLDER, BAD, GOOD, again), COMMIT) == OTHER


def test_an_older_revert_of_the_same_commit_is_past() -> None:
    """Only what happened since the deployment counts."""
    old = revert("2026-11-02T10:00:00+00:00")
    assert standing_of(INCIDENT, stored(old, GOOD, BAD)) is None
    standing = standing_of(INCIDENT, stored(GOOD, BAD, revert("2026-11-03T11:00:00+00:00")))
    assert standing is not None
    assert standing[0] is State.UNDONE
