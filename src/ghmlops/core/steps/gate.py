"""The steps that record a verdict on GitHub. Only `ghmlops.act` performs them; `--dry-run` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.recorded import OPEN_STATES, RecordedDeployment
from ghmlops.core.steps.standing import HOLD_PREFIX, Standing, is_on_ladder, standing
from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus, Step, short

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSED = (Outcome.PASS, Outcome.WARN)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The workflow run that gates."""

    run_id: str = ""
    run_url: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is deployed where.

    Attributes:
        service: name of the service.
        environment: name of the environment.
        url: address of the deployed service; may be empty.
        log_url: address of the run.
    """

    service: str
    environment: str
    url: str = ""
    log_url: str = ""


def passes(outcome: Outcome, fail_on: Outcome = Outcome.FAIL) -> bool:
    """Return whether the gate allows `outcome`: only `pass` and `warn`, and nothing at or beyond `fail_on`."""
    return outcome in PASSED and outcome.severity < fail_on.severity


def status_context(service: str, environment: str) -> str:
    """Return the context of the commit status; two services that share an environment have separate ones."""
    return "/".join(part for part in ("ghmlops", service, environment) if part)


def decide(outcome: Outcome, *, passed: bool) -> str:
    """Return the decision of the gate: `allowed`, `hold` (a person must decide) or `refused`."""
    if passed:
        return "allowed"
    return "hold" if outcome in (Outcome.INCONCLUSIVE, Outcome.WARN) else "refused"


def gate_steps(
    verdict: Verdict, origin: Origin, *, passed: bool
) -> tuple[SetCommitStatus | CreateDeployment | SetDeploymentStatus, ...]:
    """Return the steps that record a verdict on GitHub, in the order in which they must be performed.

    The least harmful write comes first, so that a missing permission is detected before a deployment exists: a
    `pending` status blocks nothing that was allowed, and the last step overwrites it. A deployment that the gate allows
    is `queued`: nothing has been deployed yet, and `finish_steps` closes it. One that waits for a person is `pending`,
    so that it is no failure of the commit.

    Args:
        verdict: Verdict about the commit that receives the statuses.
        origin: The run, for links and for recognising the deployment of an earlier attempt.
        passed: The result of `passes`.
    """
    state = "success" if passed else "error" if verdict.outcome is Outcome.ERROR else "failure"
    sentence = f"{verdict.outcome.value}: {verdict.reason}"
    description = short(sentence)
    decision = decide(verdict.outcome, passed=passed)
    context = status_context(verdict.service, verdict.environment)
    pending = SetCommitStatus(
        sha=verdict.commit,
        context=context,
        state="pending",
        description="the gate is deciding",
        target_url=origin.run_url,
    )
    return (
        pending,
        CreateDeployment(
            sha=verdict.commit,
            environment=verdict.environment,
            description=short(f"{verdict.service}: gated by ghmlops" if verdict.service else "gated by ghmlops"),
            payload={"run_id": origin.run_id, "service": verdict.service},
            override=verdict.override,
            production=verdict.environment == "production",
        ),
        SetDeploymentStatus(
            state={"allowed": "queued", "hold": "pending"}.get(decision, state),
            description=short(f"{HOLD_PREFIX}{sentence}") if decision == "hold" else description,
            environment=verdict.environment,
            log_url=origin.run_url,
        ),
        msgspec.structs.replace(pending, state=state, description=description),
    )


def finish_steps(
    deployment: RecordedDeployment, others: Sequence[RecordedDeployment], target: Target, *, succeeded: bool
) -> tuple[SetDeploymentStatus | SetCommitStatus, ...]:
    """Return the steps that close a deployment after it was carried out.

    Args:
        deployment: The deployment of this run.
        others: Older deployments of the same service to the same environment. After a success, those that were live
            become `inactive`: GitHub does not do so for a production environment. So do promotions in mid-ladder.
        target: What was deployed where.
        succeeded: Whether the deployment succeeded.
    """
    state = "success" if succeeded else "failure"
    description = short(f"{target.service or 'the commit'} {'was' if succeeded else 'could not be'} deployed")
    superseded = (
        _status(other, "inactive", f"superseded by {deployment.sha[:12]}", target)
        for other in others
        if succeeded and (other.state == "success" or is_on_ladder(other)) and other.id != deployment.id
    )
    own = msgspec.structs.replace(
        _status(deployment, state, description, target), environment_url=target.url if succeeded else ""
    )
    commit = SetCommitStatus(
        sha=deployment.sha,
        context=status_context(target.service, target.environment),
        state=state,
        description=description,
        target_url=target.log_url,
    )
    return (own, *superseded, commit)


def stale_steps(stale: Sequence[RecordedDeployment], target: Target) -> tuple[SetDeploymentStatus, ...]:
    """Return the steps that close deployments whose run ended without saying what became of them.

    A promotion in mid-ladder stays open, because the next run of `promote` continues it. A deployment that waited for a
    person is replaced by the decision of this run.

    Args:
        stale: Open deployments of the same service and environment whose runs have ended.
        target: Service and environment.
    """
    steps = []
    for deployment in stale:
        if deployment.state not in OPEN_STATES or is_on_ladder(deployment):
            continue
        if standing(deployment) is Standing.ON_HOLD:
            steps.append(_status(deployment, "inactive", "superseded by a later decision of the gate", target))
        else:
            steps.append(_status(deployment, "error", "the run ended without reporting a result", target))
    return tuple(steps)


def _status(deployment: RecordedDeployment, state: str, description: str, target: Target) -> SetDeploymentStatus:
    """Return a status; that of an adopted deployment names the service, which its payload does not contain."""
    return SetDeploymentStatus(
        state=state,
        description=short(description),
        environment=target.environment,
        log_url=target.log_url,
        deployment_id=deployment.id,
        service=deployment.service if deployment.adopted else "",
    )


def closing_steps(completed: Sequence[Step], reason: str) -> tuple[SetDeploymentStatus | SetCommitStatus, ...]:
    """Return the steps that make a partially performed plan safe: they close what was started as `error`, newest first.

    Args:
        completed: The steps that were performed; a `CreateDeployment` is closed through the id of its deployment.
        reason: One sentence for the descriptions.
    """
    steps: list[SetDeploymentStatus | SetCommitStatus] = []
    for step in reversed(completed):
        if isinstance(step, CreateDeployment):
            steps.append(SetDeploymentStatus(state="error", description=short(reason), environment=step.environment))
        if isinstance(step, SetCommitStatus) and step.state == "pending":
            steps.append(msgspec.structs.replace(step, state="error", description=short(reason)))
    return tuple(steps)
