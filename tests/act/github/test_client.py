"""The connection: what it needs, and what it says when there is nobody at the other end."""

from __future__ import annotations

import dataclasses
import socket
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.client import connect
from ghmlops.act.github.comments import upsert_comment
from ghmlops.act.github.pulls import pull_request
from ghmlops.core.errors import GitHubError, InputError

if TYPE_CHECKING:
    from ghmlops.act.github.client import Client
    from github_api.server import Api

SECRET = "ghs_sEcReTsEcReT"
BAD = [
    ({"token": " "}, "input `token` is not a token"),
    ({"token": "two words"}, "input `token` is not a token"),
    ({"token": "line\nbreak"}, "input `token` is not a token"),
    ({"api_url": ""}, "address of GitHub's API is not known"),
    ({"api_url": "file:///etc/passwd"}, "address of GitHub's API is not known"),
    ({"api_url": "http://[bad"}, "GITHUB_API_URL is not an http or https address"),
    ({"api_url": "http://x y:99999"}, "GITHUB_API_URL is not an http or https address"),
    ({"api_url": "http://x:99999"}, "GITHUB_API_URL is not an http or https address"),
    ({"api_url": "http://x:0"}, "GITHUB_API_URL is not an http or https address"),
    ({"api_url": "http://"}, "GITHUB_API_URL is not an http or https address"),
    ({"api_url": "https://me:pw@x"}, "GITHUB_API_URL is not an http or https address"),
    ({"repository": ""}, "the repository is not known"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_is_missing_is_said(given: dict[str, str], message: str) -> None:
    """A missing or malformed token, address or repository is an input error with a hint, before any request."""
    known = {"token": SECRET, "api_url": "http://127.0.0.1:9", "repository": "acme/shop", **given}
    token, api_url, repository = (known[name] for name in ("token", "api_url", "repository"))
    with (
        pytest.raises(InputError, match=message) as caught,
        connect(token=token, api_url=api_url, repository=repository, note=print),
    ):
        pytest.fail("a client was given")
    assert caught.value.hint


def test_the_token_is_not_shown() -> None:
    """The client's representation does not hold the token."""
    with connect(token=SECRET, api_url="http://127.0.0.1:9", repository="a/b", note=print) as client:
        assert SECRET not in repr(client)
        assert "secret" not in {f.name for f in dataclasses.fields(client) if f.repr}


def test_refused_connection() -> None:
    """An address where nobody listens is tried four times, then named."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        sleeps: list[float] = []
        opened = connect(token=SECRET, api_url=address, repository="a/b", note=print, sleep=sleeps.append)
        with opened as client, pytest.raises(GitHubError) as caught:
            pull_request(client, 1)
    assert f"{address} cannot be reached while reading pull request #1" in caught.value.message
    assert caught.value.reason_code == "github-unreachable"
    assert sleeps == [1.0, 2.0, 4.0]


def test_enterprise_server(api: Api) -> None:
    """On an enterprise server the API lies under a path; nothing else changes."""
    opened = connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print)
    with opened as client:
        for text in ("one", "two"):
            upsert_comment(client, number=7, marker="<!-- m -->", body=f"<!-- m -->\n{text}")
    assert [c["body"] for c in api.state.comments] == ["<!-- m -->\ntwo"]
    assert all(r["path"].startswith("/api/v3/") for r in api.state.requests)


def test_answers_are_bounded_in_errors(api: Api, client: Client) -> None:
    """A long or many-lined message of the server is cut and put on one line."""
    fault = {"kind": "status", "status": 422, "path": "/pulls/7", "message": "x\n" * 1000}
    api.seed(faults=[fault])
    with pytest.raises(GitHubError) as caught:
        pull_request(client, 7)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_an_echoed_token_is_hidden(api: Api) -> None:
    """A server that repeats the token in its message does not make us print it."""
    api.seed(
        tokens={SECRET: {}},
        faults=[{"kind": "status", "status": 422, "path": "/pulls/7", "message": f"bad {SECRET}"}],
    )
    opened = connect(token=SECRET, api_url=api.url, repository="acme/shop", note=print)
    with opened as client, pytest.raises(GitHubError) as caught:
        pull_request(client, 7)
    assert SECRET not in caught.value.message
    assert "bad ***" in caught.value.message
