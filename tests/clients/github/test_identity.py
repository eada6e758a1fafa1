"""The login of the token, and whether it is the author of a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.clients.github.identity import User, is_author, viewer_login
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

AUTHORS = [
    # author, login of the token, is the author
    (User("github-actions[bot]", "Bot"), "github-actions[bot]", True),
    (User("github-actions[bot]", "Bot"), "github-actions", True),
    (User("github-actions", "User"), "github-actions[bot]", False),
    (User("other[bot]", "Bot"), "github-actions[bot]", False),
    (User("Alice", "User"), "alice", True),
    (None, "alice", False),
    (User("alice", "User"), "", False),
]


@pytest.mark.parametrize(("author", "login", "expected"), AUTHORS)
def test_authors_are_compared_by_login(author: User | None, login: str, expected: bool) -> None:
    """The login decides, not the word bot; a person who owns the login without the suffix is another author."""
    assert is_author(author, login) is expected


def test_token_of_a_person_without_graphql(api: Api, client_for: Callable[[str], Client]) -> None:
    """If GraphQL refuses, `GET /user` names a person; an installation has no login there, which is an error."""
    api.seed(
        tokens={"alice": {"login": "alice", "kind": "user"}},
        faults=[{"kind": "status", "status": 403, "path": "graphql", "times": 2}],
    )
    assert viewer_login(client_for("alice")) == "alice"
    with pytest.raises(GitHubError):
        viewer_login(client_for("t"))
