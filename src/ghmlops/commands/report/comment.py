"""The comment of `report`: on which pull request, whether at all, and whether something newer stands there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.act.github import Client
    from ghmlops.commands.report.inputs import Inputs, Material
    from ghmlops.commands.shared.base import Services
    from ghmlops.measure.github.pull_requests import PullRequest


def tell(inputs: Inputs, services: Services, material: Material, number: int | None) -> tuple[str, str]:
    """Create or edit the comment; return its address and one line for the console (empty where none was asked for).

    Args:
        inputs: the command's.
        services: the command's.
        material: what is told.
        number: the pull request's, where input or event tell it.

    Raises:
        GitHubError: the comment could not be written; `PermissionMissing` names the permission.
    """
    by_head = services.context.event_name == "workflow_run"
    if not inputs.comment:
        return "", ""
    if not inputs.token:
        return "", "no comment written: no token was given"
    if number is None and not by_head:
        return "", "no comment written: this run belongs to no pull request (--pull-request names one)"
    if inputs.dry_run:
        which = f"pull request #{number}" if number else f"the pull request of commit {material.verdict.commit[:12]}"
        return "", f"would create or edit the comment on {which}"
    from ghmlops.act.github import connect

    context, note = services.context, services.console.note
    repository = material.facts.repository
    with connect(token=inputs.token, api_url=context.api_url, repository=repository, note=note) as client:
        found = _find(client, services, material.verdict.commit, number)
        if found is None:
            return "", f"no comment written: no pull request has the head {material.verdict.commit[:12]}"
        return _upsert(client, material, found)


def _find(client: Client, services: Services, commit: str, number: int | None) -> PullRequest | None:
    from ghmlops.core.context import dig
    from ghmlops.measure.github.pull_requests import pull_request, pull_request_for

    if number is not None:
        return pull_request(client, number)
    event = services.context.event
    origin, branch = (
        dig(event, "workflow_run", "head_repository", "full_name"),
        dig(event, "workflow_run", "head_branch"),
    )
    return pull_request_for(client, head_sha=commit, head_repository=str(origin or ""), head_branch=str(branch or ""))


def _upsert(client: Client, material: Material, found: PullRequest) -> tuple[str, str]:
    """Write the comment, unless the one that is there already speaks of something newer."""
    import msgspec

    from ghmlops.act.github.comments import own_comment, upsert_comment
    from ghmlops.report.content.comment_marker import marker, read_subject
    from ghmlops.report.content.layout import lay_out
    from ghmlops.report.formats import markdown

    verdict, facts = material.verdict, material.facts
    mark = marker(verdict.service, facts.workflow)
    there = own_comment(client, number=found.number, marker=mark)
    told = read_subject(there.body) if there else None
    if there and told and told.newer_than(verdict.commit, facts.run_id, facts.run_attempt, found.head_sha):
        newer = f"commit {told.now.commit[:12]}, attempt {told.attempt}"
        return there.url, f"comment left as it is: it already tells of {newer}: {there.url}"
    previous = told.before(verdict.commit) if told else None
    facts = msgspec.structs.replace(facts, current_head=found.head_sha, previous=previous)
    body = markdown.comment(lay_out(verdict, material.evidence, facts))
    done = upsert_comment(client, number=found.number, marker=mark, body=body)
    return done.url, f"comment {done.state} on pull request #{found.number}: {done.url}"
