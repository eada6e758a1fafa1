"""Verdict to steps: what is written to GitHub, as data. Only `ghmlops.act` performs them; `--dry-run` prints them."""

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
    """The run that decides."""

    run_id: str = ""
    run_url: str = ""


def passes(outcome: Outcome, fail_on: Outcome = Outcome.FAIL) -> bool:
    """True where the gate lets `outcome` through: `pass` and `warn` only, and nothing at or beyond `fail_on`."""
    return outcome in PASSED and outcome.severity < fail_on.severity


def gate_steps(
    verdict: Verdict, origin: Origin, *, passed: bool, environment_url: str = ""
) -> tuple[SetCommitStatus | CreateDeployment | SetDeploymentStatus, ...]:
    """Return what the gate writes to GitHub about a verdict.

    The least harmful write comes first (a `pending` status blocks nothing that was free and is overwritten), so that a
    missing permission shows before a deployment exists.

    Args:
        verdict: over the commit that gets the statuses.
        origin: the run, for links and for recognising an earlier attempt.
        passed: what `passes` said.
        environment_url: address of the deployed service; shown where the gate passed.
    """
    state = "success" if passed else "error" if verdict.outcome is Outcome.ERROR else "failure"
    said = short(f"{verdict.outcome.value}: {verdict.reason}")
    environment = verdict.environment

    def status(to: str, description: str) -> SetCommitStatus:
        return SetCommitStatus(
            sha=verdict.commit,
            context=f"ghmlops/{environment}",
            state=to,
            description=description,
            target_url=origin.run_url,
        )

    def deployed(to: str, description: str, url: str = "") -> SetDeploymentStatus:
        return SetDeploymentStatus(
            state=to,
            description=description,
            environment=environment,
            environment_url=url,
            log_url=origin.run_url,
        )

    return (
        status("pending", "the gate is deciding"),
        CreateDeployment(
            sha=verdict.commit,
            environment=environment,
            description=short(f"{verdict.service}: gated by ghmlops" if verdict.service else "gated by ghmlops"),
            payload={"run_id": origin.run_id, "service": verdict.service},
            production=environment == "production",
        ),
        deployed("in_progress", "the gate is deciding"),
        deployed(state, said, environment_url if passed else ""),
        status(state, said),
    )


def clearing_steps(done: Sequence[Step], why: str) -> tuple[SetDeploymentStatus | SetCommitStatus, ...]:
    """Return what makes a half-performed plan safe: what was begun is closed as `error`, newest first.

    Args:
        done: the steps that were performed; a `CreateDeployment` is closed through the id it gave.
        why: one sentence for the descriptions.
    """
    clear: list[SetDeploymentStatus | SetCommitStatus] = []
    for step in reversed(done):
        if isinstance(step, CreateDeployment):
            clear.append(SetDeploymentStatus(state="error", description=short(why), environment=step.environment))
        if isinstance(step, SetCommitStatus) and step.state == "pending":
            clear.append(msgspec.structs.replace(step, state="error", description=short(why)))
    return tuple(clear)
