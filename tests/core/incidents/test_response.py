"""What follows from an alarm: refusals in a fixed order, one verdict, one step, each started once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.incidents.accuracy import Accuracy
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
        "request": INCIDENT.requests("confirm")[0],
        "commit": COMMIT,
        "base": OTHER,
        "alarm": "p95@2026-11-03T10:00:00Z",
    }


@pytest.mark.parametrize("shift", [-2, 0, 2])
def test_a_request_is_started_once(shift: int) -> None:
    """A run whose name contains the request counts, also if the onset is estimated two intervals away."""
    moved = INCIDENT._replace(alarms=(ALARM._replace(onset=ONSET + shift * 3600),))
    for is_complete, state in ((False, State.CONFIRMING), (True, State.NO_VERDICT)):
        response = answer(runs={moved.requests("confirm")[0]: Run("https://run", is_complete)})
        assert (response.state, response.request) == (state, "")
        response = answer(runs={f"confirm({moved.requests('confirm')[0]}):": Run("https://run", is_complete)})
        assert (response.state, response.request) == (state, "")
    assert answer(runs={moved.requests("revert")[0]: Run("https://run", False)}).state is State.CONFIRM


def test_a_confirmed_failure_is_reverted_or_rolled_back() -> None:
    """The run of the verdict is passed on; traffic is rolled back where a workflow does it."""
    response = answer(CONFIRMED)
    assert (response.state, response.workflow, response.inputs["run-id"]) == (State.ACT, "revert.yml", "77")
    response = answer(CONFIRMED, watch=changed("workflows", rollback="promote.yml"))
    assert (response.kind, response.workflow) == ("rollback", "promote.yml")
    for is_complete, state in ((False, State.ACTING), (True, State.ACT_FAILED)):
        runs = {INCIDENT.requests("revert")[0]: Run("https://run", is_complete)}
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
    (State.UNDONE, (CONFIRMED, revert(AFTER)), {}),
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
    assert bool(response.workflow) == (state is State.ACT)
    assert response.reason


def test_several_alarms_of_one_deployment_are_one_incident() -> None:
    """The earliest onset names the request; the run of any of them counts for all."""
    later = OpenAlarm("errors", ONSET + 7200, 300, COMMIT)
    response = answer(alarms=(later, ALARM))
    assert response.inputs["alarm"].startswith("p95@")
    alone = INCIDENT._replace(alarms=(later,))
    runs = {alone.requests("confirm")[0]: Run("https://run", False)}
    assert answer(alarms=(later, ALARM), runs=runs).state is State.CONFIRMING
    assert answer(alarms=(later, ALARM), unusable=("p95",)).state is State.CONFIRM


def test_a_verdict_about_other_commits_is_none() -> None:
    """Only a verdict of the current against the last good deployment counts."""
    assert answer(confirmation(AFTER, base_sha="d" * 40)).state is State.CONFIRM
    records = stored(deployment("2026-11-03T07:00:00+00:00", commit="d" * 40), BAD)
    assert answer(records=records).inputs["base"] == "d" * 40
