"""The GitHub deployment of a promotion: whether the gate let the commit through, and a status for every rung."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ghmlops.commands.gate.job import environment_name
from ghmlops.commands.shared.github import connection
from ghmlops.core.errors import GhmlopsError, GitHubError, NeedsPerson
from ghmlops.core.promotion.status_text import alerted_reason, hold_start, is_in_progress, rollback_reason
from ghmlops.core.steps.gate import Target, finish_steps
from ghmlops.core.steps.standing import Standing, is_on_ladder, quarantining, serving, standing
from ghmlops.core.steps.step import SetDeploymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.steps.recorded import RecordedDeployment
    from ghmlops.measure.github import Client

STATUS_SECONDS, FINISH_SECONDS = 60.0, 300.0
"""Seconds for one status, and for closing the deployment: a promotion lasts longer than one deadline."""
ROLLBACK_SECONDS = 20.0
"""Seconds for which a rollback that was ordered waits for GitHub before the traffic returns without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deployment of the candidate; without a token, nothing is read and nothing is written.

    Attributes:
        recorded: The newest deployment of the commit; `None` without a token, or if it could not be read.
        others: Deployments of the same service to the same environment.
        target: Service and environment.
        client: The connection; `None` without a token.
        note: Reports a step to the user.
        commit: Full SHA of the candidate.
        problem: Why the commit may not be promoted, or it is not known whether it may; a rollback goes on.
    """

    recorded: RecordedDeployment | None
    others: Sequence[RecordedDeployment]
    target: Target
    client: Client | None
    note: Callable[[str], None]
    commit: str = ""
    problem: GhmlopsError | None = None

    @property
    def held_since(self) -> str:
        """Since when the promotion is on hold, by the newest status; empty if it is not."""
        return hold_start(self.recorded.description) if self.recorded else ""

    @property
    def rollback_reason(self) -> str:
        """Reason code of a rollback that was interrupted, by the newest status; empty if there is none."""
        return rollback_reason(self.recorded.description) if self.recorded else ""

    @property
    def alerted(self) -> str:
        """Reason code of what people were alerted to, by the newest status; empty if by none."""
        return alerted_reason(self.recorded.description) if self.recorded else ""

    @property
    def override(self) -> str:
        """Reason and name of the person who overrode the gate for the commit; empty if nobody is known to have."""
        return self.recorded.override if self.recorded else ""

    @property
    def commit_in_progress(self) -> str:
        """Commit of the newest ladder in progress, by its status; empty if none is known."""
        ladders = (d.sha for d in self.others if d.state == "in_progress" and is_in_progress(d.description))
        return next(ladders, "")

    @property
    def baseline_commit(self) -> str:
        """Commit of the other deployment that serves, or served before the candidate; empty if none is known."""
        own = self.recorded.sha if self.recorded else ""
        other = serving([d for d in self.others if d.sha != own])
        return other.sha if other else ""

    def describe(self, description: str) -> None:
        """Set a status; one that GitHub refuses is a note, because it must not delay the traffic."""
        if self.client is None or self.recorded is None:
            return
        from ghmlops.act.github.perform import perform

        step = SetDeploymentStatus(
            state="in_progress",
            description=description,
            environment=self.target.environment,
            log_url=self.target.log_url,
            deployment_id=self.recorded.id,
            service=self.recorded.service if self.recorded.adopted else "",
        )
        try:
            perform([step], self.client.with_time(STATUS_SECONDS), note=self.note)
        except GitHubError as error:
            self.note(f"the status of the deployment was not set: {error.message}")

    @contextlib.contextmanager
    def describing(self, description: str) -> Iterator[None]:
        """Set a status while the traffic returns: neither waits for the other."""
        if self.client is None:
            yield
            return
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="status") as pool:
            pending = pool.submit(self.describe, description)
            yield
            pending.result()

    def finish(self, *, succeeded: bool) -> None:
        """Close the deployment; a failure quarantines the commit in this environment.

        Raises:
            GhmlopsError: GitHub refused it, or the deployment is not known.
        """
        if self.recorded is None and self.problem is not None:
            raise self.problem
        if self.client is None or self.recorded is None:
            return
        from ghmlops.act.github.perform import perform

        steps = finish_steps(self.recorded, self.others, self.target, succeeded=succeeded)
        perform(steps, self.client.with_time(FINISH_SECONDS), note=self.note)

    def read_again(self) -> Deployment:
        """Return the deployment as GitHub has it now, if GitHub did not answer before the traffic returned."""
        if self.client is None or not isinstance(self.problem, GitHubError):
            return self
        return _read(self, self.client.with_time(FINISH_SECONDS))


@contextlib.contextmanager
def open_deployment(job: Job, inputs: Inputs, services: Services) -> Iterator[Deployment]:
    """Yield the deployment that the gate recorded for the commit.

    The traffic may return in a run with `resume` or `rollback`. Then what a promotion needs and GitHub does not say, or
    forbids, is the `problem` of the deployment.

    Args:
        job: Everything that the promotion needs.
        inputs: Inputs of the command.
        services: Services of the command.

    Raises:
        NeedsPerson: The gate did not let the commit through, or the commit failed in this environment; in any case if
            another commit was deployed after it, whose servers are the candidate.
        InputError: The token or the repository is malformed.
        GitHubError: GitHub refused to list the deployments.
    """
    returns = bool(inputs.resume or inputs.rollback)
    deployment = Deployment(
        recorded=None,
        others=(),
        target=Target(service=job.service, environment=job.environment, log_url=services.context.run_url),
        client=None,
        note=services.console.note,
        commit=job.commit,
    )
    with contextlib.ExitStack() as stack:
        if inputs.token:
            try:
                environment_name(job.environment)
                client = stack.enter_context(connection(inputs.token, services))
            except GhmlopsError as error:
                deployment = replace(deployment, problem=error)
            else:
                seconds = ROLLBACK_SECONDS if inputs.rollback else FINISH_SECONDS
                deployment = _read(replace(deployment, client=client), client.with_time(seconds))
            if deployment.problem and not returns:
                raise deployment.problem
            if returns:
                _check_owner(deployment)
        yield deployment


def _read(deployment: Deployment, client: Client) -> Deployment:
    """Return a deployment as GitHub has it, with what speaks against its promotion."""
    from ghmlops.measure.github.deployments import list_deployments

    commit, environment = deployment.commit, deployment.target.environment
    problem: GhmlopsError | None = None
    try:
        others = list_deployments(client, environment, deployment.target.service)
    except GitHubError as error:
        return replace(deployment, problem=error)
    try:
        own: RecordedDeployment | None = allowed_deployment(others, commit, environment)
    except NeedsPerson as error:
        own, problem = next((d for d in others if d.sha == commit and d.service), None), error
    return replace(deployment, recorded=own, others=others, problem=problem)


def _check_owner(deployment: Deployment) -> None:
    """Check that no other commit was deployed after this one: the candidate would be that one.

    Raises:
        NeedsPerson: One was.
    """
    own = deployment.recorded
    if own is None:
        return
    newer = list(itertools.takewhile(lambda d: d.id != own.id, deployment.others))
    taker = next((d.sha for d in newer if d.service and (d.state == "success" or is_on_ladder(d))), "")
    if taker or standing(own) is Standing.REPLACED:
        by = taker[:12] or "another commit"
        raise NeedsPerson(
            f"{by} was deployed to {deployment.target.environment} after {own.sha[:12]}",
            hint="only the commit whose servers are the candidate can be promoted or rolled back",
            reason_code="other-commit",
        )


def allowed_deployment(deployments: Sequence[RecordedDeployment], commit: str, environment: str) -> RecordedDeployment:
    """Return the newest deployment of a commit, if it may be promoted.

    Args:
        deployments: Deployments of the service to the environment, newest first.
        commit: Full SHA of the candidate.
        environment: Name of the environment.

    Raises:
        NeedsPerson: There is none, it is in quarantine, or the gate did not allow it.
    """
    own = next((d for d in deployments if d.sha == commit and d.service), None)
    if own is None:
        raise NeedsPerson(
            f"the gate recorded no deployment of {commit[:12]} to {environment}",
            hint="run actions/gate for this commit and environment first",
            reason_code="not-gated",
        )
    if quarantining(deployments, commit) is not None:
        raise NeedsPerson(
            f"the newest deployment of {commit[:12]} to {environment} failed: the commit is in quarantine",
            hint="fix the commit; if it was not at fault, a person may override the gate with a reason",
            reason_code="quarantined",
        )
    if standing(own) is not Standing.ALLOWED:
        raise NeedsPerson(
            f"the newest deployment of {commit[:12]} to {environment} is {standing(own)}: the gate did not allow it",
            hint="let the gate judge the commit again",
            reason_code="not-gated",
        )
    return own
