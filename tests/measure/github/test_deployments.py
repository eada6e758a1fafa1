"""What is live in an environment, and what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.measure.github.deployments import list_deployments, newest_successful_deployment

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

A, B, C = "a" * 40, "b" * 40, "c" * 40


def deploy(api: Api, sha: str, states: list[str], service: str | None = "shop", environment: str = "production") -> int:
    """Record a deployment with its statuses, oldest first; return its id."""
    payload: dict[str, Any] = {} if service is None else {"ghmlops": {"run_id": "42", "service": service}}
    rows = [{"state": state} for state in states]
    api.seed(deployments=[{"sha": sha, "environment": environment, "payload": payload, "statuses": rows}])
    number: int = api.state.deployments[-1]["id"]
    return number


HISTORIES = [
    # deployments (commit, states, service) oldest first; what is live
    ([], None),
    ([(A, ["queued", "success"], "shop")], A),
    ([(A, ["success"], "shop"), (B, ["failure"], "shop")], A),
    ([(A, ["success"], "shop"), (B, ["queued"], "shop")], A),
    ([(A, ["success"], "shop"), (B, [], "shop")], A),
    ([(A, ["success", "inactive"], "shop"), (B, ["success"], "shop")], B),
    ([(A, ["success", "inactive"], "shop")], A),
    ([(A, ["success", "inactive"], "shop"), (B, ["success", "error"], "shop")], B),
    ([(A, ["success", "inactive"], "shop"), (B, ["queued", "error"], "shop")], A),
    ([(A, ["success"], "shop"), (B, ["success"], "search")], A),
    ([(A, ["success"], None)], A),
    ([(A, ["failure"], "shop"), (B, ["success"], None)], None),
    ([(A, ["success"], "shop"), (B, ["success"], "shop"), (A, ["success"], "shop")], A),
]


@pytest.mark.parametrize(("history", "live"), HISTORIES)
def test_newest_successful_deployment(
    api: Api, client: Client, history: list[tuple[str, list[str], str | None]], live: str | None
) -> None:
    """The newest status of each deployment counts, of this service alone; others' only if no deployment names it.

    If none is live, the one that was live last counts: it is not a first deployment.
    """
    for sha, states, service in history:
        deploy(api, sha, states, service)
    assert newest_successful_deployment(client, "production", "shop") == live


def test_another_environment_does_not_count(api: Api, client: Client) -> None:
    """A success in staging is none in production."""
    deploy(api, A, ["success"], environment="staging")
    assert newest_successful_deployment(client, "production", "shop") is None


def test_list_names_run_and_state(api: Api, client: Client) -> None:
    """Newest first, with commit, newest state, run and service; other services are left out."""
    first = deploy(api, A, ["queued", "in_progress"])
    deploy(api, B, ["success"], "search")
    last = deploy(api, C, [], None)
    listed = list_deployments(client, "production", "shop")
    assert [(d.id, d.sha, d.state, d.run_id, d.service) for d in listed] == [
        (last, C, "pending", "", ""),
        (first, A, "in_progress", "42", "shop"),
    ]
