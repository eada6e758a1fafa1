"""The GitHub deployment of a promotion: whether the gate let the commit through, and a status for every rung."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.gate.job import environment_name
from ghmlops.commands.shared.github import connection
from ghmlops.core.errors import GitHubError, NeedsPerson
from ghmlops.core.promotion.status_text import alerted_reason, hold_start, is_in_progress, rollback_reason
from ghmlops.core.steps.gate import Target, finish_steps
from ghmlops.core.steps.standing import Standing, quarantining, standing
from ghmlops.core.steps.step import SetDeploymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.steps.recorded import RecordedDeployment
    from ghmlops.measure.github import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deployment of the candidate; without a token, nothing is read and nothing is written.

    Attributes:
        recorded: The newest deployment of the commit; `None` without a token.
        others: Deployments of the same service to the same environment.
        target: Service and environment.
        client: The connection; `None` without a token.
        note: Reports a step to the user.
    """

    recorded: RecordedDeployment | None
    others: Sequence[RecordedDeployment]
    target: Target
    client: Client | None
    note: Callable[[str], None]

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
        """Commit of the newest other deployment that succeeded, which served before; empty if none is known."""
        own = self.recorded.sha if self.recorded else ""
        return next((d.sha for d in self.others if d.sha != own and d.state == "success"), "")

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
            perform([step], self.client, note=self.note)
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
            GitHubError: GitHub refused it.
        """
        if self.client is None or self.recorded is None:
            return
        from ghmlops.act.github.perform import perform

        perform(finish_steps(self.recorded, self.others, self.target, succeeded=succeeded), self.client, note=self.note)


@contextlib.contextmanager
def open_deployment(job: Job, token: str, services: Services) -> Iterator[Deployment]:
    """Yield the deployment that the gate recorded for the commit.

    Raises:
        NeedsPerson: The gate did not let the commit through, or the commit failed in this environment.
        InputError: The token or the repository is malformed.
        GitHubError: GitHub refused to list the deployments.
    """
    note = services.console.note
    target = Target(service=job.service, environment=job.environment, log_url=services.context.run_url)
    if not token:
        yield Deployment(recorded=None, others=(), target=target, client=None, note=note)
        return
    from ghmlops.measure.github.deployments import list_deployments

    environment_name(job.environment)
    with connection(token, services) as client:
        deployments = list_deployments(client, job.environment, job.service)
        recorded = allowed_deployment(deployments, job.commit, job.environment)
        yield Deployment(recorded=recorded, others=deployments, target=target, client=client, note=note)


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
