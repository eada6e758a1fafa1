"""Does what an earlier job left: starts the deployment of its revert, or opens the issue about its conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.github import connection
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.core.revert.follow_up import parse_follow_up
from ghmlops.core.revert.notices import conflict_notice
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.act.github import Client
    from ghmlops.commands.revert.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.revert.follow_up import FollowUp


def run_follow_up(inputs: Inputs, services: Services, policy: Policy | None) -> Result:
    """Do what is left after a revert; a second run does nothing again.

    Args:
        inputs: Inputs of the command.
        services: Services of the command.
        policy: The policy; `None` if there is none.

    Raises:
        InputError: The input is not the output of a revert, or there is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    left = parse_follow_up(inputs.follow_up)
    workflow = inputs.dispatch or (policy.revert.dispatch if policy else "")
    if left.sha and not workflow:
        return _result(left, "nothing-to-start", "No workflow is named to deploy the revert.")
    task = f"start {workflow} on {left.branch}" if left.sha else "open an issue about the conflict"
    if inputs.dry_run:
        return dry_run_result(f"It would {task}.", terminal.block([f"It would {task}."]))
    if not inputs.token:
        raise InputError(f"without a token, nothing can {task}", hint="pass `token: ${{ github.token }}`")
    with connection(inputs.token, services) as client:
        return _deploy(client, left, workflow) if left.sha else _open_issue(client, left, services)


def _deploy(client: Client, left: FollowUp, workflow: str) -> Result:
    from ghmlops.act.github.dispatches import dispatch_workflow

    started = dispatch_workflow(client, workflow=workflow, branch=left.branch, sha=left.sha)
    state = "started" if started else "running"
    reason = f"{workflow} {'was started' if started else 'has a run'} for {left.sha[:12]} on {left.branch}."
    return _result(left, state, reason, dispatched=state)


def _open_issue(client: Client, left: FollowUp, services: Services) -> Result:
    from ghmlops.act.github.issues import upsert_issue

    notice = conflict_notice(left.refusal(), left.commit, left.branch, services.context.run_url)
    issue = upsert_issue(client, marker=notice.marker, title=notice.title, body=notice.body)
    reason = f"Issue #{issue.number} about the conflict was {issue.state}."
    return _result(left, f"issue-{issue.state}", reason, issue=str(issue.number))


def _result(left: FollowUp, code: str, reason: str, **outputs: str) -> Result:
    values = {"state": left.state, "revert-sha": left.sha, "dispatched": "", "issue": "", **outputs}
    return Result(
        outcome=Outcome.PASS,
        reason_code=code,
        reason=reason,
        outputs={**values, "pull-request": "", "record-file": "", "follow-up": ""},
        text=terminal.block([reason]),
        data=values,
        exit_code=0,
    )
