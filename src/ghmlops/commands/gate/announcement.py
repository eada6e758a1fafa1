"""Reports a decision that concerns people: comment and alert about a commit that is on hold or was overridden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.gate.person import describe_rules
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.alert import Alert
from ghmlops.core.steps.step import UpsertComment
from ghmlops.report.comment.gate_comment import GateFacts, gate_markdown, gate_marker

if TYPE_CHECKING:
    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.gate.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.measure.github import Client


def decision_text(verdict: Verdict, decision: str, job: Job, inputs: Inputs, services: Services) -> str:
    """Return what people read about a decision, as Markdown.

    Args:
        verdict: The verdict.
        decision: `allowed`, `hold` or `refused`.
        job: Everything that the gate needs.
        inputs: Inputs of the command.
        services: Services of the command.
    """
    facts = GateFacts(
        decision=decision,
        run_url=services.context.run_url,
        workflow=services.context.workflow,
        evidence_run=inputs.run_id or services.context.run_id,
        deciders=describe_rules(job.policy.gate.override),
    )
    return gate_markdown(verdict, facts)


def hold_alert(verdict: Verdict, services: Services) -> Alert:
    """Return the alert about a deployment that waits for a person."""
    return Alert(
        event="hold",
        command="gate",
        repository=verdict.repository,
        service=verdict.service,
        environment=verdict.environment,
        commit=verdict.commit,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        run_url=services.context.run_url,
        time=services.now().isoformat(timespec="seconds"),
    )


def comment_decision(client: Client, verdict: Verdict, text: str, services: Services) -> None:
    """Create or edit the comment on the pull request of the commit, if there is one.

    The decision is recorded already, so that a comment which cannot be written is a note.
    """
    from ghmlops.act.github.perform import perform
    from ghmlops.measure.github.pull_requests import merged_pull_requests

    note = services.console.note
    try:
        number = services.context.pull_request
        if number is None:
            pulls = merged_pull_requests(client, verdict.commit)
            pull = max(pulls, key=lambda item: (item.merge_sha == verdict.commit, item.number), default=None)
            number = pull.number if pull else None
        if number is None:
            note(f"no pull request of {verdict.commit[:12]} was merged, so that there is none to comment on")
            return
        marker = gate_marker(verdict.service, verdict.environment)
        perform([UpsertComment(number=number, marker=marker, body=f"{marker}\n{text}")], client, note=note)
    except GitHubError as error:
        note(f"the decision is recorded, and the comment about it was not written: {error.message}")
