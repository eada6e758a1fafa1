"""Reads who reviewed the inputs of a pull request: a maintainer who set the label after the head was pushed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github.calls import read, read_pages
from ghmlops.measure.github.collaborators import is_maintainer

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

REVIEW_LABEL = "ghmlops: inputs reviewed"
READ = "pull-requests: read"


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


class _Commit(msgspec.Struct, frozen=True):
    sha: str


class _Comparison(msgspec.Struct, frozen=True):
    merge_base_commit: _Commit


def inputs_reviewer(client: Client, number: int, pushed: datetime) -> str:
    """Return the maintainer who set the label `REVIEW_LABEL` after the head was pushed; empty if nobody did.

    A label that was removed again, that was set before the push, or that was set by anybody else does not count.

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
    changes = [
        event
        for page in pages
        for event in page
        if event.event in ("labeled", "unlabeled") and event.label and event.label.name == REVIEW_LABEL
    ]
    newest = max(changes, key=lambda event: (event.created_at, event.id), default=None)
    if newest is None or newest.event != "labeled" or newest.created_at <= pushed or newest.actor is None:
        return ""
    return newest.actor.login if is_maintainer(client, newest.actor.login) else ""


def merge_base(client: Client, base: str, head: str) -> str:
    """Return the full SHA of the newest common ancestor of two commits, also if one is in a fork.

    Raises:
        GitHubError: GitHub does not know a commit (reason code `not-found`), or rejected the request.
    """
    comparison = read(
        client,
        f"compare/{base}...{head}",
        _Comparison,
        activity=f"comparing {head[:12]} with {base[:12]}",
        permission="contents: read",
        parameters={"per_page": 1},
    )
    return comparison.merge_base_commit.sha
