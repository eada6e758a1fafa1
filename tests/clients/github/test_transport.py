"""One exchange: conditional requests, renamed repositories, and the deadline of the command."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.comments import own_comment, upsert_comment
from ghmlops.clients.github.client import connect
from ghmlops.core.errors import GitHubError
from ghmlops.measure.github.pull_requests import pull_request

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

MARKER = "<!-- m -->"


def test_list_that_is_read_again_is_a_conditional_request(api: Api, client: Client) -> None:
    """An unchanged list is confirmed with 304, a changed one is read; the login is read once per connection."""
    assert own_comment(client, number=7, marker=MARKER) is None
    assert own_comment(client, number=7, marker=MARKER) is None
    upsert_comment(client, number=7, marker=MARKER, body=f"{MARKER}\nx")
    assert own_comment(client, number=7, marker=MARKER) is not None
    assert [r["status"] for r in api.state.requests if r["method"] == "GET"] == [200, 304, 304, 200]
    assert [r["path"] for r in api.state.requests].count("/graphql") == 1


def test_renamed_repository_is_followed(api: Api) -> None:
    """Reads (301) and writes (307) to the former name of a repository reach it, each write once."""
    api.seed(repositories={"acme/shop": {"former_names": ["acme/old"]}})
    with connect(token="t", api_url=api.url, repository="acme/old", note=print) as client:
        for text in ("one", "two"):
            upsert_comment(client, number=7, marker=MARKER, body=f"{MARKER}\n{text}")
    assert [c["body"] for c in api.state.comments] == [f"{MARKER}\ntwo"]
    assert {r["status"] for r in api.state.requests} == {200, 201, 301, 307}


def test_nothing_is_sent_after_the_deadline(api: Api, client: Client) -> None:
    """After the deadline, a request is an error with its own reason code, and is not sent."""
    late = dataclasses.replace(client, clock=lambda: 301.0)
    with pytest.raises(GitHubError) as caught:
        pull_request(late, 7)
    assert caught.value.reason_code == "github-time-limit"
    assert api.state.requests == []


@pytest.mark.parametrize("limit", [10.0, 100.0, 300.0])
def test_waits_end_before_the_deadline(api: Api, limit: float) -> None:
    """Whatever fails, the sum of all waits stays below the time limit of the command."""
    api.seed(faults=[{"kind": "status", "status": 429, "path": "", "times": 99}])
    sleeps: list[float] = []
    connection = connect(
        token="t",
        api_url=api.url,
        repository="acme/shop",
        note=print,
        sleep=sleeps.append,
        clock=lambda: sum(sleeps),
        time_limit=limit,
    )
    with connection as client, pytest.raises(GitHubError) as caught:
        upsert_comment(client, number=7, marker=MARKER, body=f"{MARKER}\nx")
    assert caught.value.reason_code == "rate-limited"
    assert sum(sleeps) < limit
