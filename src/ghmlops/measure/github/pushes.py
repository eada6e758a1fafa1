"""Reads the pushes to a branch, as GitHub recorded them: when a commit became its tip, and what was there before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import PAGE, read
from ghmlops.core.context import is_repository, is_sha
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ = "contents: read"


class _Activity(msgspec.Struct, frozen=True):
    before: str
    after: str
    timestamp: datetime


class Push(NamedTuple):
    """One update of a branch: a push, a merged pull request, or its creation."""

    before: str
    """Full SHA of the tip before; empty if the branch was created."""
    time: datetime


def newest_push(client: Client, branch: str, tip: str, repository: str = "") -> Push | None:
    """Return the newest update that made `tip` the tip of a branch; `None` if GitHub lists none.

    Args:
        client: The connection.
        branch: Name of the branch.
        tip: Full SHA of the commit.
        repository: `owner/name` of the branch; empty stands for the client's repository.

    Raises:
        InputError: `repository` is no name of a repository.
        GitHubError: GitHub rejected the request, for example because the repository is another one that is private.
    """
    matches = [update for update in _updates(client, branch, repository) if update.after == tip]
    newest = max(matches, key=lambda update: update.timestamp, default=None)
    return None if newest is None else _push(newest)


def tip_push(client: Client, branch: str, tip: str, repository: str = "") -> Push | None:
    """Return the newest update of a branch if it made `tip` its tip; `None` if another one did, or GitHub lists none.

    A branch that was deleted since counts with the tip that it had.

    Raises:
        InputError: `repository` is no name of a repository.
        GitHubError: As for `newest_push`.
    """
    updates = [update for update in _updates(client, branch, repository) if set(update.after) != {"0"}]
    newest = max(updates, key=lambda update: update.timestamp, default=None)
    return None if newest is None or newest.after != tip else _push(newest)


def _updates(client: Client, branch: str, repository: str) -> list[_Activity]:
    name = repository or client.repository
    if not is_repository(name):
        raise InputError(f"{name[:80]!a} is not a repository", hint="for example octocat/hello-world")
    return read(
        client,
        f"/repos/{name}/activity",
        list[_Activity],
        activity=f"reading the pushes to {branch}",
        permission=READ,
        parameters={"ref": f"refs/heads/{branch}", "per_page": PAGE},
    )


def _push(update: _Activity) -> Push:
    before = update.before if is_sha(update.before) and set(update.before) != {"0"} else ""
    return Push(before, update.timestamp)
