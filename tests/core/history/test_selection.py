"""What follows from records: filters, quarantine, caps, former services, outcomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.history.place import encode_record
from ghmlops.core.history.reading import decode_record
from ghmlops.core.history.record import Effect
from ghmlops.core.history.selection import (
    Filter,
    count_actions,
    decision_of,
    due_outcomes,
    former_services,
    quarantine_of,
    recent_effects,
    select,
)
from ghmlops.core.model import Outcome
from history_records import COMMIT, OTHER, confirmation, deployment, quarantine, revert, stored

if TYPE_CHECKING:
    from ghmlops.core.history.record import AnyRecord

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY_1, DAY_2, DAY_9 = "2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00", "2026-11-09T00:00:00+00:00"


def test_filters() -> None:
    """Each field selects; together they select what meets all."""
    records = stored(
        deployment(DAY_1),
        deployment(DAY_2, environment="staging"),
        deployment(DAY_9, service="search", decision="refused"),
        quarantine(DAY_9),
    )
    assert len(select(records, Filter())) == 4
    assert len(select(records, Filter(service="shop"))) == 3
    assert len(select(records, Filter(environment="staging"))) == 1
    assert len(select(records, Filter(since=datetime(2026, 11, 2, tzinfo=UTC)))) == 3
    assert [decision_of(item) for item in select(records, Filter(decision="refused"))] == ["refused"]
    assert select(records, Filter(service="shop", decision="refused")) == []


def test_quarantine_is_lifted_by_a_newer_record() -> None:
    """Only for its commit, service and environment."""
    records = stored(quarantine(DAY_1))
    assert quarantine_of(records, "shop", "production", COMMIT) == records[0]
    assert quarantine_of(records, "shop", "staging", COMMIT) is None
    assert quarantine_of(records, "search", "production", COMMIT) is None
    assert quarantine_of(records, "shop", "production", OTHER) is None
    assert (
        quarantine_of(stored(quarantine(DAY_1), quarantine(DAY_2, lifted=True)), "shop", "production", COMMIT) is None
    )


def test_a_paired_verdict_is_confirmed_or_not() -> None:
    """A failure without a second run is not confirmed; a record is read back as it was written."""
    time = "2026-11-03T11:30:00+00:00"
    confirmed, once = stored(confirmation(time), confirmation(time, confirmed=(), run_id="42"))
    assert [decision_of(item) for item in (confirmed, once)] == ["confirmed", "not-confirmed"]
    assert decode_record(encode_record(confirmed.record)) == confirmed.record


def test_actions_are_counted_for_the_cap() -> None:
    """Rollbacks and reverts count; holds, refusals and pull requests that wait do not."""
    records = stored(
        deployment(DAY_1, decision="rollback"),
        deployment(DAY_2, decision="rollback"),
        revert(DAY_9),
        revert(DAY_9, state="pull-request", commit=OTHER),
        deployment(DAY_9, decision="hold"),
    )
    assert count_actions(records, "shop", "production", datetime(2026, 11, 2, tzinfo=UTC)) == 2


def test_a_service_that_stopped_may_be_a_former_name() -> None:
    """A neighbour that goes on is none."""
    records = stored(
        deployment(DAY_1, service="old"),
        deployment(DAY_1, service="neighbour"),
        deployment(DAY_2),
        deployment(DAY_9, service="neighbour"),
    )
    assert former_services(records, "shop") == {"old": 1}
    assert former_services(records, "unknown") == {"neighbour": 2, "old": 1, "shop": 1}


ENDS: list[tuple[list[AnyRecord], str, float]] = [
    ([], "kept", 168.0),
    ([deployment(DAY_2, commit=OTHER)], "replaced", 24.0),
    ([deployment(DAY_2, decision="rollback")], "rolled-back", 24.0),
    ([quarantine(DAY_2)], "quarantined", 24.0),
    ([revert(DAY_2)], "reverted", 24.0),
    ([revert(DAY_2, commit=OTHER, reverted=(OTHER, COMMIT))], "reverted", 24.0),
    ([deployment(DAY_2, commit=OTHER, environment="staging")], "kept", 168.0),
    ([deployment(DAY_2, commit=OTHER, decision="refused")], "kept", 168.0),
    ([deployment(DAY_9, commit=OTHER)], "kept", 168.0),
]


@pytest.mark.parametrize(("later", "state", "hours"), ENDS)
def test_the_outcome_of_a_deployment(later: list[AnyRecord], state: str, hours: float) -> None:
    """The first event within seven days decides, and names the record of the deployment."""
    records = stored(deployment(DAY_1), *later)
    outcome = due_outcomes(records, NOW)[0]
    assert (outcome.of, outcome.state, outcome.hours, outcome.commit) == (records[0].id, state, hours, COMMIT)
    assert outcome.time == "2026-11-08T00:00:00+00:00"


def test_outcomes_are_due_once_and_after_seven_days() -> None:
    """Not before, not twice, and not for what never served."""
    records = stored(deployment(DAY_1), deployment(DAY_1, decision="refused", run_id="42"))
    assert due_outcomes(records, datetime(2026, 11, 7, 23, tzinfo=UTC)) == []
    (outcome,) = due_outcomes(records, NOW)
    assert due_outcomes([*records, *stored(outcome)], NOW) == []


def test_recent_effects_are_the_newest_of_each_commit() -> None:
    """Decisions of the gate with measured changes count, of a commit the newest, and not the commit itself."""
    change = (Effect(metric="p50", unit="ratio", estimate=0.1, outcome=Outcome.PASS),)
    later = (Effect(metric="p50", unit="ratio", estimate=0.2, outcome=Outcome.PASS),)
    records = stored(
        deployment(DAY_1, effects=change),
        deployment(DAY_1, commit="c" * 40, effects=change),
        deployment(DAY_2, effects=later, environment="staging"),
        deployment(DAY_2, commit="d" * 40),
        deployment(DAY_2, commit="e" * 40, effects=change, command="promote"),
        deployment(DAY_9, commit=OTHER, effects=change),
        deployment(DAY_9, commit="f" * 40, effects=change, service="search"),
        quarantine(DAY_9),
    )
    past = recent_effects(records, "shop", OTHER, 5)
    assert [(record.commit[0], record.effects[0].estimate) for record in past] == [("c", 0.1), ("a", 0.2)]
    assert len(recent_effects(records, "shop", "", 2)) == 2
    assert recent_effects(records, "", OTHER, 5) == ()
