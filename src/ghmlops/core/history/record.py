"""The records of the history: one file each, written once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from ghmlops.core.history.hypothesis import Hypothesis
from ghmlops.core.model import Frozen, Outcome
from ghmlops.core.promotion.record import RungRecord

BRANCH = "ghmlops-history"
"""Default name of the branch that contains the history."""
OUTCOME_DAYS = 7
"""Days after a deployment at which its outcome is recorded."""


class Record(Frozen, frozen=True, kw_only=True, tag_field="kind"):
    """What all records have in common.

    Attributes:
        time: Time of the event, ISO 8601 (UTC).
        repository: `owner/name`.
        service: Service of the policy.
        environment: Environment of the event.
        commit: Full SHA of the commit that the event is about.
        run_id: Workflow run; may be empty.
        run_attempt: Attempt of the run; 0 if unknown.
        run_url: Address of the run; may be empty.
        person: Login of the person who started the run; may be empty.
    """

    schema: int = 1
    time: str
    repository: str
    service: str
    environment: str
    commit: str
    run_id: str = ""
    run_attempt: int = 0
    run_url: str = ""
    person: str = ""


class EvidenceDigest(Frozen, frozen=True, kw_only=True):
    """One evidence file of a decision, and the outcome that it counted as."""

    file: str
    sha256: str
    command: str = ""
    leg: str = ""
    outcome: Outcome


class Effect(Frozen, frozen=True, kw_only=True):
    """A measured change of a metric, over all rows, with its interval in `unit`, and the values of both arms."""

    metric: str
    dataset: str = ""
    unit: str = ""
    baseline: float | None = None
    candidate: float | None = None
    estimate: float | None
    low: float | None = None
    high: float | None = None
    outcome: Outcome


class WatchState(Frozen, frozen=True, kw_only=True):
    """The schedule of `watch`, as the writer of a record saw it on GitHub."""

    workflow: str
    """File name of the workflow that runs it."""
    newest: str = ""
    """Start of its newest successful run, ISO 8601 (UTC); empty if there was none."""


class DeploymentRecord(Record, frozen=True, kw_only=True, tag="deployment"):
    """A decision about a deployment, by `gate` or `promote`.

    Attributes:
        command: `gate` or `promote`.
        decision: `allowed`, `hold` or `refused` by the gate, and `deployed` or `failed` once the deployment was carried
            out; `complete`, `hold`, `rollback` or `running` of a promotion.
        outcome: The verdict.
        reason_code: Its reason code.
        reason: Its reason in one sentence.
        base_sha: Commit of the comparison; empty without one.
        committed: Time of the commit, ISO 8601 (UTC); empty if the writer did not have the commit.
        override: Reason of the person who overrode the verdict; empty if nobody did.
        verdict_sha256: Digest of the verdict without its time; empty for a promotion.
        lifts_quarantine: Whether the override ended a quarantine of the commit.
        hypothesis: What the pull request expects.
        pull_request: Its number.
        evidence: Digests of the evidence.
        effects: Measured changes.
        rungs: Rungs of a promotion, with their requests and shares.
        harmed_requests: Failed requests of the candidate during a promotion; `None` if they were not counted.
        watch: The schedule of `watch`; absent if the policy names none, or if GitHub did not list its runs.
    """

    command: str
    decision: str
    outcome: Outcome
    reason_code: str
    reason: str
    base_sha: str = ""
    committed: str = ""
    override: str = ""
    verdict_sha256: str = ""
    lifts_quarantine: bool = False
    hypothesis: tuple[Hypothesis, ...] = ()
    pull_request: int | None = None
    evidence: tuple[EvidenceDigest, ...] = ()
    effects: tuple[Effect, ...] = ()
    rungs: tuple[RungRecord, ...] = ()
    harmed_requests: int | None = None
    watch: WatchState | UnsetType = UNSET


class RevertRecord(Record, frozen=True, kw_only=True, tag="revert"):
    """What `revert` did: `commit` is the newest of the commits that it was about."""

    state: str
    branch: str
    reverted: tuple[str, ...] = ()
    revert_sha: str = ""
    pull_request: int | None = None
    reason: str = ""


class QuarantineRecord(Record, frozen=True, kw_only=True, tag="quarantine"):
    """A commit that must not be deployed again to this environment, or no longer is such a commit (`lifted`)."""

    reason: str
    lifted: bool = False


class OutcomeRecord(Record, frozen=True, kw_only=True, tag="outcome"):
    """What became of a deployment within `OUTCOME_DAYS`, by the records of the history."""

    of: str
    """Id of the record of the deployment."""
    state: str
    """`kept`, `replaced`, `rolled-back`, `quarantined` or `reverted`."""
    by: str = ""
    """Id of the record that ended the deployment; empty for `kept`."""
    hours: float
    """Hours from the deployment to that event, or to the end of the period."""


class ConfirmationRecord(Record, frozen=True, kw_only=True, tag="confirmation"):
    """The paired verdict that an alarm of `watch` started: `commit` is the current one, `base_sha` the last good one.

    Attributes:
        request: Id of the request, which the run-name of the workflow contains.
        alarm: The alarm, as `METRIC@ONSET`.
        base_sha: Commit of the last good deployment.
        outcome: The verdict.
        reason_code: Its reason code.
        reason: Its reason in one sentence.
        confirmed: Failures that a second run on a fresh deployment repeated, as `<command>:<finding id>`.
        verdict_sha256: Digest of the verdict without its time.
    """

    request: str
    alarm: str
    base_sha: str
    outcome: Outcome
    reason_code: str
    reason: str
    confirmed: tuple[str, ...] = ()
    verdict_sha256: str = ""

    @property
    def is_confirmed(self) -> bool:
        """Whether the failure is one that may be acted on without a person."""
        return self.outcome is Outcome.FAIL and bool(self.confirmed)


Replicas = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Rate = Annotated[float, msgspec.Meta(ge=0.0)]


class ScaleRecord(Record, frozen=True, kw_only=True, tag="scale"):
    """A change of replicas by `scale`: `commit` is the one that they run.

    Attributes:
        before: Replicas before; `None` if they are not known.
        replicas: Replicas of the plan.
        applied: Whether they were set; otherwise the plan only names them.
        step: Why, in one word.
        reason: The same in one sentence.
        demand: Requests per second to serve, of the demand that needs most replicas; `None` if none counts.
        capacity: Requests per second that these replicas carry with the headroom of the policy.
        evidence: Digests of the evidence of the plan and of the measured capacities.
    """

    before: Replicas | None
    replicas: Replicas
    applied: bool
    step: str
    reason: str
    demand: Rate | None
    capacity: Rate
    evidence: tuple[EvidenceDigest, ...] = ()


AnyRecord = DeploymentRecord | RevertRecord | QuarantineRecord | OutcomeRecord | ConfirmationRecord | ScaleRecord


def record_time(record: Record) -> datetime:
    """Return the time of a record.

    Raises:
        ValueError: It is not a time with a time zone.
    """
    time = datetime.fromisoformat(record.time)
    if time.tzinfo is None:
        raise ValueError(f'"{record.time[:40]}" has no time zone')
    try:
        return time.astimezone(UTC)
    except OverflowError:  # the first or last hours of the calendar, in another zone
        raise ValueError(f'"{record.time[:40]}" is out of range') from None
