"""Reads what a person may do in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import read
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

MAINTAINER_ROLES = ("admin", "maintain")


class _Permission(msgspec.Struct, frozen=True):
    permission: str
    """`admin`, `write`, `read` or `none`."""
    role_name: str = ""


def is_maintainer(client: Client, login: str) -> bool:
    """Return whether GitHub confirms that a person has the role `maintain` or `admin`; a stranger has none.

    Raises:
        GitHubError: GitHub rejected the request for another reason than an unknown person.
    """
    if not login:
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
    return answer.permission == "admin" or answer.role_name in MAINTAINER_ROLES
