"""Reads a comment on a pull request, and what GitHub states about its author and the head that the author saw."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import MAX_PAGES, read, read_pages
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.slash_command import MeasuringRun, Situation
from ghmlops.measure.github.pull_requests import READ, pull_request
from ghmlops.measure.github.runs import READ as READ_RUNS

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.measure.github.pull_requests import PullRequest

_NUMBER = re.compile(r"/issues/([0-9]{1,18})")
_FORCED = "head_ref_force_pushed"


class _User(msgspec.Struct, frozen=True):
    login: str
    type: str = "User"


class _Comment(msgspec.Struct, frozen=True):
    id: int
    issue_url: str
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    user: _User | None = None


class _Event(msgspec.Struct, frozen=True):
    event: str
    created_at: datetime


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _Run(msgspec.Struct, frozen=True):
    id: int
    head_sha: str
    created_at: datetime
    head_branch: str | None = None
    head_repository: _Repository | None = None
    status: str | None = None
    conclusion: str | None = None
    run_attempt: int = 1
    run_started_at: datetime | None = None


class Comment(NamedTuple):
    """A comment as GitHub describes it."""

    id: int
    number: int
    """Number of the issue or pull request; 0 if GitHub names none."""
    body: str
    login: str
    """Login of the author; empty if the account was deleted."""
    is_bot: bool
    created_at: datetime
    edited: bool


def read_comment(client: Client, comment_id: int) -> Comment:
    """Return a comment.

    Raises:
        GitHubError: There is no such comment (reason code `not-found`), or GitHub rejected the request.
    """
    activity = f"reading comment {comment_id}"
    comment = read(client, f"issues/comments/{comment_id}", _Comment, activity=activity, permission=READ)
    number = _NUMBER.search(comment.issue_url.removeprefix(client.api_url))
    return Comment(
        id=comment.id,
        number=int(number[1]) if number else 0,
        body=comment.body or "",
        login=comment.user.login if comment.user else "",
        is_bot=comment.user is None or comment.user.type != "User",
        created_at=comment.created_at,
        edited=comment.updated_at != comment.created_at,
    )


def read_situation(client: Client, comment: Comment, workflow: str) -> Situation:
    """Return what decides whether a command in a comment is carried out.

    Args:
        client: The connection.
        comment: The comment.
        workflow: File name of the workflow that measures.

    Raises:
        GitHubError: The comment is not on a pull request (reason code `not-found`), there is no such workflow, or
            GitHub rejected a request.
    """
    pull = pull_request(client, comment.number)
    return Situation(
        commented_at=comment.created_at,
        edited=comment.edited,
        is_bot=comment.is_bot,
        is_open=pull.state == "open",
        head_sha=pull.head_sha,
        runs=_runs(client, pull, workflow),
        forced=_force_pushes(client, pull.number),
    )


def _runs(client: Client, pull: PullRequest, workflow: str) -> list[MeasuringRun]:
    """Return the runs of a workflow for the head, of this pull request and not of another one with the same commit."""
    pages = read_pages(
        client,
        f"actions/workflows/{quote(workflow, safe='')}/runs",
        _Run,
        activity=f"looking for the run of {workflow} that measured #{pull.number}",
        permission=READ_RUNS,
        parameters={"head_sha": pull.head_sha, "event": "pull_request"},
        key="workflow_runs",
    )
    return [
        MeasuringRun(
            id=run.id,
            completed=run.status == "completed",
            conclusion=run.conclusion or "",
            attempt=run.run_attempt,
            created_at=run.created_at,
            started_at=run.run_started_at or run.created_at,
        )
        for page in pages
        for run in page
        if run.head_sha == pull.head_sha and run.head_branch == pull.head_branch and _is_of(run, pull)
    ]


def _is_of(run: _Run, pull: PullRequest) -> bool:
    origin = run.head_repository.full_name if run.head_repository else ""
    return bool(origin) and origin.lower() == pull.head_repository.lower()


def _force_pushes(client: Client, number: int) -> list[datetime]:
    """Return the times of the force pushes.

    Raises:
        GitHubError: There are more events than can be read, so that a push may be missing; or as for `read_pages`.
    """
    activity = f"reading the events of pull request #{number}"
    pages = list(read_pages(client, f"issues/{number}/events", _Event, activity=activity, permission=READ))
    if len(pages) >= MAX_PAGES:
        raise GitHubError(f"pull request #{number} has too many events", hint="open a new pull request for the change")
    return [event.created_at for page in pages for event in page if event.event == _FORCED]
