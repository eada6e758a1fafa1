"""The four keys of software delivery (DORA), and how often the suite itself was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.history.deployments import Deployment

HOUR = timedelta(hours=1)


class Keys(NamedTuple):
    """The four keys of a period; a number is `None` if nothing was measured."""

    live: int
    """Deployments that reached users and stayed."""
    per_week: float | None
    """Deployment frequency: live deployments per week of the period."""
    lead_hours: float | None
    """Lead time for changes: median hours from the commit to the time at which it was live."""
    without_commit_time: int
    """Live deployments whose lead time is unknown."""
    failures: int
    """Deployments that were rolled back, failed, or were reverted or quarantined later."""
    failure_rate: float | None
    """Change failure rate: failures per deployment that users could have seen."""
    restore_hours: float | None
    """Time to restore: median hours from the onset to the end of the harm."""
    not_restored: int
    """Failures without an end so far."""


def delivery_keys(deployments: Sequence[Deployment], since: datetime, until: datetime) -> Keys:
    """Return the four keys of the deployments that were decided in a period.

    Args:
        deployments: The deployments of one service and environment.
        since: Start of the period; it belongs to the period.
        until: End of the period; it does not belong to it.
    """
    inside = [item for item in deployments if since <= item.time < until]
    live = [item for item in inside if item.state == "live"]
    visible = [item for item in inside if item.state in ("live", "failed")]
    failures = [item for item in visible if item.is_change_failure]
    lead = [hours for item in live if (hours := _lead_hours(item)) is not None]
    restore = [(item.restored - item.onset) / HOUR for item in failures if item.restored is not None]
    weeks = (until - since) / timedelta(weeks=1)
    return Keys(
        live=len(live),
        per_week=len(live) / weeks if weeks > 0 else None,
        lead_hours=median(lead) if lead else None,
        without_commit_time=len(live) - len(lead),
        failures=len(failures),
        failure_rate=len(failures) / len(visible) if visible else None,
        restore_hours=median(restore) if restore else None,
        not_restored=sum(item.restored is None for item in failures),
    )


def _lead_hours(item: Deployment) -> float | None:
    """Return the hours from the commit to the live deployment; `None` if the time of the commit is unknown or later."""
    for record in item.records:
        try:
            committed = datetime.fromisoformat(record.committed) if record.committed else None
            hours = (item.time - committed.astimezone(UTC)) / HOUR if committed and committed.tzinfo else None
        except (ValueError, OverflowError):
            hours = None
        if hours is not None and hours >= 0:
            return hours
    return None


class Accuracy(NamedTuple):
    """How often the suite was wrong, as far as the history shows."""

    actions: tuple[Deployment, ...]
    """Refusals with the outcome fail, rollbacks, and deployments that were undone."""
    false_positives: tuple[Deployment, ...]
    """Those whose commit went live later without a change, and stayed."""
    passed: tuple[Deployment, ...]
    """Live deployments that the suite had passed."""
    false_negatives: tuple[Deployment, ...]
    """Those that were reverted or quarantined afterwards."""


def accuracy(deployments: Sequence[Deployment]) -> Accuracy:
    """Return false positives (relanded unmodified) and false negatives (passed, then undone)."""
    last_live: dict[tuple[str, str, str], datetime] = {}
    for item in deployments:
        if item.state == "live" and not item.harmed_by:
            last_live[_key(item)] = max(item.time, last_live.get(_key(item), item.time))
    acted = [item for item in deployments if _is_action(item)]
    passed = [
        item
        for item in deployments
        if item.state == "live" and all(r.outcome in (Outcome.PASS, Outcome.WARN) for r in item.decisions)
    ]
    return Accuracy(
        actions=tuple(acted),
        false_positives=tuple(item for item in acted if _key(item) in last_live and last_live[_key(item)] > item.time),
        passed=tuple(passed),
        false_negatives=tuple(item for item in passed if item.harmed_by),
    )


def _key(item: Deployment) -> tuple[str, str, str]:
    return item.service, item.environment, item.commit


def _is_action(item: Deployment) -> bool:
    refused = item.state == "refused" and any(record.outcome is Outcome.FAIL for record in item.records)
    return refused or item.is_rollback or bool(item.harmed_by)
