"""How often `watch` was right: its own false positives and negatives, from the history and what GitHub lists."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import (
    ConfirmationRecord,
    DeploymentRecord,
    QuarantineRecord,
    RevertRecord,
    record_time,
)
from ghmlops.core.history.selection import LIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from ghmlops.core.history.reading import Stored
    from ghmlops.core.history.record import AnyRecord
    from ghmlops.core.watch.cause import Deployed
    from ghmlops.core.watch.incident import EndedAlarm

ACTIONS = 20
"""Newest actions that count."""
MAX_FALSE = 0.05
"""Share of `ACTIONS` beyond which `watch` only proposes: the second false one of the last 20."""
RECOVERY = timedelta(days=1)
"""Time after a revert by a person within which the signal has to recover, so that the alarm was right."""


class Accuracy(NamedTuple):
    """Rollbacks and reverts that `watch` started, those of them that were undone, and those that it missed."""

    actions: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    @property
    def may_act(self) -> bool:
        """Whether few enough of the newest actions were wrong."""
        return self.false_positives <= MAX_FALSE * ACTIONS


def undoing(record: AnyRecord) -> tuple[str, ...]:
    """Return the commits that a record took from the users by a rollback or a revert."""
    match record:
        case DeploymentRecord(decision="rollback"):
            return (record.commit,)
        case RevertRecord(state="reverted" | "partly-reverted"):
            return tuple(dict.fromkeys((record.commit, *record.reverted)))
    return ()


def own_accuracy(
    records: Sequence[Stored],
    alarms: Sequence[EndedAlarm] = (),
    relanded: Collection[str] = (),
    redeployed: Iterable[Deployed] = (),
) -> Accuracy:
    """Return the accuracy over the newest actions.

    An action is a rollback or revert of a commit whose failure was confirmed for an alarm before. It was wrong if the
    same commit was deployed again and not undone again (by a record, or by GitHub alone: `redeployed`), or if a person
    reverted the revert (`relanded`). Missed was
    what a person undid without a confirmation, so that the alarm about it ended.

    Args:
        records: Records of one service and environment, in the order of time.
        alarms: Alarms that ended.
        relanded: Full SHAs of reverts that were reverted themselves.
        redeployed: Live deployments of commits of the history that only GitHub knows.
    """
    confirmed: set[str] = set()
    undone: dict[str, float] = {}
    false: dict[str, bool] = {}
    missed = 0
    for stored in records:
        record = stored.record
        if isinstance(record, ConfirmationRecord) and record.is_confirmed:
            confirmed.add(record.commit)
        for commit in undoing(record):
            if commit not in confirmed:
                missed += any(_is_recovery(alarm, commit, record_time(record)) for alarm in alarms)
                continue
            undone[commit] = record_time(record).timestamp()
            false[commit] = isinstance(record, RevertRecord) and record.revert_sha in relanded
        if isinstance(record, DeploymentRecord) and record.decision in LIVE and record.commit in undone:
            false[record.commit] = True
        if isinstance(record, QuarantineRecord) and record.lifted and record.commit in undone:
            false[record.commit] = True
    false |= {d.commit: True for d in redeployed if d.commit in undone and d.time > undone[d.commit]}
    newest = list(false.values())[-ACTIONS:]
    return Accuracy(len(newest), sum(newest), missed)


def _is_recovery(alarm: EndedAlarm, commit: str, time: datetime) -> bool:
    return alarm.commit == commit and alarm.onset <= time <= alarm.end <= time + RECOVERY
