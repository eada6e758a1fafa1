"""Deployments from records: which decisions belong together, what became of each, and what ended its harm."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ghmlops.core.history.record import DeploymentRecord, QuarantineRecord, RevertRecord, record_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.history.reading import Stored

State = Literal["live", "failed", "refused", "pending"]
SUCCEEDED, FAILED = ("deployed", "complete"), ("failed", "rollback")
FINAL = (*SUCCEEDED, *FAILED, "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One attempt to bring a commit to users.

    Attributes:
        service: its service.
        environment: its environment.
        commit: full SHA of the commit.
        ids: ids of its records.
        records: decisions of the gate and of the promotion, in the order of time.
        state: `live`, also if it was undone later; `failed` if it was rolled back, or its deployment failed, before it
            had all traffic; `refused` by the gate, so that no user saw it; `pending` if nothing shows how it went on.
        harmed_by: id of the later record that rolled back, reverted or quarantined it while it was live; empty without
            one.
        onset: time from which users could be harmed: the first rung, or the time at which it was live or failed.
        restored: time at which users were served well again; `None` if they still are not, or never were harmed.
    """

    service: str
    environment: str
    commit: str
    ids: tuple[str, ...]
    records: tuple[DeploymentRecord, ...]
    state: State
    harmed_by: str = ""
    onset: datetime
    restored: datetime | None = None

    @property
    def time(self) -> datetime:
        """Time at which it was decided: live, failed or refused."""
        last = SUCCEEDED if self.state == "live" else FAILED if self.state == "failed" else ()
        decisive = (record for record in self.records if record.decision in last)
        return record_time(next(decisive, self.records[0]))

    @property
    def is_change_failure(self) -> bool:
        """Whether it harmed users, or had to be undone."""
        return self.state == "failed" or bool(self.harmed_by)

    @property
    def is_rollback(self) -> bool:
        """Whether a promotion rolled it back, on its way or after it was live."""
        return self.rolled_back is not None

    @property
    def rolled_back(self) -> datetime | None:
        """Time at which all traffic had returned; `None` if it was not rolled back."""
        return next((record_time(record) for record in self.records if record.decision == "rollback"), None)

    @property
    def decisions(self) -> tuple[DeploymentRecord, ...]:
        """The records up to the one that made it live; all if none did."""
        ends = (index for index, record in enumerate(self.records, 1) if record.decision in SUCCEEDED)
        return self.records[: next(ends, len(self.records))]


def find_deployments(records: Sequence[Stored]) -> list[Deployment]:
    """Return the deployments of records, in the order of their first decision.

    Decisions about one commit, service and environment belong together until one is final; a further decision of the
    gate, or another promotion, then begins another deployment. A rollback of what is live does not: it ends that
    deployment. If nobody reports how deployments of an environment end, those that the gate allowed count as live.
    """
    groups = _group(records)
    reported = {key[:2] for key, group in groups if any(_of(item).decision in (*SUCCEEDED, *FAILED) for item in group)}
    deployments = [_deployment(key, group, reports=key[:2] in reported) for key, group in groups]
    deployments.sort(key=lambda item: (item.time, item.ids))
    return _with_restoration(_with_harm(deployments, records), records)


_Key = tuple[str, str, str]


def _of(stored: Stored) -> DeploymentRecord:
    assert isinstance(stored.record, DeploymentRecord)  # noqa: S101  (narrows the type; `_group` selects them)
    return stored.record


def _group(records: Sequence[Stored]) -> list[tuple[_Key, list[Stored]]]:
    groups: list[tuple[_Key, list[Stored]]] = []
    newest: dict[_Key, list[Stored]] = {}
    for stored in records:
        record = stored.record
        if not isinstance(record, DeploymentRecord):
            continue
        key = (record.service, record.environment, record.commit)
        group = newest.get(key)
        if group is None or _begins(record, _of(group[-1])):
            newest[key] = group = []
            groups.append((key, group))
        group.append(stored)
    return groups


def _begins(record: DeploymentRecord, before: DeploymentRecord) -> bool:
    """Return whether a record begins another deployment of the same commit."""
    if record.command == "gate":
        again = before.decision in FINAL or before.decision == "allowed"
        return record.decision in ("allowed", "hold", "refused") and again
    ends_it = before.decision in SUCCEEDED and record.decision in ("hold", "rollback")
    return before.command == "promote" and before.decision in FINAL and not ends_it


def _deployment(key: _Key, group: Sequence[Stored], *, reports: bool) -> Deployment:
    own = [_of(stored) for stored in group]
    decisions = {record.decision for record in own}
    end = next((record.decision for record in own if record.decision in (*SUCCEEDED, *FAILED)), "")
    state: State = "pending"
    if end in FAILED:
        state = "failed"
    elif end or ("allowed" in decisions and not reports):
        state = "live"
    elif "refused" in decisions:
        state = "refused"
    undone = (stored.id for stored in group if _of(stored).decision in FAILED)
    first = next((r for r in own if r.rungs), None) or next((r for r in own if r.decision in FINAL), own[0])
    return Deployment(
        service=key[0],
        environment=key[1],
        commit=key[2],
        ids=tuple(stored.id for stored in group),
        records=tuple(own),
        state=state,
        harmed_by=next(undone, "") if state == "live" else "",
        onset=_first_rung(first) or record_time(first),
    )


def _first_rung(record: DeploymentRecord) -> datetime | None:
    try:
        time = datetime.fromisoformat(record.rungs[0].since) if record.rungs else None
        return time.astimezone(UTC) if time and time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _with_harm(deployments: Sequence[Deployment], records: Sequence[Stored]) -> list[Deployment]:
    """Return the deployments with the record that undid each: the newest live one of the commit is meant.

    A rollback of its own comes first, because it ended the harm.

    A quarantine that a decision of the gate or a promotion begins is the same event as that decision.
    """
    decisions = {(r.run_id, r.time, r.commit) for item in deployments for r in item.records}
    live: dict[_Key, list[int]] = {}
    for index, item in enumerate(deployments):
        if item.state == "live":
            live.setdefault((item.service, item.environment, item.commit), []).append(index)
    harmed: dict[int, str] = {}
    for stored in records:
        record = stored.record
        commits: set[str] = set()
        if isinstance(record, RevertRecord) and record.state in ("reverted", "partly-reverted"):
            commits = {record.commit, *record.reverted}
        elif isinstance(record, QuarantineRecord) and not record.lifted:
            commits = set() if (record.run_id, record.time, record.commit) in decisions else {record.commit}
        for commit in commits:
            places = live.get((record.service, record.environment, commit), [])
            earlier = [index for index in places if deployments[index].time <= record_time(record)]
            if earlier:
                harmed.setdefault(earlier[-1], stored.id)
    return [replace(item, harmed_by=item.harmed_by or harmed.get(index, "")) for index, item in enumerate(deployments)]


def _with_restoration(deployments: Sequence[Deployment], records: Sequence[Stored]) -> list[Deployment]:
    """Return the deployments with the time at which the harm of each ended.

    A rollback ends it by itself. After a revert, a quarantine or a failed deployment, the next live one does.
    """
    times = {stored.id: record_time(stored.record) for stored in records}
    live: dict[tuple[str, str], list[datetime]] = {}
    for item in deployments:
        if item.state == "live":
            live.setdefault((item.service, item.environment), []).append(item.time)

    def restored(item: Deployment) -> datetime | None:
        if not item.is_change_failure:
            return None
        if item.rolled_back:
            return item.rolled_back
        following = live.get((item.service, item.environment), [])
        index = bisect_right(following, times.get(item.harmed_by, item.time))
        return following[index] if index < len(following) else None

    return [replace(item, restored=restored(item)) for item in deployments]
