"""Who the token is: the login under which its comments and deployments appear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github.calls import read, send
from ghmlops.clients.github.graphql import query
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

_QUERY = "query { viewer { login } }"
BOT_SUFFIX = "[bot]"
_METADATA = "metadata: read"


class User(msgspec.Struct, frozen=True):
    """The author of a comment or deployment."""

    login: str
    type: str = ""
    """`User`, `Bot` or `Organization`."""


class _Answer(msgspec.Struct, frozen=True):
    viewer: User


def viewer_login(client: Client) -> str:
    """Return the login of the token, read once per connection: `viewer { login }` in GraphQL, else `GET /user`.

    GITHUB_TOKEN and tokens of GitHub Apps have a login in GraphQL only.

    Raises:
        GitHubError: Neither API names the login.
    """
    if "login" not in client.identity:
        client.identity["login"] = _viewer_login(client)
    return client.identity["login"]


def _viewer_login(client: Client) -> str:
    activity = "reading the login of the token"
    try:
        return send(client, lambda: _query(client), activity=activity, permission=_METADATA)
    except GitHubError as error:
        if error.reason_code in ("bad-token", "rate-limited", "github-unreachable", "github-time-limit"):
            raise
        return read(client, "/user", User, activity=activity, permission=_METADATA).login


def _query(client: Client) -> str:
    return query(client, _QUERY, _Answer).viewer.login


def is_author(user: User | None, login: str) -> bool:
    """Return whether `user` is the owner of the token with the login `login`; the user of a deleted account is `None`.

    GraphQL may name a bot without the suffix `[bot]` that REST adds. A person can own the login without the suffix, so
    the suffix is ignored for bots only.
    """
    if user is None or not login:
        return False
    name, own = user.login.lower(), login.lower()
    return name == own or (user.type == "Bot" and name.removesuffix(BOT_SUFFIX) == own)
