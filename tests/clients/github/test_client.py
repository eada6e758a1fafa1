"""The connection: its inputs, its errors, and the redaction of its token."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.comments import upsert_comment
from ghmlops.clients.github.client import connect
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.measure.github.pull_requests import pull_request

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SECRET = "ghs_sEcReTsEcReT"
INVALID = [
    ({"token": " "}, "token"),
    ({"token": "two words"}, "token"),
    ({"token": "line\nbreak"}, "token"),
    ({"api_url": ""}, "address"),
    ({"api_url": "file:///etc/passwd"}, "address"),
    ({"api_url": "http://[bad"}, "GITHUB_API_URL"),
    ({"api_url": "http://x y:99999"}, "GITHUB_API_URL"),
    ({"api_url": "http://x:99999"}, "GITHUB_API_URL"),
    ({"api_url": "http://x:0"}, "GITHUB_API_URL"),
    ({"api_url": "http://"}, "GITHUB_API_URL"),
    ({"api_url": "https://me:pw@x"}, "GITHUB_API_URL"),
    ({"repository": ""}, "repository"),
]


@pytest.mark.parametrize(("changes", "name"), INVALID)
def test_invalid_input_is_named(changes: dict[str, str], name: str) -> None:
    """A missing or malformed token, address or repository is an input error with a hint, before any request."""
    values = {"token": SECRET, "api_url": "http://127.0.0.1:9", "repository": "acme/shop", **changes}
    token, api_url, repository = (values[key] for key in ("token", "api_url", "repository"))
    with (
        pytest.raises(InputError, match=name) as caught,
        connect(token=token, api_url=api_url, repository=repository, note=print),
    ):
        pytest.fail("no error was raised")
    assert caught.value.hint


def test_representation_hides_the_token() -> None:
    """The representation of the client does not contain the token."""
    with connect(token=SECRET, api_url="http://127.0.0.1:9", repository="a/b", note=print) as client:
        assert SECRET not in repr(client)
        assert "secret" not in {f.name for f in dataclasses.fields(client) if f.repr}


def test_refused_connection_is_retried_then_reported() -> None:
    """An address without a listener is tried four times; the error names it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        sleeps: list[float] = []
        connection = connect(token=SECRET, api_url=address, repository="a/b", note=print, sleep=sleeps.append)
        with connection as client, pytest.raises(GitHubError) as caught:
            pull_request(client, 1)
    assert address in caught.value.message
    assert caught.value.reason_code == "github-unreachable"
    assert sleeps == [1.0, 2.0, 4.0]


def test_enterprise_server_is_supported(api: Api) -> None:
    """The API of an enterprise server has a path prefix, which every request uses."""
    connection = connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print)
    with connection as client:
        for text in ("one", "two"):
            upsert_comment(client, number=7, marker="<!-- m -->", body=f"<!-- m -->\n{text}")
    assert [c["body"] for c in api.state.comments] == ["<!-- m -->\ntwo"]
    paths = {r["path"] for r in api.state.requests}
    assert "/api/graphql" in paths
    assert all(path.startswith("/api/v3/repos/acme/shop/") for path in paths - {"/api/graphql"})


def test_messages_of_the_server_are_shortened(api: Api, client: Client) -> None:
    """A long message of several lines is truncated and put on one line."""
    fault = {"kind": "status", "status": 422, "path": "/pulls/7", "message": "x\n" * 1000}
    api.seed(faults=[fault])
    with pytest.raises(GitHubError) as caught:
        pull_request(client, 7)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_echoed_token_is_redacted(api: Api) -> None:
    """A token that the server repeats in its message does not appear in the error."""
    api.seed(
        tokens={SECRET: {}},
        faults=[{"kind": "status", "status": 422, "path": "/pulls/7", "message": f"bad {SECRET}"}],
    )
    connection = connect(token=SECRET, api_url=api.url, repository="acme/shop", note=print)
    with connection as client, pytest.raises(GitHubError) as caught:
        pull_request(client, 7)
    assert SECRET not in caught.value.message
    assert "bad ***" in caught.value.message


@pytest.mark.parametrize(("exempt", "reached"), [("", False), ("127.0.0.1", True)])
def test_the_proxy_of_the_environment_is_used(
    exempt: str, reached: bool, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests go to the proxy, here to an address without a listener, unless `no_proxy` names the server."""
    for name, value in {"http_proxy": "http://127.0.0.1:9", "no_proxy": exempt}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    connection = connect(token="t", api_url=api.url, repository="acme/shop", note=print, sleep=lambda _: None)
    with connection as client, contextlib.nullcontext() if reached else pytest.raises(GitHubError):
        pull_request(client, 7)
    assert bool(api.state.requests) is reached
