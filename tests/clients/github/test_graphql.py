"""GraphQL: errors with status 200 become the error of the REST API in the same case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.clients.github.calls import send
from ghmlops.clients.github.graphql import query
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

DOCUMENT = "query { viewer { login } }"


class _Viewer(msgspec.Struct):
    login: str


class _Answer(msgspec.Struct):
    viewer: _Viewer


def ask(client: Client, document: str = DOCUMENT) -> str:
    """Ask who the token is."""
    answer = send(client, lambda: query(client, document, _Answer), activity="asking", permission="metadata: read")
    return answer.viewer.login


ERRORS = [
    ("RATE_LIMITED", "API rate limit exceeded", ""),
    ("", "You have exceeded a secondary rate limit.", ""),
    ("", "Something went wrong while executing your query.", ""),
    ("SERVICE_UNAVAILABLE", "Try again", ""),
    ("FORBIDDEN", "Resource not accessible by integration", "permission-missing"),
    ("STALE_DATA", "Expected branch to point to it", "github-refused"),
    ("UNPROCESSABLE", "A path does not exist", "github-refused"),
    ("NOT_FOUND", "Could not resolve", ""),
    ("NEW_TYPE", "Unheard of", "forbidden"),
]


@pytest.mark.parametrize(("kind", "message", "code"), ERRORS)
def test_errors(api: Api, client: Client, kind: str, message: str, code: str) -> None:
    """A limit or a failure of GitHub is waited for and asked again; everything else is one error with a reason code."""
    api.seed(faults=[{"kind": "errors", "path": "graphql", "errors": [{"type": kind, "message": message}]}])
    if code:
        with pytest.raises(GitHubError) as raised:
            ask(client)
        assert raised.value.reason_code == code
    else:
        assert ask(client) == "github-actions[bot]"


@pytest.mark.parametrize("errors", [["text"], "text", {"a": 1}])
def test_errors_of_another_form(api: Api, client: Client, errors: object) -> None:
    """They are an error, never a result."""
    api.seed(faults=[{"kind": "errors", "path": "graphql", "errors": errors}])
    with pytest.raises(GitHubError):
        ask(client)


def test_a_response_of_another_form(api: Api, client: Client) -> None:
    """Data without the expected fields is an error after all retries."""
    api.seed(faults=[{"kind": "errors", "path": "graphql", "errors": [], "times": 10}])
    with pytest.raises(GitHubError) as raised:
        ask(client)
    assert raised.value.reason_code == "github-odd-answer"
