"""Reads what a person may do in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import read
from ghmlops.clients.github.identity import BOT_SUFFIX, User
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

MAINTAINER_ROLES = ("admin", "maintain")


class _Permission(msgspec.Struct, frozen=True):
    permission: str
    """`admin`, `write`, `read` or `none`."""
    role_name: str = ""
    user: User | None = None


class _Membership(msgspec.Struct, frozen=True):
    state: str
    """`active`, or `pending` while an invitation is open."""


def is_maintainer(client: Client, login: str) -> bool:
    """Return whether GitHub confirms that a person has the role `maintain` or `admin`; a stranger has none.

    Raises:
        GitHubError: GitHub rejected the request for another reason than an unknown person.
    """
    return has_role(client, login, "maintain")


def has_role(client: Client, login: str, role: str) -> bool:
    """Return whether GitHub confirms that a person has at least a role; a stranger has none, and neither has a bot.

    Args:
        client: The connection.
        login: Login of the person; empty if unknown.
        role: `write`, `maintain` or `admin`.

    Raises:
        GitHubError: GitHub rejected the request for another reason than an unknown person.
    """
    if not login or login.endswith(BOT_SUFFIX):
        return False
    address = f"collaborators/{quote(login, safe='')}/permission"
    try:
        answer = read(
            client, address, _Permission, activity=f"reading the role of {login}", permission="metadata: read"
        )
    except GitHubError as error:
        if error.reason_code == "not-found":
            return False
        raise
    if answer.user is not None and answer.user.type not in ("", "User"):
        return False
    maintains = answer.permission == "admin" or answer.role_name in MAINTAINER_ROLES
    writes = maintains or answer.permission == "write"
    return {"write": writes, "maintain": maintains, "admin": answer.permission == "admin"}[role]


def is_team_member(client: Client, login: str, team: str) -> bool:
    """Return whether GitHub confirms that a person is an active member of a team.

    A token of a workflow run may not read teams. What cannot be read confirms nobody, and is a note.

    Args:
        client: The connection.
        login: Login of the person; empty if unknown.
        team: `organisation/slug`.
    """
    organisation, _, slug = team.partition("/")
    if not login:
        return False
    address = f"/orgs/{quote(organisation, safe='')}/teams/{quote(slug, safe='')}/memberships/{quote(login, safe='')}"
    try:
        answer = read(client, address, _Membership, activity=f"reading team {team}", permission="members: read")
    except GitHubError as error:
        if error.reason_code != "not-found":
            client.note(f"whether {login} is a member of {team} is unknown: {error.message}")
        return False
    return answer.state == "active"
