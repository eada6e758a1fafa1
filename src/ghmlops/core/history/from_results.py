"""Records from what commands leave: a verdict, a promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET, UnsetType

from ghmlops.core.history.record import DeploymentRecord, Effect, EvidenceDigest, QuarantineRecord, WatchState
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import decide

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.promotion.record import PromotionRecord

MAX_EFFECTS = 40
"""Measured changes of a record: it stays small, and the evidence has all of them."""
_FAILURES = {"refused": "the gate failed", "failed": "the deployment failed"}
_OUTCOMES = {"complete": Outcome.PASS, "rollback": Outcome.FAIL}


class Origin(NamedTuple):
    """The run that leaves a record."""

    time: str
    """Time of the decision, ISO 8601 (UTC)."""
    repository: str
    run_id: str = ""
    run_attempt: int = 0
    run_url: str = ""
    person: str = ""


def from_verdict(
    verdict: Verdict, origin: Origin, *, allowed: bool, digest: str = "", watch: WatchState | UnsetType = UNSET
) -> DeploymentRecord:
    """Return the record of a decision of the gate.

    Args:
        verdict: The verdict.
        origin: The run of the gate.
        allowed: Whether the gate allowed the deployment.
        digest: Digest of the verdict without its time.
        watch: The schedule of `watch` that the gate saw.
    """
    overall = [f for f in verdict.findings if f.change is not None and not f.slice and f.window is None]
    return DeploymentRecord(
        **origin._asdict(),
        service=verdict.service,
        environment=verdict.environment,
        commit=verdict.commit,
        command="gate",
        decision=decide(verdict.outcome, passed=allowed),
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason[:1000],
        base_sha=verdict.base_sha,
        override=verdict.override,
        verdict_sha256=digest,
        lifts_quarantine=allowed and any(finding.id == "commit-quarantined" for finding in verdict.findings),
        evidence=tuple(
            EvidenceDigest(file=f.file, sha256=f.sha256, command=f.command, leg=f.leg, outcome=f.outcome)
            for f in verdict.evidence
        ),
        effects=tuple(
            Effect(
                metric=f.metric,
                dataset=f.dataset,
                unit=f.unit,
                baseline=f.baseline,
                candidate=f.candidate,
                estimate=f.change.estimate,
                low=f.change.low,
                high=f.change.high,
                outcome=f.outcome,
            )
            for f in overall[:MAX_EFFECTS]
            if f.change is not None
        ),
        watch=watch,
    )


class Finished(NamedTuple):
    """A deployment that was carried out, or failed."""

    service: str
    environment: str
    commit: str
    reason: str


def from_finish(finished: Finished, origin: Origin, *, succeeded: bool) -> DeploymentRecord:
    """Return the record of what became of a deployment that the gate had allowed.

    Args:
        finished: The deployment.
        origin: The run of `gate --finish`.
        succeeded: Whether it is live.
    """
    return DeploymentRecord(
        **origin._asdict(),
        **finished._asdict(),
        command="gate",
        decision="deployed" if succeeded else "failed",
        outcome=Outcome.PASS if succeeded else Outcome.FAIL,
        reason_code=f"finished-{'success' if succeeded else 'failure'}",
    )


def quarantine_by_gate(record: DeploymentRecord) -> QuarantineRecord | None:
    """Return the quarantine that a decision of the gate begins or ends; `None` if it does neither.

    A failure at the gate or in the deployment begins it, and an override by a person ends it. In force is what the
    deployments on GitHub say; this is the copy in the history.
    """
    failed = record.outcome is Outcome.FAIL and record.decision in ("refused", "failed")
    begins = record.command == "gate" and failed
    if not begins and not record.lifts_quarantine:
        return None
    return QuarantineRecord(
        time=record.time,
        repository=record.repository,
        service=record.service,
        environment=record.environment,
        commit=record.commit,
        run_id=record.run_id,
        run_attempt=record.run_attempt,
        run_url=record.run_url,
        person=record.person,
        reason=(
            f"{_FAILURES[record.decision]}: {record.reason}" if begins else f"lifted by an override: {record.override}"
        )[:1000],
        lifted=not begins,
    )


def from_promotion(promotion: PromotionRecord, origin: Origin) -> tuple[DeploymentRecord | QuarantineRecord, ...]:
    """Return the record of a promotion and, after a rollback, the quarantine of its commit.

    The time is that of its last rung, or of the end of its rollback, so that the same promotion gives the same record
    whenever it is appended.

    Args:
        promotion: What `promote` wrote.
        origin: The run that promoted; its time counts if no rung was entered.
    """
    time = promotion.rungs[-1].since if promotion.rungs else origin.time
    if promotion.decision == "rollback":
        time = promotion.end_time or time
    person = promotion.person or origin.person  # a job that is repeated may be started by somebody else
    own = origin._replace(time=time, run_url=promotion.run_url or origin.run_url, person=person)
    deployment = DeploymentRecord(
        **own._asdict(),
        service=promotion.service,
        environment=promotion.environment,
        commit=promotion.commit,
        command="promote",
        decision=promotion.decision,
        outcome=_OUTCOMES.get(promotion.decision, Outcome.INCONCLUSIVE),
        reason_code=promotion.reason_code,
        reason=promotion.reason[:1000],
        base_sha=promotion.base_sha,
        override=promotion.override[:1000],
        rungs=promotion.rungs,
        harmed_requests=sum(rung.errors.get("candidate", 0) for rung in promotion.rungs),
    )
    if promotion.decision != "rollback":
        return (deployment,)
    quarantine = QuarantineRecord(
        **own._asdict(),
        service=promotion.service,
        environment=promotion.environment,
        commit=promotion.commit,
        reason=f"promotion rolled back: {promotion.reason}"[:1000],
    )
    return deployment, quarantine
