"""Opens the pull request that proposes a revert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github.calls import read_pages, write
from ghmlops.clients.retry import SEARCH_DELAYS
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ, WRITE = "pull-requests: read", "pull-requests: write"


class _Head(msgspec.Struct, frozen=True):
    ref: str


class _PullRequest(msgspec.Struct, frozen=True):
    number: int
    head: _Head


def open_revert_pull_request(client: Client, *, head: str, base: str, title: str, body: str) -> int:
    """Open a pull request from branch `head` to branch `base` of the client's repository and return its number.

    If an open pull request with the same head and base exists, its number is returned instead, so the call is
    idempotent.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """

    def find_existing() -> _PullRequest | None:
        pages = read_pages(
            client,
            "pulls",
            _PullRequest,
            activity="looking for an open revert pull request",
            permission=READ,
            parameters={"state": "open", "head": f"{client.owner}:{head}", "base": base},
        )
        pulls = [p for page in pages for p in page if p.head.ref == head]
        return min(pulls, key=lambda p: p.number, default=None)

    if (existing := find_existing()) is not None:
        return existing.number
    try:
        return write(
            client,
            "POST",
            "pulls",
            _PullRequest,
            body={"title": title, "head": head, "base": base, "body": body},
            activity=f"opening a pull request from {head} to {base}",
            permission=WRITE,
            find_existing=find_existing,
        ).number
    except GitHubError as error:
        # It exists, but the list lags behind.
        if error.reason_code != "github-refused" or "already exists" not in error.message:
            raise
        for seconds in SEARCH_DELAYS:
            if client.remaining() <= seconds:
                break
            client.sleep(seconds)
            if (existing := find_existing()) is not None:
                return existing.number
        raise
