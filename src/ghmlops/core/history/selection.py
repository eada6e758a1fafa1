"""What follows from the records: filters, quarantine, caps, other services, and outcomes that are due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import (
    OUTCOME_DAYS,
    ConfirmationRecord,
    DeploymentRecord,
    OutcomeRecord,
    QuarantineRecord,
    RevertRecord,
    ScaleRecord,
    record_time,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.core.history.reading import Stored

LIVE = ("allowed", "complete")
"""Decisions after which a deployment serves."""


class Filter(NamedTuple):
    """Which records are selected; an empty field selects all."""

    service: str = ""
    environment: str = ""
    since: datetime | None = None
    decision: str = ""


def decision_of(stored: Stored) -> str:
    """Return what a record decided, in one word."""
    match stored.record:
        case DeploymentRecord(decision=decision):
            return decision
        case QuarantineRecord(lifted=lifted):
            return "lifted" if lifted else "quarantined"
        case RevertRecord(state=state) | OutcomeRecord(state=state):
            return state
        case ConfirmationRecord() as record:
            return "confirmed" if record.is_confirmed else "not-confirmed"
        case ScaleRecord(applied=applied):
            return "scaled" if applied else "planned"
    raise TypeError(type(stored.record))


def select(records: Sequence[Stored], condition: Filter) -> list[Stored]:
    """Return the records that meet a filter, in their order."""
    return [
        stored
        for stored in records
        if condition.service in ("", stored.record.service)
        and condition.environment in ("", stored.record.environment)
        and (condition.since is None or record_time(stored.record) >= condition.since)
        and condition.decision in ("", decision_of(stored))
    ]


def recent_effects(records: Sequence[Stored], service: str, commit: str, count: int) -> tuple[DeploymentRecord, ...]:
    """Return the newest decisions of the gate about a service that have measured changes, oldest first.

    Of several about one commit (environments, repetitions) the newest counts; those about `commit` itself do not.
    """
    newest: dict[str, DeploymentRecord] = {}
    for stored in reversed(records):
        record = stored.record
        is_decision = isinstance(record, DeploymentRecord) and record.command == "gate" and bool(record.effects)
        if isinstance(record, DeploymentRecord) and is_decision and record.service == service != "":
            newest.setdefault(record.commit, record)
    newest.pop(commit, None)
    return tuple(reversed(list(newest.values())[:count]))


def quarantine_of(records: Sequence[Stored], service: str, environment: str, commit: str) -> Stored | None:
    """Return the record that keeps a commit in quarantine; `None` if there is none, or a newer one lifted it."""
    newest = None
    for stored in records:
        record = stored.record
        subject = (record.service, record.environment, record.commit)
        if isinstance(record, QuarantineRecord) and subject == (service, environment, commit):
            newest = stored
    return None if newest is None or decision_of(newest) == "lifted" else newest


def count_actions(records: Sequence[Stored], service: str, environment: str, since: datetime) -> int:
    """Return how often traffic was rolled back or a commit reverted, for a cap on automatic actions."""
    selected = select(records, Filter(service=service, environment=environment, since=since))
    return sum(
        (isinstance(stored.record, DeploymentRecord) and stored.record.decision == "rollback")
        or (isinstance(stored.record, RevertRecord) and stored.record.state in ("reverted", "partly-reverted"))
        for stored in selected
    )


def former_services(records: Sequence[Stored], service: str) -> dict[str, int]:
    """Return the services that may be former names of `service`, with the number of their records.

    One that has no record since the first of `service` may have been renamed. Services that go on are neighbours in the
    same repository.
    """
    own = [record_time(stored.record) for stored in records if stored.record.service == service]
    others: dict[str, list[datetime]] = {}
    for stored in records:
        if stored.record.service != service:
            others.setdefault(stored.record.service, []).append(record_time(stored.record))
    return {name: len(times) for name, times in sorted(others.items()) if not own or max(times) < min(own)}


def due_outcomes(records: Sequence[Stored], now: datetime) -> list[OutcomeRecord]:
    """Return the outcome of each deployment that is older than `OUTCOME_DAYS` and has none yet.

    The first later record about the same service and environment that ended it decides: a rollback or quarantine of the
    commit, a revert of it, or the deployment of another commit. Without one it was kept.
    """
    period = timedelta(days=OUTCOME_DAYS)
    recorded = {stored.record.of for stored in records if isinstance(stored.record, OutcomeRecord)}
    outcomes = []
    for index, stored in enumerate(records):
        record = stored.record
        if not isinstance(record, DeploymentRecord) or record.decision not in LIVE or stored.id in recorded:
            continue
        start = record_time(record)
        if start + period > now:
            continue
        state, by, end = "kept", "", start + period
        for later in records[index + 1 :]:
            if record_time(later.record) > start + period:
                break
            if ending := _ended_by(record, later):
                state, by, end = ending, later.id, record_time(later.record)
                break
        outcomes.append(
            OutcomeRecord(
                time=(start + period).isoformat(timespec="seconds"),
                repository=record.repository,
                service=record.service,
                environment=record.environment,
                commit=record.commit,
                of=stored.id,
                state=state,
                by=by,
                hours=round((end - start) / timedelta(hours=1), 2),
            )
        )
    return outcomes


def _ended_by(record: DeploymentRecord, later: Stored) -> str:
    """Return how a later record ended a deployment; empty if it did not."""
    other = later.record
    if (other.service, other.environment) != (record.service, record.environment):
        return ""
    same = other.commit == record.commit
    match other:
        case DeploymentRecord(decision="rollback") if same:
            return "rolled-back"
        case QuarantineRecord(lifted=False) if same:
            return "quarantined"
        case RevertRecord(state="reverted" | "partly-reverted") if same or record.commit in other.reverted:
            return "reverted"
        case DeploymentRecord() if not same and other.decision in LIVE:
            return "replaced"
    return ""
