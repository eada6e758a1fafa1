"""What follows from an alarm: refusals in a fixed order, one verdict, one step, each started once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.incidents.accuracy import Accuracy
from ghmlops.core.incidents.requests import request_of
from ghmlops.core.incidents.response import Run
from ghmlops.core.incidents.standing import State
from ghmlops.core.watch.incident import Incident, OpenAlarm
from history_records import COMMIT, OTHER, confirmation, deployment, quarantine, revert, stored
from watch_incidents import ALARM, BAD, ONSET, WATCH, answer

CONFIRMED = confirmation("2026-11-03T12:00:00+00:00", run_id="77")
AFTER = "2026-11-03T12:30:00+00:00"
INCIDENT = Incident("shop", "production", COMMIT, OTHER, (ALARM,))
EXTERNAL = ALARM._replace(commit="")


def changed(section: str, **fields: Any) -> Any:
    """Return the policy with other values in one of its sections."""
    return msgspec.structs.replace(WATCH, **{section: msgspec.structs.replace(getattr(WATCH, section), **fields)})


def test_an_alarm_starts_a_paired_verdict() -> None:
    """The request names both commits and the alarm, and its id is a function of them."""
    response = answer()
    assert (response.state, response.workflow) == (State.CONFIRM, "confirm.yml")
    assert response.inputs == {
        "request": request_of(INCIDENT, "confirm"),
        "commit": COMMIT,
        "base": OTHER,
        "alarm": "p95@2026-11-03T10:00:00Z",
    }


@pytest.mark.parametrize("word", ["{}", "confirm({}):"])
def test_a_request_is_started_once(word: str) -> None:
    """A run whose name contains the request counts."""
    for is_complete, state in ((False, State.CONFIRMING), (True, State.NO_VERDICT)):
        response = answer(runs={word.format(request_of(INCIDENT, "confirm")): Run("https://run", is_complete)})
        assert (response.state, response.request) == (state, "")
    assert answer(runs={request_of(INCIDENT, "revert"): Run("https://run", False)}).state is State.CONFIRM


LATER = OpenAlarm("errors", ONSET + 7200, 300, COMMIT)
MOVED = ALARM._replace(onset=ONSET + 6 * 3600)


@pytest.mark.parametrize("first", [(ALARM,), (LATER,), (ALARM, LATER), (MOVED,)])
@pytest.mark.parametrize("then", [(ALARM,), (LATER,), (ALARM, LATER), (MOVED,)])
def test_a_step_is_started_once_while_alarms_begin_and_end(
    first: tuple[OpenAlarm, ...], then: tuple[OpenAlarm, ...]
) -> None:
    """One metric recovers, another one gets worse, an onset moves: the run that was started is about all of them."""
    for records, steps in (((), (State.CONFIRM, State.CONFIRMING)), ((CONFIRMED,), (State.ACT, State.ACTING))):
        before = answer(*records, alarms=first)
        after = answer(*records, alarms=then, runs={before.request: Run("https://run", False)})
        assert (before.state, after.state) == steps


def test_a_confirmed_failure_is_reverted_or_rolled_back() -> None:
    """The run of the verdict is passed on; traffic is rolled back where a workflow does it."""
    response = answer(CONFIRMED)
    assert (response.state, response.workflow, response.inputs["run-id"]) == (State.ACT, "revert.yml", "77")
    response = answer(CONFIRMED, watch=changed("workflows", rollback="promote.yml"))
    assert (response.kind, response.workflow) == ("rollback", "promote.yml")
    for is_complete, state in ((False, State.ACTING), (True, State.ACT_FAILED)):
        runs = {request_of(INCIDENT, "revert"): Run("https://run", is_complete)}
        assert answer(CONFIRMED, runs=runs).state is state


WRONG = Accuracy(20, 2, 0)
REFUSALS = [
    (State.UNUSABLE, (), {"problem": "the history was force-pushed"}),
    (State.UNUSABLE, (CONFIRMED,), {"unusable": ("p95",)}),
    (State.UNUSABLE, (), {"unusable": ("p95",), "alarms": (EXTERNAL,)}),
    (State.EXTERNAL, (), {"alarms": (EXTERNAL,)}),
    (State.EXTERNAL, (CONFIRMED,), {"alarms": (EXTERNAL,), "frozen": True}),
    (State.PERSON, (deployment(AFTER, override="agreed"), CONFIRMED), {"frozen": True}),
    (State.PERSON, (CONFIRMED, quarantine(AFTER, lifted=True)), {"frozen": True}),
    (State.PERSON, (CONFIRMED, revert("2026-11-03T12:10:00+00:00"), deployment(AFTER)), {"frozen": True}),
    (State.PERSON, (CONFIRMED,), {"relands": (COMMIT,), "frozen": True}),
    (State.ACT, (CONFIRMED,), {"relands": (OTHER,)}),
    (State.UNDONE, (CONFIRMED, revert(AFTER)), {"relands": (COMMIT,)}),
    (State.CONFIRM, (), {"blind": "shallow"}),
    (State.PROPOSED, (CONFIRMED,), {"blind": "shallow"}),
    (State.FROZEN, (CONFIRMED,), {"blind": "shallow", "frozen": True}),
    (State.SUPERSEDED, (CONFIRMED, deployment(AFTER, commit="c" * 40)), {}),
    (State.NO_BASE, (revert(AFTER, commit=OTHER), CONFIRMED), {}),
    (State.FROZEN, (CONFIRMED,), {"frozen": True, "accuracy": WRONG}),
    (State.CAPPED, (CONFIRMED, *(revert(AFTER, commit=c * 40) for c in "cd")), {"accuracy": WRONG}),
    (State.PACED, (CONFIRMED, revert("2026-11-03T12:50:00+00:00", commit="c" * 40)), {"accuracy": WRONG}),
    (State.PROPOSED, (CONFIRMED,), {"accuracy": WRONG}),
    (State.ACT, (CONFIRMED,), {"accuracy": Accuracy(20, 1, 5)}),
    (State.NOT_CONFIRMED, (confirmation(AFTER, confirmed=()),), {}),
    (State.OFF, (), {"watch": changed("on", alarm="issue")}),
    (State.PROPOSED, (CONFIRMED,), {"watch": changed("on", confirmed="propose")}),
]


@pytest.mark.parametrize(("state", "records", "fields"), REFUSALS)
def test_refusals_in_their_order(state: State, records: tuple[Any, ...], fields: dict[str, Any]) -> None:
    """The first one that applies is the reason, and a refusal starts nothing."""
    response = answer(*records, **fields)
    assert response.state is state
    assert bool(response.workflow) == (state in {State.ACT, State.CONFIRM})
    assert response.reason


@pytest.mark.parametrize("partial", [True, False])
def test_a_damaged_record_stops_no_rollback(partial: bool) -> None:
    """Nothing is reverted, and nothing follows from a history that was rewritten or cannot be read."""
    damage: dict[str, Any] = {"problem": "a record is damaged", "is_partial": partial}
    rollback = changed("workflows", rollback="promote.yml")
    assert answer(CONFIRMED, **damage).state is State.UNUSABLE
    expected = (State.ACT, State.CONFIRM, State.UNDONE) if partial else (State.UNUSABLE,) * 3
    states = (
        answer(CONFIRMED, watch=rollback, **damage).state,
        answer(watch=rollback, **damage).state,
        answer(CONFIRMED, revert(AFTER), watch=rollback, **damage).state,
    )
    assert states == expected


def test_several_alarms_of_one_deployment_are_one_incident() -> None:
    """The request names the earliest; one whose data counts is enough."""
    assert answer(alarms=(LATER, ALARM)).inputs["alarm"].startswith("p95@")
    assert answer(alarms=(LATER, ALARM), unusable=("p95",)).state is State.CONFIRM


def test_a_verdict_about_other_commits_is_none() -> None:
    """Only a verdict of the current against the last good deployment counts."""
    assert answer(confirmation(AFTER, base_sha="d" * 40)).state is State.CONFIRM
    records = stored(deployment("2026-11-03T07:00:00+00:00", commit="d" * 40), BAD)
    assert answer(records=records).inputs["base"] == "d" * 40
