"""Verdict to steps: what is written to GitHub, as data. Only `ghmlops.act` performs them; `--dry-run` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION_LIMIT = 140
"""Characters that GitHub shows of a status."""
PASSED = (Outcome.PASS, Outcome.WARN)


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="step"):
    """One change outside the process."""


class SetCommitStatus(Step, frozen=True, kw_only=True):
    """The line a pull request shows under its checks; `state` is `pending`, `success`, `failure` or `error`."""

    sha: str
    context: str
    state: str
    description: str
    target_url: str = ""


class CreateDeployment(Step, frozen=True, kw_only=True):
    """A deployment of one commit to one environment; one with the same `payload` is adopted instead of doubled."""

    sha: str
    environment: str
    description: str
    payload: dict[str, str]
    """What makes it ours: run id and service, not the attempt."""
    task: str = "deploy"
    transient: bool = False
    production: bool = False


class SetDeploymentStatus(Step, frozen=True, kw_only=True):
    """A status of the deployment that the last `CreateDeployment` gave, or of `deployment_id`."""

    state: str
    description: str
    environment: str
    environment_url: str = ""
    log_url: str = ""
    deployment_id: int | None = None


class UpsertComment(Step, frozen=True, kw_only=True):
    """The one comment of a pull request that carries `marker`."""

    number: int
    marker: str
    body: str


class OpenPullRequest(Step, frozen=True, kw_only=True):
    """A pull request between two branches of the repository; an open one is taken instead of doubled."""

    head: str
    base: str
    title: str
    body: str


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


def describe(step: Step) -> str:
    """Return one line that says what a step does."""
    match step:
        case SetCommitStatus():
            return f'set the status {step.context} of commit {step.sha} to {step.state}: "{step.description}"'
        case CreateDeployment():
            return f"create a deployment of commit {step.sha} to {step.environment}"
        case SetDeploymentStatus():
            return f'set the deployment to {step.environment} to {step.state}: "{step.description}"'
        case UpsertComment():
            return f"create or edit the comment on pull request #{step.number} ({len(step.body)} characters)"
        case OpenPullRequest():
            return f'open a pull request from {step.head} to {step.base}: "{step.title}"'
    raise TypeError(f"no line for {type(step).__name__}")


def short(text: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """Return `text` on one line of at most `limit` characters, unprintable characters replaced."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
