"""What the history says about a deployment: the last good one before it, and what undid it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.core.incidents.standing import State, last_good, standing_of
from ghmlops.core.watch.incident import Incident
from history_records import COMMIT, OTHER, deployment, quarantine, revert, stored
from watch_incidents import ALARM, BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.history.record import AnyRecord

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


def live(order: str, decision: str = "allowed") -> list[AnyRecord]:
    """Return deployments in their order, each of the commit that consists of its letter."""
    return [
        deployment(f"2026-11-03T{hour:02}:00:00+00:00", commit=letter * 40, decision=decision)
        for hour, letter in enumerate(order)
    ]


def standing(records: Sequence[AnyRecord], letter: str) -> tuple[str, str]:
    """Return the first letter of the last good commit, and where the alarm about a commit stands; empty: nowhere."""
    base = last_good(stored(*records), letter * 40)
    alarm = ALARM._replace(commit=letter * 40)
    answer = standing_of(Incident("shop", "production", letter * 40, base, (alarm,)), stored(*records))
    return base[:1], answer[0].value if answer else ""


@pytest.mark.parametrize(
    ("order", "letter", "base", "state"),
    [
        ("abcb", "b", "c", "person-decided"),
        ("aba", "a", "b", "person-decided"),
        ("abca", "a", "c", "person-decided"),
        ("abcab", "b", "a", "person-decided"),
        ("abab", "b", "a", "person-decided"),
        ("abb", "b", "a", ""),
        ("abc", "c", "b", ""),
        ("abc", "b", "a", "superseded"),
    ],
)
def test_traffic_never_returns_to_what_a_person_left(order: str, letter: str, base: str, state: str) -> None:
    """Who deploys an earlier commit again has decided against the newer one, which is no base for a rollback."""
    assert standing(live(order), letter) == (base, state)


@pytest.mark.parametrize("decision", ["rollback", "failed"])
@pytest.mark.parametrize("is_quarantined", [False, True])
@pytest.mark.parametrize(
    ("order", "letter", "base", "state"),
    [
        ("abc!", "b", "a", ""),
        ("abc!d!", "b", "a", ""),
        ("abcc!", "b", "a", ""),
        ("abc!d", "d", "b", ""),
        ("abc!d", "b", "a", "superseded"),
        ("abc!", "c", "b", "undone"),
        ("ab!c", "c", "a", ""),
        ("a!b", "b", "", "no-last-good"),
    ],
)
def test_a_deployment_that_failed_serves_no_longer(
    order: str, letter: str, base: str, state: str, decision: str, is_quarantined: bool
) -> None:
    """`!` after a commit: it was rolled back, or its deployment failed; the one before serves, and is the base."""
    records: list[AnyRecord] = []
    for hour, name in enumerate(order):
        time = f"2026-11-03T{hour:02}:00:00+00:00"
        if name != "!":
            records.append(deployment(time, commit=name * 40))
            continue
        commit = records[-1].commit
        records.append(deployment(time, commit=commit, decision=decision, command="promote"))
        if is_quarantined:
            records.append(quarantine(time, commit=commit))
    assert standing(records, letter) == (base, state)
