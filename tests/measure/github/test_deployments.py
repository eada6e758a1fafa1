"""What is live in an environment, and what is still open."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import GhmlopsError, InputError, NeedsPerson
from ghmlops.measure.github.deployments import (
    commit_deployments,
    dated_deployments,
    failed_range,
    list_deployments,
    newest_successful_deployment,
)

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


def test_times_of_deployments(api: Api, client: Client) -> None:
    """Oldest first, since a time: when each was created and was live first; one that never was failed, or is open."""
    for day, (sha, states, service) in enumerate(
        [
            (A, ["success"], "shop"),
            (B, ["queued", "success", "failure"], "shop"),
            (C, ["failure"], None),
            (A, ["success"], "search"),
            (C, ["queued"], "shop"),
        ],
        1,
    ):
        deploy(api, sha, states, service)
        api.state.deployments[-1]["created_at"] = f"2026-01-0{day}T00:00:00Z"
        for hour, status in enumerate(api.state.deployment_statuses[-len(states) :], 1):
            status["created_at"] = f"2026-01-0{day}T0{hour}:00:00Z"
    dated = dated_deployments(client, "production", "shop", datetime(2026, 1, 2, tzinfo=UTC))
    assert [(d.sha, d.created.day, d.live.hour if d.live else None, d.failed) for d in dated] == [
        (B, 2, 2, False),
        (C, 3, None, True),
        (C, 5, None, False),
    ]


@pytest.mark.parametrize("time", ["soon", "0001-01-01T00:00:00+14:00"])
def test_a_deployment_without_a_time(api: Api, client: Client, time: str) -> None:
    """One line, and no traceback."""
    deploy(api, A, ["success"])
    api.state.deployments[-1]["created_at"] = time
    with pytest.raises(GhmlopsError) as caught:
        dated_deployments(client, "production", "shop", datetime(2026, 1, 2, tzinfo=UTC))
    assert caught.value.message.isprintable()
    api.state.violations.clear()


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
    ([(A, ["success", "inactive"], "shop"), (B, ["success", "failure"], "shop")], A),
    ([(A, ["success", "failure"], "shop")], A),
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


def test_deployments_of_one_commit(api: Api, client: Client) -> None:
    """Newest first, of this service, environment and commit alone; unnamed ones are left out."""
    first = deploy(api, A, ["queued", "success", "inactive"])
    deploy(api, B, ["success"])
    deploy(api, A, ["failure"], "search")
    deploy(api, A, ["failure"], None)
    deploy(api, A, ["failure"], environment="staging")
    last = deploy(api, A, ["queued"])
    rows = commit_deployments(client, "production", "shop", A)
    assert [(d.id, d.state, d.succeeded) for d in rows] == [(last, "queued", False), (first, "inactive", True)]


RANGES: list[tuple[list[tuple[str, list[str]]], tuple[str, str] | type[GhmlopsError]]] = [
    ([(A, ["success"]), (B, ["queued", "failure"])], (A, B)),
    ([(A, ["success", "inactive"]), (C, ["failure"]), (B, ["failure"])], (A, B)),
    ([(A, ["success"]), (B, ["success", "inactive"]), (B, ["failure"])], (A, B)),
    ([(A, ["success", "inactive"]), (C, ["success", "failure"]), (B, ["success", "failure"])], (A, B)),
    ([(C, ["success", "failure"]), (B, ["failure"])], NeedsPerson),
    ([(A, ["success"]), (B, ["success"])], NeedsPerson),
    ([(A, ["success"]), (B, ["error"])], NeedsPerson),
    ([(B, ["failure"])], NeedsPerson),
    ([], InputError),
]


@pytest.mark.parametrize(("history", "expected"), RANGES)
def test_range_of_a_failed_deployment(
    api: Api, client: Client, history: list[tuple[str, list[str]]], expected: tuple[str, str] | type[GhmlopsError]
) -> None:
    """From what was live before it to its commit; one that did not fail, or that came first, has none."""
    numbers = [deploy(api, sha, states) for sha, states in history] or [1]
    if isinstance(expected, tuple):
        assert failed_range(client, numbers[-1], "production", "shop") == expected
        return
    with pytest.raises(expected):
        failed_range(client, numbers[-1], "production", "shop")
