"""Where an incident stands by the history: what was live before it, what undid it, and what a person decided. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.history.deployments import FAILED
from ghmlops.core.history.record import ConfirmationRecord, DeploymentRecord, QuarantineRecord, record_time
from ghmlops.core.history.selection import LIVE
from ghmlops.core.incidents.accuracy import undoing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ghmlops.core.history.reading import Stored
    from ghmlops.core.watch.cause import Deployed
    from ghmlops.core.watch.incident import Incident


class State(StrEnum):
    """Where an incident stands."""

    UNUSABLE = "data-unusable"
    EXTERNAL = "external"
    UNRECORDED = "unrecorded"
    OFF = "reported"
    NO_BASE = "no-last-good"
    SUPERSEDED = "superseded"
    PERSON = "person-decided"
    CONFIRM = "confirm"
    CONFIRMING = "confirming"
    NO_VERDICT = "no-verdict"
    NOT_CONFIRMED = "not-confirmed"
    FROZEN = "frozen"
    CAPPED = "capped"
    PACED = "paced"
    PROPOSED = "proposed"
    ACT = "act"
    ACTING = "acting"
    ACT_FAILED = "act-failed"
    UNDONE = "undone"


def last_good(records: Sequence[Stored], commit: str) -> str:
    """Return the newest commit that was live before the newest deployment of a commit and was not undone; or empty."""
    undone = {sha for stored in records for sha in _bad(stored)}
    result = ""
    live: list[str] = []
    for stored in records:
        if _is_live(stored, commit):
            result = next((sha for sha in reversed(live) if sha != commit and sha not in undone), "")
        _update(live, stored)
    return result


def _update(live: list[str], stored: Stored) -> None:
    """Bring the commits that serve, or would again if the newer ones did not, up to date with the next record.

    The newest is the last. One that was rolled back, or whose deployment failed, leaves the traffic to the one before.
    """
    record = stored.record
    if not isinstance(record, DeploymentRecord) or record.decision not in (*LIVE, *FAILED):
        return
    if record.commit in live:
        live.remove(record.commit)
    if record.decision in LIVE:
        live.append(record.commit)


def _bad(stored: Stored) -> tuple[str, ...]:
    record = stored.record
    if isinstance(record, QuarantineRecord) and not record.lifted:
        return (record.commit,)
    return undoing(record)


def standing_of(
    incident: Incident, records: Sequence[Stored], relands: Collection[str] = ()
) -> tuple[State, str] | None:
    """Return whether the deployment was undone, replaced or accepted already, or has nothing to return to.

    Args:
        incident: The incident.
        records: Records of the service and environment in the order of time.
        relands: Deployments that brought back what was reverted before.
    """
    checks = (_undone, _replaced, _by_person)
    if (standing := next(filter(None, (check(incident, records) for check in checks)), None)) is not None:
        return standing
    if incident.commit in relands:
        return (State.PERSON, "A person reverted the revert that undid this change before.")
    return None


def replaced_elsewhere(
    incident: Incident, records: Sequence[Stored], unrecorded: Sequence[Deployed]
) -> tuple[State, str] | None:
    """Return whether a deployment that only GitHub knows has replaced that of an incident.

    Args:
        incident: The incident.
        records: Records of the service and environment in the order of time.
        unrecorded: Live deployments that the history does not know, in the order of time.
    """
    live = max(
        (record_time(stored.record).timestamp() for stored in records if _is_live(stored, incident.commit)),
        default=float(incident.onset),
    )
    newer = next((d for d in reversed(unrecorded) if d.time > live and d.commit != incident.commit), None)
    if newer is None:
        return None
    return (State.SUPERSEDED, f"The deployment of {newer.commit[:12]}, which only GitHub knows, has replaced it.")


def _undone(incident: Incident, records: Sequence[Stored]) -> tuple[State, str] | None:
    since = _deployed_at(incident, records)
    for stored in records:
        if incident.commit in undoing(stored.record) and record_time(stored.record) >= since:
            relanded = any(
                _is_live(later, incident.commit) and record_time(later.record) > record_time(stored.record)
                for later in records
            )
            if relanded:
                return (State.PERSON, "The commit was deployed again after it was undone.")
            return (State.UNDONE, "The deployment was undone; the alarm ends when the metric is back.")
    return None


def _replaced(incident: Incident, records: Sequence[Stored]) -> tuple[State, str] | None:
    serving: list[str] = []
    for stored in records:
        _update(serving, stored)
    newest = serving[-1] if serving else ""
    if newest == incident.commit:
        return None
    if incident.commit not in serving and any(_is_live(stored, incident.commit) for stored in records):
        return (State.UNDONE, "The deployment failed; the alarm ends when the metric is back.")
    reason = f"The deployment of {newest[:12]} has replaced it, and is not the one that precedes the alarm."
    return (State.SUPERSEDED, reason)


def _deployed_at(incident: Incident, records: Sequence[Stored]) -> datetime:
    times = [record_time(stored.record) for stored in records if _is_live(stored, incident.commit)]
    return min(times, default=datetime.fromtimestamp(incident.onset, UTC))


def _is_live(stored: Stored, commit: str = "") -> bool:
    record = stored.record
    return isinstance(record, DeploymentRecord) and record.decision in LIVE and commit in ("", record.commit)


def _by_person(incident: Incident, records: Sequence[Stored]) -> tuple[State, str] | None:
    """Return whether a person decided that this commit serves, or whether there is nothing to decide between."""
    if not incident.base:
        return (State.NO_BASE, "The history has no earlier good deployment to compare with.")
    live = [stored.record.commit for stored in records if _is_live(stored)]
    since_first = live[live.index(incident.commit) :]
    until_last = since_first[: len(since_first) - since_first[::-1].index(incident.commit)]
    if others := [sha for sha in until_last if sha != incident.commit]:
        reason = f"The commit was live before, and was deployed again in place of {others[-1][:12]}."
        return (State.PERSON, reason)
    for stored in records:
        record = stored.record
        if record.commit != incident.commit:
            continue
        if isinstance(record, DeploymentRecord) and (record.override or record.lifts_quarantine):
            return (State.PERSON, "A person overrode the verdict about this commit.")
        if isinstance(record, QuarantineRecord) and record.lifted:
            return (State.PERSON, "A person lifted the quarantine of this commit.")
    return None


def verdict_of(incident: Incident, records: Sequence[Stored]) -> ConfirmationRecord | None:
    """Return the newest paired verdict about the two commits of an incident."""
    for stored in reversed(records):
        record = stored.record
        if isinstance(record, ConfirmationRecord) and (record.commit, record.base_sha) == (
            incident.commit,
            incident.base,
        ):
            return record
    return None
