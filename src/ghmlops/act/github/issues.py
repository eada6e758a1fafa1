"""Writes an issue: identified by its hidden marker, edited in place, never duplicated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, write
from ghmlops.clients.github.identity import User, is_author, viewer_login

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ, WRITE = "issues: read", "issues: write"
MAX_PAGES = 10
"""Pages of open issues that are searched, newest first."""


class WrittenIssue(NamedTuple):
    """The result of writing an issue."""

    number: int
    state: str
    """`created`, `edited` or `unchanged`."""


class _Issue(msgspec.Struct, frozen=True):
    number: int
    title: str
    body: str | None = None
    user: User | None = None
    pull_request: dict[str, object] | None = None
    """Set if the issue is a pull request, which GitHub lists as well."""


class _Comment(msgspec.Struct, frozen=True):
    id: int
    body: str | None = None
    user: User | None = None


def upsert_issue(client: Client, *, marker: str, title: str, body: str) -> WrittenIssue:
    """Create the issue, or edit the open one that has `marker` as the first line of its body.

    Only issues whose author is the owner of the token count, because anybody can paste the marker.

    Args:
        client: The connection.
        marker: Hidden first line that identifies the issue.
        title: Title.
        body: Text after the marker.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    fields = {"title": title, "body": f"{marker}\n{body}"}

    def find_existing() -> _Issue | None:
        return _find(client, marker, viewer_login(client))

    existing = find_existing()
    if existing is None:
        activity = "opening an issue"
        created = write(
            client, "POST", "issues", _Issue, body=fields, activity=activity, permission=WRITE,
            find_existing=find_existing,
        )  # fmt: skip
        return WrittenIssue(created.number, "created")
    if (existing.title, _text(existing.body or "")) == (title, _text(fields["body"])):
        return WrittenIssue(existing.number, "unchanged")
    activity = f"editing issue #{existing.number}"
    write(client, "PATCH", f"issues/{existing.number}", _Issue, body=fields, activity=activity, permission=WRITE)
    return WrittenIssue(existing.number, "edited")


def open_issues(client: Client, prefix: str) -> dict[str, str]:
    """Return marker and body of each open issue whose marker begins with `prefix`; only issues of the token's owner.

    Args:
        client: The connection.
        prefix: Beginning of the hidden first line.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    own = _own(client, viewer_login(client))
    return {_first_line(i.body): i.body or "" for i in own if _first_line(i.body).startswith(prefix)}


def close_issue(client: Client, *, marker: str, comment: str) -> int | None:
    """Close the open issue that has `marker` as the first line of its body, and return its number; `None` without one.

    The comment has the marker too, and is written before the issue is closed: a run that was interrupted in between, or
    whose response was lost, leaves an open issue whose comment the next one finds.

    Args:
        client: The connection.
        marker: Hidden first line that identifies the issue.
        comment: Why it is closed.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    login = viewer_login(client)
    existing = _find(client, marker, login)
    if existing is None:
        return None
    number = existing.number

    def find_comment() -> _Comment | None:
        activity, address = f"reading the comments of issue #{number}", f"issues/{number}/comments"
        pages = read_pages(client, address, _Comment, activity=activity, permission=READ)
        comments = (comment for page in pages for comment in page)
        return next((c for c in comments if _first_line(c.body) == marker and is_author(c.user, login)), None)

    if find_comment() is None:
        activity, body = f"commenting on issue #{number}", {"body": f"{marker}\n{comment}"}
        write(
            client, "POST", f"issues/{number}/comments", _Comment, body=body, activity=activity, permission=WRITE,
            find_existing=find_comment,
        )  # fmt: skip
    fields = {"state": "closed", "state_reason": "completed"}
    activity = f"closing issue #{number}"
    write(client, "PATCH", f"issues/{number}", _Issue, body=fields, activity=activity, permission=WRITE)
    return number


def _find(client: Client, marker: str, login: str) -> _Issue | None:
    issues = [issue for issue in _own(client, login) if _first_line(issue.body) == marker]
    return min(issues, key=lambda issue: issue.number, default=None)


def _own(client: Client, login: str) -> list[_Issue]:
    """Return the open issues that the owner of the token wrote, newest first."""
    pages = read_pages(
        client,
        "issues",
        _Issue,
        activity="listing the open issues",
        permission=READ,
        parameters={"state": "open"},
        max_pages=MAX_PAGES,
    )
    return [issue for page in pages for issue in page if issue.pull_request is None and is_author(issue.user, login)]


def _first_line(body: str | None) -> str:
    return (body or "").strip().partition("\n")[0].strip()


def _text(body: str) -> str:
    return body.replace("\r\n", "\n").strip()
