"""The pull request that proposes a revert: opened once, with errors that name the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.pull_requests import open_revert_pull_request
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD = "a" * 40


def revert(client: Client) -> int:
    """Open the revert pull request."""
    return open_revert_pull_request(client, head="ghmlops/revert-aaa", base="main", title="Revert", body="why")


def test_second_call_returns_the_open_pull_request(api: Api, client: Client) -> None:
    """A second call opens nothing and returns the number of the open pull request."""
    assert revert(client) == revert(client) == 8
    rows = [(p["number"], p["head_ref"], p["base_ref"], p["title"], p["body"]) for p in api.state.pull_requests[1:]]
    assert rows == [(8, "ghmlops/revert-aaa", "main", "Revert", "why")]


def test_pull_request_is_opened_once_if_the_response_is_lost(api: Api, client: Client) -> None:
    """A pull request that was opened before the connection broke is found, not opened again."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/pulls$"}])
    assert revert(client) == 8
    assert len(api.state.pull_requests) == 2


def test_missing_branch_is_reported(api: Api, client: Client) -> None:
    """The error repeats the field and the problem that GitHub names."""
    api.seed(repositories={"acme/shop": {"refs": {"heads/main": HEAD}}})
    with pytest.raises(GitHubError, match=r"head: invalid \(422\)"):
        revert(client)


def test_missing_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """The error for an insufficient token names the permission."""
    api.seed(tokens={"weak": {"permissions": {"contents": "write"}}})
    with pytest.raises(PermissionMissing, match="`pull-requests: write`"):
        revert(client_for("weak"))


def test_setting_of_the_repository_is_named(api: Api, client: Client) -> None:
    """A repository that does not allow workflows to open pull requests has another hint than a missing permission."""
    message = "GitHub Actions is not permitted to create or approve pull requests."
    api.seed(faults=[{"kind": "status", "status": 403, "message": message, "method": "POST", "path": "/pulls$"}])
    with pytest.raises(PermissionMissing) as caught:
        revert(client)
    assert "Settings, Actions, General" in caught.value.hint


def test_other_rejections_do_not_blame_the_token(api: Api, client: Client) -> None:
    """An archived repository is not reported as a missing permission."""
    message = "Repository was archived so is read-only."
    api.seed(faults=[{"kind": "status", "status": 403, "message": message, "method": "POST", "path": "/pulls$"}])
    with pytest.raises(GitHubError, match="archived") as caught:
        revert(client)
    assert not isinstance(caught.value, PermissionMissing)
    assert caught.value.reason_code == "forbidden"
