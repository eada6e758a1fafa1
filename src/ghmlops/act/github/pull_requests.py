"""Opens the pull request that proposes a revert."""

from __future__ import annotations

from ghmlops.clients.github.client import Client, require, send

READ, WRITE = "pull-requests: read", "pull-requests: write"


def open_revert_pull_request(client: Client, *, head: str, base: str, title: str, body: str) -> int:
    """Open a pull request from branch `head` to branch `base` of the client's repository and return its number.

    If an open pull request with the same head and base exists, its number is returned instead, so the call is
    idempotent.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """

    def list_open() -> list[int]:
        pull_requests = client.repo.get_pulls(state="open", head=f"{client.owner}:{head}", base=base)
        return [require(p.number) for p in pull_requests if p.head.ref == head]

    def find_existing() -> int | None:
        numbers = send(client, list_open, activity="looking for an open revert pull request", permission=READ)
        return min(numbers, default=None)

    if (number := find_existing()) is not None:
        return number
    return send(
        client,
        lambda: require(client.repo.create_pull(base, head, title=title, body=body).number),
        activity=f"opening a pull request from {head} to {base}",
        permission=WRITE,
        find_existing=find_existing,
    )
