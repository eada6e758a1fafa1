"""Reads which commit a merged pull request became on its base branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github.calls import read, read_pages
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.revert.spec import MergedPullRequest
from ghmlops.measure.github.pull_requests import READ

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client


class _Side(msgspec.Struct, frozen=True):
    ref: str
    sha: str


class _PullRequest(msgspec.Struct, frozen=True):
    merged: bool
    base: _Side
    head: _Side | None = None
    merge_commit_sha: str | None = None


class _Message(msgspec.Struct, frozen=True):
    message: str


class _Commit(msgspec.Struct, frozen=True):
    commit: _Message


def merged_pull_request(client: Client, number: int) -> MergedPullRequest:
    """Return the merge of pull request `number`.

    Raises:
        InputError: The pull request is not merged.
        GitHubError: There is no such pull request, or GitHub rejected a request.
    """
    activity, address = f"reading pull request #{number}", f"pulls/{number}"
    pull_request = read(client, address, _PullRequest, activity=activity, permission=READ)
    sha = pull_request.merge_commit_sha or ""
    if not pull_request.merged or not is_sha(sha):
        raise InputError(f"pull request #{number} is not merged", hint="there is nothing to revert; close it instead")
    pages = read_pages(client, f"{address}/commits", _Commit, activity=activity, permission=READ)
    return MergedPullRequest(
        sha=sha,
        base=pull_request.base.ref,
        messages=tuple(c.commit.message for page in pages for c in page),
        head=pull_request.head.sha if pull_request.head else "",
    )
