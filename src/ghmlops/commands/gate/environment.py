"""Whether the environment is open for the commit, by its deployments on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from ghmlops.core.history.hypothesis import parse_hypotheses
from ghmlops.core.steps.conditions import (
    hypothesis_finding,
    order_finding,
    quarantine_finding,
    unknown_order_finding,
    window_finding,
)
from ghmlops.core.steps.standing import Standing, quarantining, standing

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.gate.job import Job
    from ghmlops.core.model import Finding
    from ghmlops.measure.github import Client


class EnvironmentState(NamedTuple):
    """What the deployments say about the environment."""

    findings: list[Finding]
    on_hold: bool = False
    """Whether an earlier run held this commit here."""


def environment_state(job: Job, client: Client | None, now: datetime) -> EnvironmentState:
    """Return a finding for each condition of the environment; a quarantine has one only if it is in force.

    Args:
        job: The judged commit, its service and environment.
        client: Connection to GitHub; `None` without a token, which leaves the order of environments unknown.
        now: Time.

    Raises:
        GitHubError: The deployments could not be read.
    """
    environment, commit = job.environment, job.rules.commit
    first = job.policy.gate.after.get(environment, "")
    gate = job.policy.gate
    closed = window_finding(gate, environment, now.astimezone(ZoneInfo(gate.time_zone)))
    findings = [closed] if closed else []
    findings += _expectations(job, client)
    if client is None:
        return EnvironmentState([*findings, *([unknown_order_finding(environment, first)] if first else [])])
    from ghmlops.measure.github.deployments import commit_deployments

    service = job.policy.service
    own = commit_deployments(client, environment, service, commit)
    if failed := quarantining(own, commit):
        findings.append(quarantine_finding(failed, environment))
    if first:
        findings.append(order_finding(commit_deployments(client, first, service, commit), commit, environment, first))
    return EnvironmentState(findings, any(standing(deployment) is Standing.ON_HOLD for deployment in own))


def _expectations(job: Job, client: Client | None) -> list[Finding]:
    """Return the finding about the stated expectation, if the policy requires one for this environment."""
    if job.environment not in job.policy.history.hypothesis.required:
        return []
    if client is None:
        return [hypothesis_finding(None, job.environment, ())]
    from ghmlops.measure.github.pull_requests import merged_pull_request

    pull = merged_pull_request(client, job.rules.commit)
    texts = [expected.text for expected in parse_hypotheses(pull.body)] if pull else []
    return [hypothesis_finding(pull.number if pull else None, job.environment, texts)]
