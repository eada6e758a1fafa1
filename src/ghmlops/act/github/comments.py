"""The one comment of a pull request: found by its hidden marker, edited in place, never a second one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.clients.github.client import Client, require, send
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from github.IssueComment import IssueComment

NEED = "pull-requests: write"
LIMIT = 65_536
"""Characters; GitHub refuses a longer comment."""


class Comment(NamedTuple):
    """What became of a comment: `state` is `created`, `edited` or `unchanged`."""

    url: str
    id: int
    state: str


class Existing(NamedTuple):
    """A comment as it stands."""

    url: str
    id: int
    body: str


def own_comment(client: Client, *, number: int, marker: str) -> Existing | None:
    """Return the comment that `upsert_comment` would edit, or `None`; its text tells what an earlier run said.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
    """
    own = _own(client, number, marker, _login(client))
    return Existing(own[0].html_url, own[0].id, own[0].body or "") if own else None


def upsert_comment(client: Client, *, number: int, marker: str, body: str) -> Comment:
    """Create or edit the comment that carries `marker` on pull request `number`.

    Only a comment of the token's own author counts: anybody can paste the marker. The marker must be the first line of
    `body`, and is looked for there only, so that a quotation of it does not count either. Where two runs raced and
    left two, the older one is kept.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
        ValueError: the marker is not the first line, or the body is too long (a bug, not an input).
    """
    if _first_line(body) != marker or len(body) > LIMIT:
        raise ValueError("the marker is not the first line of the comment, or the comment is too long")
    login = _login(client)
    own = _own(client, number, marker, login)
    if own and (kept := _keep(client, own, body)):
        return kept

    def create() -> Comment:
        made = client.repo.get_issue(number).create_comment(body)
        return Comment(require(made.html_url), require(made.id), "created")

    def found() -> Comment | None:
        return next((Comment(c.html_url, c.id, "created") for c in _own(client, number, marker, login)), None)

    return send(client, create, activity=f"commenting on pull request #{number}", permission=NEED, find_existing=found)


def _login(client: Client) -> str:
    """Return the login behind a person's token; empty for an installation (GITHUB_TOKEN, an App), which has none."""
    try:
        return send(
            client,
            lambda: require(client.api.get_user().login),
            activity="asking who the token is",
            permission="metadata: read",
        )
    except PermissionMissing:
        return ""


def _keep(client: Client, own: list[IssueComment], body: str) -> Comment | None:
    """Edit the oldest own comment and delete its doubles; `None` where it went away meanwhile."""
    first, state = own[0], "unchanged"
    if not _same(first.body or "", body):
        try:
            send(client, lambda: first.edit(body), activity=f"editing comment {first.id}", permission=NEED)
        except GitHubError as error:
            if error.reason_code == "not-found":
                return None
            raise
        state = "edited"
    for double in own[1:]:
        if double.user.login == first.user.login:
            _delete(client, double)
    return Comment(first.html_url, first.id, state)


def _delete(client: Client, double: IssueComment) -> None:
    try:
        send(client, double.delete, activity=f"deleting the doubled comment {double.id}", permission=NEED)
    except GitHubError as error:
        if error.reason_code != "not-found":
            raise


def _same(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()


def _own(client: Client, number: int, marker: str, login: str) -> list[IssueComment]:
    """Return own comments that carry the marker, oldest first."""

    def read() -> list[IssueComment]:
        listed = client.repo.get_issue(number).get_comments()
        return [c for c in listed if _first_line(c.body or "") == marker and _by(c, login) and require(c.id)]

    own = send(
        client,
        read,
        activity=f"listing the comments of pull request #{number}",
        permission="pull-requests: read",
    )
    return sorted(own, key=lambda c: c.id)


def _by(comment: IssueComment, login: str) -> bool:
    """True for a comment of the token's author; the author is `None` where the account is gone."""
    if login:
        return bool(getattr(comment.user, "login", "") == login)
    return bool(getattr(comment.user, "type", "") == "Bot")


def _first_line(body: str) -> str:
    return body.strip().partition("\n")[0].strip()
