"""Writes the comment of a pull request: identified by its hidden marker, edited in place, never duplicated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.clients.github.client import Client, require, send
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.steps.github_limits import COMMENT_LIMIT

if TYPE_CHECKING:
    from github.IssueComment import IssueComment

READ, WRITE = "pull-requests: read", "pull-requests: write"


class WrittenComment(NamedTuple):
    """The result of writing a comment."""

    url: str
    id: int
    state: str
    """`created`, `edited` or `unchanged`."""


class ExistingComment(NamedTuple):
    """A comment on the pull request."""

    url: str
    id: int
    body: str


def own_comment(client: Client, *, number: int, marker: str) -> ExistingComment | None:
    """Return the comment that `upsert_comment` would edit, with the text of an earlier run, or `None`.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    comments = _own_comments(client, number, marker, _login(client))
    return ExistingComment(comments[0].html_url, comments[0].id, comments[0].body or "") if comments else None


def upsert_comment(client: Client, *, number: int, marker: str, body: str) -> WrittenComment:
    """Create or edit the comment with `marker` on pull request `number`.

    Only comments of the token's own author count, because anybody can paste the marker. It must be the first line of
    `body` and is looked for only there, so that a quotation of it does not count either. If two runs raced and created
    two comments, the older one is kept.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
        ValueError: The marker is not the first line, or the body is too long (a bug, not an input).
    """
    if _first_line(body) != marker or len(body) > COMMENT_LIMIT:
        raise ValueError("the marker is not the first line of the comment, or the comment is too long")
    login = _login(client)
    comments = _own_comments(client, number, marker, login)
    if comments and (edited := _edit_oldest(client, comments, body)):
        return edited

    def create() -> WrittenComment:
        comment = client.repo.get_issue(number).create_comment(body)
        return WrittenComment(require(comment.html_url), require(comment.id), "created")

    def find_existing() -> WrittenComment | None:
        existing = _own_comments(client, number, marker, login)
        return next((WrittenComment(c.html_url, c.id, "created") for c in existing), None)

    activity = f"commenting on pull request #{number}"
    return send(client, create, activity=activity, permission=WRITE, find_existing=find_existing)


def _login(client: Client) -> str:
    """Return the login of a personal token; empty for an installation (GITHUB_TOKEN, an App), which has none."""
    try:
        return send(
            client,
            lambda: require(client.api.get_user().login),
            activity="reading the user of the token",
            permission="metadata: read",
        )
    except PermissionMissing:
        return ""


def _edit_oldest(client: Client, comments: list[IssueComment], body: str) -> WrittenComment | None:
    """Edit the oldest comment and delete its duplicates; return `None` if it was deleted meanwhile."""
    oldest, state = comments[0], "unchanged"
    if not _same_text(oldest.body or "", body):
        try:
            send(client, lambda: oldest.edit(body), activity=f"editing comment {oldest.id}", permission=WRITE)
        except GitHubError as error:
            if error.reason_code == "not-found":
                return None
            raise
        state = "edited"
    for duplicate in comments[1:]:
        if duplicate.user.login == oldest.user.login:
            _delete(client, duplicate)
    return WrittenComment(oldest.html_url, oldest.id, state)


def _delete(client: Client, duplicate: IssueComment) -> None:
    try:
        send(client, duplicate.delete, activity=f"deleting the duplicate comment {duplicate.id}", permission=WRITE)
    except GitHubError as error:
        if error.reason_code != "not-found":
            raise


def _same_text(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()


def _own_comments(client: Client, number: int, marker: str, login: str) -> list[IssueComment]:
    """Return the token's own comments with the marker, oldest first."""

    def read() -> list[IssueComment]:
        comments = client.repo.get_issue(number).get_comments()
        return [c for c in comments if _first_line(c.body or "") == marker and _is_own(c, login) and require(c.id)]

    activity = f"listing the comments of pull request #{number}"
    comments = send(client, read, activity=activity, permission=READ)
    return sorted(comments, key=lambda c: c.id)


def _is_own(comment: IssueComment, login: str) -> bool:
    """Return whether the token's author wrote a comment; the author is `None` if the account was deleted."""
    if login:
        return bool(getattr(comment.user, "login", "") == login)
    return bool(getattr(comment.user, "type", "") == "Bot")


def _first_line(body: str) -> str:
    return body.strip().partition("\n")[0].strip()
