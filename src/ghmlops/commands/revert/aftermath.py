"""What follows a revert: the deployment is started, the pull request at fault gets a comment, a conflict an issue.

The revert itself is done or refused by then. What cannot be written is a note, and the result says what is left to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.alerts.send import send_alert
from ghmlops.core.errors import GitHubError, NeedsPerson
from ghmlops.core.revert.follow_up import DEPLOYABLE, FollowUp
from ghmlops.core.revert.notices import CONFLICTS, Reverted, conflict_notice, revert_notice
from ghmlops.core.revert.spec import one_line
from ghmlops.core.steps.alert import Alert

if TYPE_CHECKING:
    from ghmlops.act.git.revert import RevertResult
    from ghmlops.act.github import Client
    from ghmlops.commands.revert.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.revert.grounds import Grounds

MAX_PULL_REQUESTS = 10
"""Pull requests that receive a comment; a revert of more commits names the others in its own message."""


def start_deployment(client: Client | None, workflow: str, result: RevertResult, services: Services) -> str:
    """Start the workflow that deploys the branch after a push, and return `started`, `running` or `failed`.

    Empty if no workflow is named, or the branch still contains the change.

    Args:
        client: The connection; `None` without a token.
        workflow: File name of the workflow; empty: none.
        result: What the revert did.
        services: Services of the command.
    """
    sha = _deployable(result)
    if not workflow or not sha:
        return ""
    if client is None:
        services.console.note(f"{workflow} was not started: pass a token with `actions: write`")
        return "failed"
    from ghmlops.act.github.dispatches import dispatch_workflow

    try:
        started = dispatch_workflow(client, workflow=workflow, branch=result.plan.branch, sha=sha)
    except GitHubError as error:
        services.console.note(f"{workflow} was not started, so that the revert is not deployed: {error.message}")
        return "failed"
    services.console.note(f"{workflow} {'was started' if started else 'has a run'} for {sha[:12]}")
    return "started" if started else "running"


def _deployable(result: RevertResult) -> str:
    """Return the tip of the branch with the revert; empty if the branch still contains the change."""
    if result.state not in DEPLOYABLE:
        return ""
    # An earlier run that was killed after its push may have started nothing.
    return result.plan.tip if result.state == "already-reverted" else result.revert_sha


def left_after(result: RevertResult | NeedsPerson, inputs: Inputs) -> FollowUp:
    """Return what a later job is to do after a revert or its refusal."""
    commit = inputs.commit.strip()
    if isinstance(result, NeedsPerson):
        return FollowUp(
            state="refused",
            branch=inputs.branch,
            commit=commit,
            reason_code=result.reason_code,
            message=one_line(result.message, 2000),
            hint=one_line(result.hint, 300),
        )
    return FollowUp(state=result.state, branch=result.plan.branch, commit=commit, sha=_deployable(result))


def comment_revert(client: Client | None, grounds: Grounds, result: RevertResult, services: Services) -> None:
    """Comment on each pull request whose commits were reverted, once; the comment is edited if the state changes."""
    if client is None or not result.plan.commits or result.state == "planned":
        return
    from ghmlops.act.github.comments import upsert_comment
    from ghmlops.measure.github.pull_requests import merged_pull_requests

    pushed = result.revert_sha if result.pull_request is None else ""
    notice = revert_notice(
        Reverted(
            commit=result.plan.newest,
            branch=result.plan.branch,
            sha=pushed,
            pull_request=result.pull_request,
            reason_code="" if grounds.by_person else grounds.reason_code,
            run_url=services.context.run_url,
        )
    )
    try:
        numbers = {p.number for commit in result.plan.commits for p in merged_pull_requests(client, commit.sha)}
        for number in sorted(numbers)[:MAX_PULL_REQUESTS]:
            upsert_comment(client, number=number, marker=notice.marker, body=f"{notice.marker}\n{notice.body}")
            services.console.note(f"pull request #{number} has a comment about the revert")
    except GitHubError as error:
        services.console.note(f"no comment about the revert was written: {error.message}")


def open_conflict_issue(client: Client | None, inputs: Inputs, error: NeedsPerson, services: Services) -> int | None:
    """Open one issue about a revert that only a person can make, or edit it; return its number."""
    if client is None or inputs.dry_run or error.reason_code not in CONFLICTS:
        return None
    from ghmlops.act.github.issues import upsert_issue

    notice = conflict_notice(error, inputs.commit.strip(), inputs.branch, services.context.run_url)
    try:
        issue = upsert_issue(client, marker=notice.marker, title=notice.title, body=notice.body)
    except GitHubError as failure:
        services.console.note(f"no issue about the conflict was written: {failure.message}")
        return None
    services.console.note(f"issue #{issue.number} about the conflict was {issue.state}")
    return issue.number


def alert_revert(inputs: Inputs, services: Services, policy: Policy | None, commit: str, what: tuple[str, str]) -> None:
    """Send an alert about a revert, or about one that a person must decide.

    Args:
        inputs: Inputs of the command.
        services: Services of the command.
        policy: The policy; `None` if there is none.
        commit: Full SHA of the commit, or the input that names it.
        what: Reason code and reason.
    """
    reason_code, reason = what
    alert = Alert(
        event="reverted" if reason_code in ("reverted", "partly-reverted") else "hold",
        command="revert",
        repository=services.context.repository,
        service=policy.service if policy else "",
        environment=inputs.environment or (policy.gate.environment if policy else ""),
        commit=commit,
        reason_code=reason_code,
        reason=reason,
        run_url=services.context.run_url,
        time=services.now().isoformat(timespec="seconds"),
    )
    send_alert(alert, inputs, services)
