"""Writes the comment of a pull request: identified by its hidden marker, edited in place, never duplicated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, send, url_of, write
from ghmlops.clients.github.identity import User, is_author, viewer_login
from ghmlops.clients.github.transport import exchange
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.github_limits import COMMENT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client

READ, WRITE = "pull-requests: read", "pull-requests: write"


class WrittenComment(NamedTuple):
    """The result of writing a comment."""

    url: str
    id: int
    state: str
    """`created`, `edited`, `unchanged`, or `superseded` if the existing comment is of a newer run."""


class ExistingComment(NamedTuple):
    """A comment on the pull request."""

    url: str
    id: int
    body: str


class _Comment(msgspec.Struct, frozen=True):
    id: int
    html_url: str
    body: str | None = None
    user: User | None = None


def own_comment(client: Client, *, number: int, marker: str) -> ExistingComment | None:
    """Return the comment that `upsert_comment` would edit, with the text of an earlier run, or `None`.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    comments = _own_comments(client, number, marker)
    return ExistingComment(comments[0].html_url, comments[0].id, comments[0].body or "") if comments else None


def upsert_comment(
    client: Client, *, number: int, marker: str, body: str, is_newer: Callable[[str], bool] | None = None
) -> WrittenComment:
    """Create or edit the comment with `marker` on pull request `number`.

    Only comments whose author is the owner of the token count, because anybody can paste the marker. It must be the
    first line of `body` and is looked for only there, so that a quotation of it does not count either. If two runs
    raced and created two comments, the older one is kept.

    Args:
        client: The connection.
        number: Number of the pull request.
        marker: Hidden first line that identifies the comment.
        body: Text of the comment.
        is_newer: Returns whether a comment with this text is of a newer run, so that it must stay as it is. It is
            asked about the text that is about to be replaced.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
        ValueError: The marker is not the first line, or the body is too long (a bug, not an input).
    """
    if _first_line(body) != marker or len(body) > COMMENT_LIMIT:
        raise ValueError("the marker is not the first line of the comment, or the comment is too long")
    comments = _own_comments(client, number, marker)
    while comments:
        if newer := next((c for c in comments if is_newer and is_newer(c.body or "")), None):
            return WrittenComment(newer.html_url, newer.id, "superseded")
        try:
            return _edit_oldest(client, comments, body)
        except GitHubError as error:
            oldest, comments = comments[0], _own_comments(client, number, marker)
            # A comment that is still listed was not deleted; a new one would be its duplicate.
            if error.reason_code != "not-found" or oldest.id in {c.id for c in comments}:
                raise

    def find_existing() -> _Comment | None:
        return next(iter(_own_comments(client, number, marker)), None)

    created = write(
        client,
        "POST",
        f"issues/{number}/comments",
        _Comment,
        body={"body": body},
        activity=f"commenting on pull request #{number}",
        permission=WRITE,
        find_existing=find_existing,
    )
    return WrittenComment(created.html_url, created.id, "created")


def _edit_oldest(client: Client, comments: list[_Comment], body: str) -> WrittenComment:
    """Edit the oldest comment and delete its duplicates."""
    oldest, state = comments[0], "unchanged"
    if not _same_text(oldest.body or "", body):
        address, activity = f"issues/comments/{oldest.id}", f"editing comment {oldest.id}"
        write(client, "PATCH", address, _Comment, body={"body": body}, activity=activity, permission=WRITE)
        state = "edited"
    for duplicate in comments[1:]:
        _delete(client, duplicate)
    return WrittenComment(oldest.html_url, oldest.id, state)


def _delete(client: Client, duplicate: _Comment) -> None:
    """Delete a comment; that it is missing already is a success."""
    url = url_of(client, f"issues/comments/{duplicate.id}")
    activity = f"deleting the duplicate comment {duplicate.id}"
    try:
        send(client, lambda: exchange(client, "DELETE", url), activity=activity, permission=WRITE, is_write=True)
    except GitHubError as error:
        if error.reason_code != "not-found":
            raise


def _same_text(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()


def _own_comments(client: Client, number: int, marker: str) -> list[_Comment]:
    """Return the token's own comments with the marker, oldest first."""
    login = viewer_login(client)
    activity = f"listing the comments of pull request #{number}"
    pages = read_pages(client, f"issues/{number}/comments", _Comment, activity=activity, permission=READ)
    comments = [c for page in pages for c in page if _first_line(c.body or "") == marker and is_author(c.user, login)]
    return sorted(comments, key=lambda c: c.id)


def _first_line(body: str) -> str:
    return body.strip().partition("\n")[0].strip()
