"""What must hold in an environment before a commit may be deployed there, whatever its evidence: order, quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.steps.standing import is_live
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.core.policy.gate import Gate
    from ghmlops.core.steps.recorded import RecordedDeployment

README = "actions/gate/README.md"
CONDITIONS = ("commit-quarantined", "environment-order", "deployment-window", "hypothesis-missing")
"""Ids of the findings that are about the environment and not about the evidence; a person may override them."""
_DESCRIPTIONS = {
    "commit-quarantined": "The commit has not failed in this environment before.",
    "environment-order": "The commit is live in the environment that comes first.",
    "deployment-window": "Deployments are allowed at this hour.",
    "hypothesis-missing": "The pull request states what the change is expected to do.",
}


def quarantine_finding(deployment: RecordedDeployment, environment: str) -> Finding:
    """Return the finding about a commit that failed in this environment.

    Args:
        deployment: The failed deployment.
        environment: Name of the environment.
    """
    why = short(deployment.description, 100).rstrip(".") or "no reason is recorded"
    reason = (
        f"{deployment.sha[:12]} is in quarantine in {environment}, because its deployment {deployment.id} failed "
        f"({why})."
    )
    return _finding("commit-quarantined", reason, "quarantine")


def order_finding(deployments: Sequence[RecordedDeployment], commit: str, environment: str, first: str) -> Finding:
    """Return the finding about the environment that comes first.

    Args:
        deployments: Deployments of the commit to that environment, newest first.
        commit: Full SHA of the judged commit.
        environment: Name of the environment to deploy to.
        first: Name of the environment in which the commit must be live.
    """
    if is_live(deployments, commit):
        reason = f"{commit[:12]} is live in {first}, which comes before {environment}."
        return _finding("environment-order", reason, "environments-in-order", Outcome.PASS)
    state = f"its newest deployment there is {deployments[0].state}" if deployments else "it was never deployed there"
    reason = f"{environment} opens only for a commit that is live in {first}; {commit[:12]} is not: {state}."
    return _finding("environment-order", reason, "environments-in-order")


def unknown_order_finding(environment: str, first: str) -> Finding:
    """Return the finding if the deployments cannot be read, because there is no token."""
    reason = f"{environment} opens only for a commit that is live in {first}, which is unknown without a token."
    return _finding("environment-order", reason, "environments-in-order")


def window_finding(gate: Gate, environment: str, now: datetime) -> Finding | None:
    """Return the finding about a time at which no deployment is allowed; `None` at any other time.

    The reason does not name the time, so that the same evidence gives the same verdict.

    Args:
        gate: Section of the policy, whose windows are those of its environment.
        environment: Name of the environment to deploy to.
        now: Time in the time zone of the windows.
    """
    minute = now.hour * 60 + now.minute
    open_now = any(now.weekday() in w.days and w.start <= minute < w.end for w in gate.windows)
    if not gate.windows or environment != gate.environment or open_now:
        return None
    hours = ", ".join(window.notation for window in gate.windows)
    reason = f"{environment} is open for deployments at {hours} ({gate.time_zone}), and it is closed now."
    return _finding("deployment-window", reason, "deployment-windows")


def hypothesis_finding(pull_request: int | None, environment: str, expectations: Sequence[str]) -> Finding:
    """Return the finding about what the change is expected to do.

    Args:
        pull_request: Number of the merged pull request of the commit; `None` if there is none or it is unknown.
        environment: Name of the environment to deploy to.
        expectations: Its expectations, in the words of the author.
    """
    if expectations:
        reason = f"Pull request #{pull_request} expects: {short('; '.join(expectations), 200)}."
        return _finding("hypothesis-missing", reason, "a-stated-expectation", Outcome.PASS)
    where = (
        f"pull request #{pull_request} has" if pull_request else "no merged pull request of this commit is known, with"
    )
    reason = f"{environment} opens only for a stated expectation, and {where} no line `Expect: p99 -10%`."
    return _finding("hypothesis-missing", reason, "a-stated-expectation")


def _finding(name: str, reason: str, section: str, outcome: Outcome = Outcome.INCONCLUSIVE) -> Finding:
    return Finding(
        id=name,
        metric="deployment",
        outcome=outcome,
        reason=reason,
        docs=f"{README}#{section}",
        description=_DESCRIPTIONS[name],
    )
