"""Which records are one deployment, and what became of it."""

from __future__ import annotations

from ghmlops.core.history.deployments import find_deployments
from ghmlops.core.model import Outcome
from history_records import COMMIT, OTHER, deployment, quarantine, revert, stored


def at(day: int, hour: int = 0) -> str:
    return f"2026-11-{day:02}T{hour:02}:00:00+00:00"


def states(*records: object) -> list[tuple[str, bool]]:
    return [(item.state, bool(item.harmed_by)) for item in find_deployments(stored(*records))]  # type: ignore[arg-type]


def test_decisions_about_one_commit_belong_together() -> None:
    """Gate, promotion and finish are one deployment; a further decision of the gate begins the next."""
    steps = (("gate", "allowed"), ("promote", "running"), ("promote", "complete"), ("gate", "deployed"))
    records = [deployment(at(1, hour), command=name, decision=step) for hour, (name, step) in enumerate(steps)]
    first, second = find_deployments(stored(*records, deployment(at(2)), deployment(at(2, 1), decision="failed")))
    assert (len(first.records), first.state, first.time.hour) == (4, "live", 2)
    assert (len(second.records), second.state) == (2, "failed")


def test_a_rollback_of_what_is_live_ends_that_deployment() -> None:
    """It is one change failure, from its first rung to the end of the rollback; another promotion is another one."""
    steps = [("gate", "allowed"), ("promote", "complete"), ("promote", "hold"), ("promote", "rollback")]
    records = [deployment(at(1, hour), command=name, decision=step) for hour, (name, step) in enumerate(steps)]
    revert_record = revert(at(1, 9))
    for some in (
        records,
        [*records[:2], records[3]],
        [records[0], deployment(at(1, 1), decision="deployed"), records[3]],
    ):
        (item,) = find_deployments(stored(*some, revert_record, deployment(at(2), commit=OTHER)))[:1]
        assert (item.state, item.harmed_by in item.ids, item.time.hour, item.onset.hour) == ("live", True, 1, 1)
        assert (item.restored and item.restored.hour, [r.decision for r in item.decisions]) == (
            3,
            [*(r.decision for r in some[:2])],
        )
    again = [deployment(at(3), command="promote", decision="complete")]
    assert states(*records, *again) == [("live", True), ("live", False)]


def test_what_is_live_depends_on_whether_ends_are_reported() -> None:
    """Without any report, allowed is live; with reports, one without is pending. A refusal reached nobody."""
    assert states(deployment(at(1))) == [("live", False)]
    other = (deployment(at(2), commit=OTHER), deployment(at(2, 1), commit=OTHER, decision="deployed"))
    assert states(deployment(at(1)), *other) == [("pending", False), ("live", False)]
    assert states(deployment(at(1), decision="refused", outcome=Outcome.FAIL)) == [("refused", False)]


def test_reverts_and_quarantines_harm_the_newest_live_deployment() -> None:
    """Not an older one of the same commit, and not one of another environment; a refusal's quarantine is no harm."""
    twice = (deployment(at(1)), deployment(at(3)))
    assert states(*twice, revert(at(4))) == [("live", False), ("live", True)]
    assert states(deployment(at(1)), revert(at(4), environment="staging")) == [("live", False)]
    assert states(deployment(at(1)), revert(at(4), commit=OTHER, reverted=(COMMIT,))) == [("live", True)]
    refused = deployment(at(2), decision="refused")
    assert states(deployment(at(1)), refused, quarantine(at(2))) == [("live", False), ("refused", False)]


def test_harm_ends_with_the_rollback_or_the_next_live_deployment() -> None:
    """Without one it lasts."""
    (lasting,) = find_deployments(stored(deployment(at(1)), revert(at(2))))
    assert (lasting.is_change_failure, lasting.restored) == (True, None)
    items = find_deployments(stored(deployment(at(1)), revert(at(2)), deployment(at(3), commit=OTHER)))
    assert (items[0].restored, items[1].restored) == (items[1].time, None)
    (rolled,) = find_deployments(stored(deployment(at(1), command="promote", decision="rollback")))
    assert rolled.restored == rolled.time
