"""The record of a promotion: what was decided at each rung, on how many requests."""

from __future__ import annotations

from typing import Literal

from ghmlops.core.model import Frozen
from ghmlops.core.promotion.weights import Shares

Decision = Literal["running", "complete", "hold", "rollback"]


class MetricRecord(Frozen, frozen=True, kw_only=True):
    """What the values of a metric showed in one rung.

    Attributes:
        name: Name of the metric.
        judged: Whether it decided; not with `dry-run`.
        state: `pass`, `fail`, `environment` or `undecided`.
        values: Intervals with values of the arms that are compared.
        beyond: Of these, those in which the candidate was beyond its margin or limit.
        missing: Intervals without such values.
        candidate: Last value of the candidate.
        reference: Last value of the arm that it is compared with.
    """

    name: str
    judged: bool
    state: str
    values: int
    beyond: int
    missing: int = 0
    candidate: float | None = None
    reference: float | None = None


class RungRecord(Frozen, frozen=True, kw_only=True):
    """One rung.

    Attributes:
        share: Share of the candidate that the ladder asks for.
        shares: Shares as the router represents them.
        since: Time of the change, ISO 8601 (UTC).
        requests: Arm to its requests in this rung.
        errors: Arm to its failed requests in this rung.
        passed: Whether the rung passed.
        metrics: What its metrics showed.
    """

    share: float
    shares: Shares
    since: str
    requests: dict[str, int]
    errors: dict[str, int]
    passed: bool = False
    metrics: tuple[MetricRecord, ...] = ()


class PromotionRecord(Frozen, frozen=True, kw_only=True):
    """A promotion, written after every decision."""

    schema: int = 1
    commit: str
    environment: str
    service: str
    run_url: str
    rungs: tuple[RungRecord, ...] = ()
    decision: Decision = "running"
    reason_code: str = ""
    reason: str = ""
    shares: Shares
    """Shares at the end. A decision `rollback` with a share of the candidate is a rollback in progress."""
    held_since: str = ""
    """Since when the promotion waits for a person, ISO 8601 (UTC); empty unless the decision is `hold`."""
