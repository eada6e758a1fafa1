"""Its own false positives and negatives: relanded unmodified, and undone by a person with a signal that recovered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ghmlops.core.history.record import AnyRecord
from ghmlops.core.incidents.accuracy import Accuracy, own_accuracy
from ghmlops.core.watch.cause import Deployed
from ghmlops.core.watch.incident import EndedAlarm
from history_records import COMMIT, confirmation, deployment, quarantine, revert, stored


def at(hour: int) -> str:
    """Return a time of the day."""
    return f"2026-11-03T{hour:02}:00:00+00:00"


def commit(index: int) -> str:
    """Return a SHA."""
    return f"{index:040x}"


def action(index: int, *, relanded: bool = False) -> list[AnyRecord]:
    """Return a confirmed failure, its revert, and perhaps its second deployment."""
    time = f"2026-11-{index % 27 + 1:02}"
    records: list[AnyRecord] = [
        confirmation(f"{time}T01:00:00+00:00", commit=commit(index)),
        revert(f"{time}T02:00:00+00:00", commit=commit(index), revert_sha=commit(1000 + index)),
    ]
    return [*records, *([deployment(f"{time}T03:00:00+00:00", commit=commit(index))] if relanded else [])]


@pytest.mark.parametrize(
    ("wrong", "expected"), [((), True), ((3,), True), ((3, 7), False), ((0, 1), True), ((0, 7), True)]
)
def test_the_second_false_action_of_the_last_twenty_stops_it(wrong: tuple[int, ...], expected: bool) -> None:
    """Of 22 actions the two oldest no longer count."""
    records = stored(*(record for index in range(22) for record in action(index, relanded=index in wrong)))
    accuracy = own_accuracy(records)
    assert (accuracy.actions, accuracy.may_act) == (20, expected)


def test_a_revert_that_was_reverted_was_wrong() -> None:
    """So was a rollback whose quarantine a person lifted; one that was undone again was right."""
    assert own_accuracy(stored(*action(5)), relanded=(commit(1005),)).false_positives == 1
    rollback = deployment(at(2), decision="rollback", command="promote")
    records: list[AnyRecord] = [confirmation(at(1)), rollback, quarantine(at(3), lifted=True)]
    assert own_accuracy(stored(*records)).false_positives == 1
    assert own_accuracy(stored(*records, deployment(at(4)), revert(at(5)))).false_positives == 0


def test_a_deployment_that_only_github_knows_shows_that_an_action_was_wrong() -> None:
    """If it is newer than the newest action about the commit; a person's revert is no action, and nobody was wrong."""
    records: list[AnyRecord] = [confirmation(at(1)), revert(at(2))]

    def false_positives(hour: int, *more: AnyRecord, commit: str = COMMIT) -> int:
        time = datetime(2026, 11, 3, hour, tzinfo=UTC).timestamp()
        return own_accuracy(stored(*records, *more), redeployed=[Deployed(time, commit)]).false_positives

    assert [false_positives(hour) for hour in (1, 2, 3)] == [0, 0, 1]
    assert false_positives(3, revert(at(4))) == 0
    assert false_positives(3, commit=commit(7)) == 0
    assert own_accuracy(stored(revert(at(2))), redeployed=[Deployed(1e12, COMMIT)]) == Accuracy()


def test_what_a_person_undid_was_missed_if_the_signal_recovered() -> None:
    """Without a confirmation before; a signal that did not recover says nothing."""
    alarm = EndedAlarm(COMMIT, datetime(2026, 11, 3, 1, tzinfo=UTC), datetime(2026, 11, 3, 4, tzinfo=UTC))
    assert own_accuracy(stored(revert(at(2))), [alarm]) == Accuracy(0, 0, 1)
    assert own_accuracy(stored(confirmation(at(1)), revert(at(2))), [alarm]) == Accuracy(1, 0, 0)
    late = alarm._replace(end=datetime(2026, 11, 6, tzinfo=UTC))
    assert own_accuracy(stored(revert(at(2))), [late]) == Accuracy()
    assert own_accuracy(stored(revert(at(2)))) == Accuracy()
