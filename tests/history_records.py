"""Records of a history, for tests."""

from __future__ import annotations

from typing import Any

from ghmlops.core.history.place import record_id, record_path
from ghmlops.core.history.reading import Stored
from ghmlops.core.history.record import (
    AnyRecord,
    ConfirmationRecord,
    DeploymentRecord,
    QuarantineRecord,
    RevertRecord,
    ScaleRecord,
)
from ghmlops.core.model import Outcome

COMMIT, OTHER = "a" * 40, "b" * 40


def deployment(time: str = "2026-11-03T10:00:00+00:00", **fields: Any) -> DeploymentRecord:
    """Return a decision of the gate that allowed a deployment."""
    values: dict[str, Any] = {
        **_subject(time),
        "command": "gate",
        "decision": "allowed",
        "outcome": Outcome.PASS,
        "reason_code": "all-passed",
        "reason": "R.",
    }
    return DeploymentRecord(**{**values, **fields})


def quarantine(time: str, **fields: Any) -> QuarantineRecord:
    """Return a quarantine of `COMMIT`."""
    return QuarantineRecord(**{**_subject(time), "reason": "rolled back", **fields})


def revert(time: str, **fields: Any) -> RevertRecord:
    """Return a revert of `COMMIT`."""
    return RevertRecord(**{**_subject(time), "state": "reverted", "branch": "main", **fields})


def confirmation(time: str, **fields: Any) -> ConfirmationRecord:
    """Return a paired verdict that confirms a failure of `COMMIT` against `OTHER`."""
    values: dict[str, Any] = {
        **_subject(time),
        "request": "0" * 20,
        "alarm": "p95@2026-11-03T11:00:00Z",
        "base_sha": OTHER,
        "outcome": Outcome.FAIL,
        "reason_code": "latency-p95",
        "reason": "R.",
        "confirmed": ("latency:latency-p95",),
    }
    return ConfirmationRecord(**{**values, **fields})


def scaled(time: str, before: int | None, replicas: int, **fields: Any) -> ScaleRecord:
    """Return a change of replicas, which was set."""
    values: dict[str, Any] = {
        **_subject(time),
        "before": before,
        "replicas": replicas,
        "applied": True,
        "step": "up",
        "reason": f"the demand needs {replicas}",
        "demand": 90.0 * replicas,
        "capacity": 100.0 * replicas,
    }
    return ScaleRecord(**{**values, **fields})


def stored(*records: AnyRecord) -> list[Stored]:
    """Return records as a reader returns them."""
    return [Stored(record_id(record), record_path(record), record) for record in records]


def _subject(time: str) -> dict[str, Any]:
    return {
        "time": time,
        "repository": "acme/shop",
        "service": "shop",
        "environment": "production",
        "commit": COMMIT,
        "run_id": "41",
        "run_attempt": 1,
    }
