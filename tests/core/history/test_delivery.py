"""The four keys on 60 scripted deployments, whose numbers are counted by hand in the comments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.history.delivery import accuracy, delivery_keys
from ghmlops.core.history.deployments import find_deployments
from ghmlops.core.model import Outcome
from ghmlops.core.promotion.record import RungRecord
from ghmlops.core.promotion.weights import Shares
from history_records import OTHER, deployment, revert, stored

if TYPE_CHECKING:
    from ghmlops.core.history.record import AnyRecord

START = datetime(2026, 9, 7, tzinfo=UTC)
WEEKS = 10


def iso(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def scripted(number: int) -> list[AnyRecord]:
    """Return the records of one of 60 deployments, one per 24 hours: its last digit says how it goes.

    0: refused by the gate. 1: rolled back 2 h after its first rung. 2: live, reverted 5 h later. 3: deployment failed.
    4: live, its commit time is unknown. 5 to 9: live 1 to 5 h after the gate.
    """
    hour, kind, commit = number * 24.0, number % 10, f"{number:040x}"
    committed = "" if kind == 4 else iso(hour - 10)

    def step(after: float, decision: str, command: str = "gate", **fields: object) -> AnyRecord:
        return deployment(iso(hour + after), commit=commit, decision=decision, command=command, **fields)

    if kind == 0:
        return [step(0, "refused", outcome=Outcome.FAIL)]
    gate = step(0, "allowed", committed=committed)
    if kind == 1:
        rung = RungRecord(
            share=0.1, shares=Shares(candidate=0.1, pool=0.9), since=iso(hour + 1), requests={}, errors={}
        )
        return [gate, step(3, "rollback", "promote", outcome=Outcome.FAIL, rungs=(rung,))]
    if kind == 2:
        return [gate, step(1, "deployed"), revert(iso(hour + 6), commit=commit)]
    if kind == 3:
        return [gate, step(1, "failed", outcome=Outcome.FAIL)]
    return [gate, step(1 if kind == 4 else kind - 4, "deployed")]


def test_keys_equal_a_hand_count() -> None:
    """Of 60: 6 refused, 6 rolled back, 6 failed, 42 live, of which 6 were reverted."""
    records = [record for number in range(60) for record in scripted(number)]
    keys = delivery_keys(find_deployments(stored(*records)), START, START + timedelta(weeks=WEEKS))
    assert keys.live == 42
    assert keys.per_week == pytest.approx(4.2)
    # Committed 10 h before the gate: kinds 2, 5, 6, 7, 8, 9 take 11, 11, 12, 13, 14, 15 h until live, 6 times each.
    assert (keys.lead_hours, keys.without_commit_time) == (12.5, 6)
    # 6 rolled back + 6 failed + 6 reverted of 54 that users could have seen.
    assert keys.failures == 18
    assert keys.failure_rate == pytest.approx(18 / 54)
    # Rollback: 2 h after the first rung. Reverted (live at 1 h): the next but one is live (kind 4) at 2 * 24 + 1: 48 h.
    # Failed (at 1 h): kind 4 is live the next day: 24 h. So 6 times each of 2, 24 and 48.
    assert (keys.restore_hours, keys.not_restored) == (24.0, 0)


def test_a_period_without_a_deployment_has_no_numbers() -> None:
    """Nothing is zero that was not measured; a live deployment before its commit's time has no lead time."""
    keys = delivery_keys([], START, START + timedelta(weeks=1))
    assert (keys.lead_hours, keys.failure_rate, keys.restore_hours) == (None, None, None)
    items = find_deployments(stored(deployment(iso(1), committed=iso(2))))
    keys = delivery_keys(items, START, START + timedelta(weeks=1))
    assert (keys.live, keys.lead_hours, keys.without_commit_time) == (1, None, 1)


def test_accuracy_of_the_suite() -> None:
    """Refused, then live unmodified: a false positive. Passed, then reverted: a false negative."""
    records = stored(
        deployment(iso(0), decision="refused", outcome=Outcome.FAIL),
        deployment(iso(5), override="wrong alarm"),
        deployment(iso(10), commit=OTHER),
        revert(iso(12), commit=OTHER),
        deployment(iso(20), commit="c" * 40, decision="refused", outcome=Outcome.FAIL),
    )
    result = accuracy(find_deployments(records))
    assert (len(result.actions), [item.commit[0] for item in result.false_positives]) == (3, ["a"])
    assert (len(result.passed), [item.commit[0] for item in result.false_negatives]) == (2, ["b"])


def test_a_rollback_hours_after_it_was_live() -> None:
    """One failure of one live deployment that had passed; the harm lasts from its first rung to the rollback's end."""
    steps = (("allowed", Outcome.PASS), ("complete", Outcome.PASS), ("rollback", Outcome.FAIL))
    records = [
        deployment(iso(hour), decision=decision, command="gate" if hour == 0 else "promote", outcome=outcome)
        for hour, (decision, outcome) in enumerate(steps)
    ]
    items = find_deployments(stored(*records, revert(iso(3))))
    keys = delivery_keys(items, START, START + timedelta(weeks=1))
    assert (keys.live, keys.failures, keys.failure_rate, keys.restore_hours) == (1, 1, 1.0, 1.0)
    result = accuracy(items)
    assert (len(result.actions), len(result.passed), len(result.false_negatives)) == (1, 1, 1)
