"""Adds a reaction to a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.clients.github.calls import write

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

WRITE = "pull-requests: write"


def react(client: Client, *, comment_id: int, content: str) -> None:
    """Add a reaction; GitHub does not add the same one of the same person twice, so that a repetition is harmless.

    Args:
        client: The connection.
        comment_id: Id of the comment.
        content: `eyes`, `+1` or `confused`.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    write(
        client,
        "POST",
        f"issues/comments/{comment_id}/reactions",
        object,
        body={"content": content},
        activity=f"reacting to comment {comment_id}",
        permission=WRITE,
    )
