"""Reads who reviewed the inputs of a pull request: a maintainer who set the label after the head was pushed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages
from ghmlops.core.errors import GitHubError
from ghmlops.measure.github.collaborators import is_maintainer
from ghmlops.measure.github.pushes import tip_push
from ghmlops.measure.github.runs import READ as READ_RUNS
from ghmlops.measure.github.runs import Run

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

REVIEW_LABEL = "ghmlops: inputs reviewed"
READ = "pull-requests: read"
_HEAD_CHANGES = ("head_ref_force_pushed", "head_ref_restored")
"""Events after which the head may be another commit than the one that was reviewed."""
_PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


class _User(msgspec.Struct, frozen=True):
    login: str


class _Label(msgspec.Struct, frozen=True):
    name: str = ""


class _Event(msgspec.Struct, frozen=True):
    id: int
    event: str
    created_at: datetime
    actor: _User | None = None
    label: _Label | None = None


class Head(NamedTuple):
    """The head of a pull request."""

    repository: str
    """`owner/name`; empty if the fork was deleted."""
    branch: str
    sha: str


def push_time(client: Client, head: Head, workflow: str = "") -> datetime | None:
    """Return when the head became what it is, or a later time; `None` if GitHub shows none.

    A run alone does not show it: a head that was pushed, replaced and pushed again has runs from before. GitHub's list
    of pushes decides; for a fork, or if it cannot be read, the newest run that a push of this head started.

    Args:
        client: The connection.
        head: The head.
        workflow: Path of the workflow file whose runs count; empty for all.

    Raises:
        GitHubError: The runs cannot be read; `PermissionMissing` names the permission.
    """
    if head.branch and head.repository.lower() == client.repository.lower():
        try:
            push = tip_push(client, head.branch, head.sha)
        except GitHubError as error:
            client.note(f"the pushes to {head.branch} cannot be read: {error.message}")
            push = None
        if push is not None:
            return push.time
    pages = read_pages(
        client,
        "actions/runs",
        Run,
        key="workflow_runs",
        parameters={"head_sha": head.sha},
        activity=f"listing the runs of commit {head.sha[:12]}",
        permission=READ_RUNS,
    )
    times = [
        datetime.fromisoformat(run.created_at)
        for page in pages
        for run in page
        if run.event in _PULL_REQUEST_EVENTS
        and run.head_sha == head.sha
        and run.head_branch == head.branch
        and (not workflow or run.path.partition("@")[0] == workflow)
    ]
    return max(times, default=None)


def inputs_reviewer(client: Client, number: int, pushed: datetime) -> str:
    """Return the maintainer who set the label `REVIEW_LABEL` after the head was pushed; empty if nobody did.

    A label that was removed again, that was set before the push, or that was set by anybody else does not count, nor
    does one after which the head was replaced.

    Args:
        client: The connection.
        number: Number of the pull request.
        pushed: A time after the push of the head, such as the creation of the first run about it.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    pages = read_pages(
        client,
        f"issues/{number}/events",
        _Event,
        activity=f"reading the labels of pull request #{number}",
        permission=READ,
    )
    events = [event for page in pages for event in page]
    changes = [
        event
        for event in events
        if event.event in ("labeled", "unlabeled") and event.label and event.label.name == REVIEW_LABEL
    ]
    newest = max(changes, key=lambda event: (event.created_at, event.id), default=None)
    if newest is None or newest.event != "labeled" or newest.created_at <= pushed or newest.actor is None:
        return ""
    if any(event.event in _HEAD_CHANGES and event.created_at >= newest.created_at for event in events):
        return ""
    return newest.actor.login if is_maintainer(client, newest.actor.login) else ""
