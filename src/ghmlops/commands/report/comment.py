"""The comment of `report`: the pull request it belongs to, and whether an existing comment is newer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.context import dig
from ghmlops.report.comment.brief import brief
from ghmlops.report.comment.comment_mode import creates_comment
from ghmlops.report.content.comment_marker import marker, read_subject
from ghmlops.report.formats.comment import comment as comment_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.act.github import Client
    from ghmlops.commands.report.inputs import Inputs
    from ghmlops.commands.report.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.measure.github.pull_requests import PullRequest


class PublishedComment(NamedTuple):
    """Address of the comment, and one line for the console; either may be empty."""

    url: str = ""
    note: str = ""


def publish_comment(
    job: Job, inputs: Inputs, services: Services, open_client: Callable[[], Client]
) -> PublishedComment:
    """Create or edit the comment, if one is requested and a token is available.

    Args:
        job: what is reported.
        inputs: inputs of the command.
        services: services of the command.
        open_client: returns the connection to GitHub.

    Raises:
        GitHubError: The comment could not be written; `PermissionMissing` names the permission.
    """
    number, commit = job.pull_request, job.verdict.commit[:12]
    if inputs.comment == "off":
        return PublishedComment()
    if not inputs.token:
        return PublishedComment(note="no comment written: no token was passed")
    if number is None and (job.run or services.context.event_name != "workflow_run"):
        reason = "this run belongs to no pull request (--pull-request names one)"
        return PublishedComment(note=f"no comment written: {reason}")
    if inputs.dry_run:
        subject = f"pull request #{number}" if number else f"the pull request of commit {commit}"
        return PublishedComment(note=f"would create or edit the comment on {subject}")
    client = open_client()
    pull_request = find_pull_request(client, services, job.pull_request, job.verdict.commit)
    if pull_request is None:
        return PublishedComment(note=f"no comment written: no pull request has the head {commit}")
    return _upsert(client, job, inputs.comment, pull_request)


def find_pull_request(client: Client, services: Services, number: int | None, commit: str) -> PullRequest | None:
    """Return the pull request with this number, or else the one whose head the measuring run was about.

    Raises:
        GitHubError: GitHub rejected the request.
    """
    from ghmlops.measure.github.pull_requests import pull_request, pull_request_for

    if number is not None:
        return pull_request(client, number)
    event = services.context.event
    return pull_request_for(
        client,
        head_sha=commit,
        head_repository=str(dig(event, "workflow_run", "head_repository", "full_name") or ""),
        head_branch=str(dig(event, "workflow_run", "head_branch") or ""),
    )


def _upsert(client: Client, job: Job, mode: str, pull_request: PullRequest) -> PublishedComment:
    """Write the comment, unless the existing one is about something newer."""
    from ghmlops.act.github.comments import own_comment, upsert_comment

    verdict, facts, number = job.verdict, job.facts, pull_request.number
    mark = marker(verdict.service, facts.workflow)
    existing = own_comment(client, number=number, marker=mark)
    if existing is None and not creates_comment(mode, verdict):
        return PublishedComment(note=f"no comment written: the outcome is {verdict.outcome}, and `comment` is {mode}")
    subject = read_subject(existing.body) if existing else None
    if (
        existing
        and subject
        and subject.newer_than(verdict.commit, facts.run_id, facts.run_attempt, pull_request.head_sha)
    ):
        newer = f"commit {subject.current.commit[:12]}, attempt {subject.attempt}"
        note = f"comment not changed: it is already about {newer}: {existing.url}"
        return PublishedComment(url=existing.url, note=note)
    previous = subject.before(verdict.commit) if subject else None
    facts = msgspec.structs.replace(facts, current_head=pull_request.head_sha, previous=previous)
    body = comment_text(brief(verdict, job.evidence, facts))

    def is_newer(text: str) -> bool:
        subject = read_subject(text)
        return subject is not None and subject.newer_than(
            verdict.commit, facts.run_id, facts.run_attempt, pull_request.head_sha
        )

    # Another run may have written between the two looks, so the text that is about to be replaced decides.
    comment = upsert_comment(client, number=number, marker=mark, body=body, is_newer=is_newer)
    return PublishedComment(url=comment.url, note=f"comment {comment.state} on pull request #{number}: {comment.url}")
