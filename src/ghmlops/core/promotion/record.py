"""The record of a promotion: what was decided at each rung, on how many requests."""

from __future__ import annotations

from typing import Literal

import msgspec

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
        routed: Arm to the requests that the weights routed, if sessions are known: the first ones of sessions.
        by_header: Whether it is the rung before the ladder, in which only requests with a header reach the candidate.
    """

    share: float
    shares: Shares
    since: str
    requests: dict[str, int]
    errors: dict[str, int]
    passed: bool = False
    metrics: tuple[MetricRecord, ...] = ()
    routed: dict[str, int] = msgspec.field(default_factory=dict)
    by_header: bool = False


INCIDENTS = frozenset({"environment", "baseline-failing", "capacity-missing"})
"""Reason codes of holds that are incidents: all arms fail, or traffic could not return. They cannot wait for hours."""


class PromotionRecord(Frozen, frozen=True, kw_only=True):
    """A promotion, written after every decision."""

    schema: int = 1
    commit: str
    environment: str
    service: str
    run_url: str
    base_sha: str = ""
    """Commit that served before, by the deployments on GitHub; empty if it is not known."""
    override: str = ""
    """Reason and name of the person who overrode the gate for this commit, by the payload of its deployment; empty if
    nobody did, or if the `environment:` of a job created the deployment."""
    person: str = ""
    """Login of the person who started the run; empty outside of GitHub Actions."""
    rungs: tuple[RungRecord, ...] = ()
    decision: Decision = "running"
    reason_code: str = ""
    reason: str = ""
    shares: Shares
    """Shares at the end. A decision `rollback` with a share of the candidate is a rollback in progress."""
    end_time: str = ""
    """Time at which the promotion completed or all traffic had returned, ISO 8601 (UTC); empty before."""
    held_since: str = ""
    """Since when the promotion waits for a person, ISO 8601 (UTC); empty unless the decision is `hold`."""
    alerted: str = ""
    """Reason code of the hold or incident that people were alerted to; the runs that continue it do not repeat it."""
    sticky: bool = False
    """Whether sessions stay at an arm, so that the weights route only new ones."""
    not_measured: tuple[str, ...] = ()
    """What the sources of telemetry cannot show: one sentence each."""
    caveats: tuple[str, ...] = ()
    """What limits the verdict: one sentence each."""
    undone: tuple[str, ...] = ()
    """What had to follow the end and was not done, such as the quarantine of the commit: one sentence each."""
    incident: str = ""
    """Reason code of what still harms users after a rollback; the last of `caveats` describes it."""

    @property
    def event(self) -> Literal["hold", "rollback", "incident"] | None:
        """What people are alerted to; `None` if the promotion completed."""
        if self.incident or (self.decision == "hold" and self.reason_code in INCIDENTS):
            return "incident"
        return self.decision if self.decision in ("hold", "rollback") else None
