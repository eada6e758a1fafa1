"""The steps that record a verdict on GitHub. Only `ghmlops.act` performs them; `--dry-run` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus, Step, short

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSED = (Outcome.PASS, Outcome.WARN)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The workflow run that gates."""

    run_id: str = ""
    run_url: str = ""


def passes(outcome: Outcome, fail_on: Outcome = Outcome.FAIL) -> bool:
    """Return whether the gate allows `outcome`: only `pass` and `warn`, and nothing at or beyond `fail_on`."""
    return outcome in PASSED and outcome.severity < fail_on.severity


def gate_steps(
    verdict: Verdict, origin: Origin, *, passed: bool, environment_url: str = ""
) -> tuple[SetCommitStatus | CreateDeployment | SetDeploymentStatus, ...]:
    """Return the steps that record a verdict on GitHub, in the order in which they must be performed.

    The least harmful write comes first, so that a missing permission is detected before a deployment exists: a
    `pending` status blocks nothing that was allowed, and the last step overwrites it.

    Args:
        verdict: Verdict about the commit that receives the statuses.
        origin: The run, for links and for recognising the deployment of an earlier attempt.
        passed: The result of `passes`.
        environment_url: Address of the deployed service; linked only if the gate passed.
    """
    state = "success" if passed else "error" if verdict.outcome is Outcome.ERROR else "failure"
    description = short(f"{verdict.outcome.value}: {verdict.reason}")
    environment = verdict.environment

    def commit_status(state: str, description: str) -> SetCommitStatus:
        return SetCommitStatus(
            sha=verdict.commit,
            context=f"ghmlops/{environment}",
            state=state,
            description=description,
            target_url=origin.run_url,
        )

    def deployment_status(state: str, description: str, url: str = "") -> SetDeploymentStatus:
        return SetDeploymentStatus(
            state=state,
            description=description,
            environment=environment,
            environment_url=url,
            log_url=origin.run_url,
        )

    return (
        commit_status("pending", "the gate is deciding"),
        CreateDeployment(
            sha=verdict.commit,
            environment=environment,
            description=short(f"{verdict.service}: gated by ghmlops" if verdict.service else "gated by ghmlops"),
            payload={"run_id": origin.run_id, "service": verdict.service},
            production=environment == "production",
        ),
        deployment_status("in_progress", "the gate is deciding"),
        deployment_status(state, description, environment_url if passed else ""),
        commit_status(state, description),
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
