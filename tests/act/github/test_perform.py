"""Deployments and statuses: once a run, on the right commit, and closed where the plan could not be finished."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.commands.shared.console import Console
from ghmlops.act.github.perform import Performed, perform
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, gate_steps
from ghmlops.core.steps.step import OpenPullRequest, SetDeploymentStatus, Step, UpsertComment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD = "a" * 40
RUN_URL = "https://github.example/acme/shop/actions/runs/42"
EVERYTHING = ("contents", "deployments", "statuses")


def plan(outcome: Outcome = Outcome.PASS, run_id: str = "42", service: str = "shop") -> tuple[Step, ...]:
    """Return the gate's steps about a verdict."""
    verdict = Verdict(
        commit=HEAD,
        outcome=outcome,
        reason_code="x",
        reason="All 3 findings passed.",
        findings=[],
        evidence=[],
        service=service,
        environment="production",
    )
    origin = Origin(run_id=run_id, run_url=RUN_URL)
    passed = outcome is Outcome.PASS
    return gate_steps(verdict, origin, passed=passed, environment_url="https://shop.example")


@pytest.fixture
def console() -> Console:
    """A console that keeps what it is told."""
    return Console(io.StringIO())


def told(console: Console) -> str:
    """Return what the console was told."""
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


def states(rows: list[dict[str, Any]]) -> list[str]:
    """Return the states in order."""
    return [row["state"] for row in rows]


def test_recorded_on_the_commit(api: Api, client: Client, console: Console) -> None:
    """A pass is a deployment in progress, then a success with its address, between a pending and a green status."""
    done = perform(plan(), client, console)
    (deployment,) = api.state.deployments
    assert done == Performed(deployment_id=deployment["id"])
    assert {k: deployment[k] for k in ("sha", "ref", "environment", "task", "payload")} == {
        "sha": HEAD,
        "ref": HEAD,
        "environment": "production",
        "task": "deploy",
        "payload": {"ghmlops": {"run_id": "42", "service": "shop"}},
    }
    assert (deployment["production_environment"], deployment["transient_environment"]) == (True, False)
    assert states(api.state.deployment_statuses) == ["in_progress", "success"]
    last = api.state.deployment_statuses[-1]
    assert (last["environment_url"], last["log_url"]) == ("https://shop.example", RUN_URL)
    assert [(s["sha"], s["context"], s["state"], s["target_url"]) for s in api.state.statuses] == [
        (HEAD, "ghmlops/production", state, RUN_URL) for state in ("pending", "success")
    ]
    assert api.state.statuses[-1]["description"] == "pass: All 3 findings passed."
    assert "set the status ghmlops/production" in told(console)


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.FAIL, "failure"), (Outcome.INCONCLUSIVE, "failure"), (Outcome.ERROR, "error")]
)
def test_what_did_not_pass(api: Api, client: Client, console: Console, outcome: Outcome, state: str) -> None:
    """Anything but a pass ends as failure or error, without an address, and says which."""
    perform(plan(outcome), client, console)
    assert states(api.state.deployment_statuses) == ["in_progress", state]
    assert states(api.state.statuses) == ["pending", state]
    assert api.state.deployment_statuses[-1]["environment_url"] == ""
    assert api.state.statuses[-1]["description"].startswith(f"{outcome.value}: ")


def test_adopted_by_a_later_attempt(api: Api, client: Client, console: Console) -> None:
    """A re-run of the same run adopts its deployment; another run and another service get one of their own."""
    first = perform(plan(), client, console).deployment_id
    assert perform(plan(), client, console).deployment_id == first
    assert perform(plan(run_id="43"), client, console).deployment_id != first
    assert perform(plan(service="other"), client, console).deployment_id != first
    assert len(api.state.deployments) == 3


def test_other_deployments_are_not_adopted(api: Api, client: Client, console: Console) -> None:
    """What somebody else deployed of the same commit, with text or an odd object as payload, is left alone."""
    payloads = ["", "text", {}, {"ghmlops": "x"}, {"ghmlops": {"run_id": "42"}}]
    api.seed(deployments=[{"sha": HEAD, "payload": p} for p in payloads])
    made = perform(plan(), client, console).deployment_id
    assert made == api.state.deployments[-1]["id"]
    assert len(api.state.deployments) == len(payloads) + 1


def test_deployment_made_once_although_the_answer_was_lost(api: Api, client: Client, console: Console) -> None:
    """The deployment was made but the connection broke: it is adopted."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/deployments$"}])
    perform(plan(), client, console)
    assert len(api.state.deployments) == 1
    assert states(api.state.deployment_statuses) == ["in_progress", "success"]


def token_without(api: Api, missing: str) -> str:
    """Seed a token that may write all but one thing, and return it."""
    permissions = {name: "write" for name in EVERYTHING if name != missing}
    api.seed(tokens={"weak": {"permissions": permissions}})
    return "weak"


def test_statuses_missing_is_found_before_anything(
    api: Api, client_for: Callable[[str], Client], console: Console
) -> None:
    """Without `statuses: write` nothing at all was changed."""
    with pytest.raises(PermissionMissing, match="`statuses: write`"):
        perform(plan(), client_for(token_without(api, "statuses")), console)
    assert (api.state.statuses, api.state.deployments) == ([], [])


def test_deployments_missing_leaves_no_pending_status(
    api: Api, client_for: Callable[[str], Client], console: Console
) -> None:
    """Without `deployments: write` the pending status is closed as error, with the reason."""
    with pytest.raises(PermissionMissing, match="`deployments: write`") as caught:
        perform(plan(), client_for(token_without(api, "deployments")), console)
    assert "permissions: {contents: read, deployments: write}" in caught.value.hint
    assert states(api.state.statuses) == ["pending", "error"]
    assert "deployments: write" in api.state.statuses[-1]["description"]
    assert api.state.deployments == []


def test_a_passed_deployment_does_not_stay_green_alone(api: Api, client: Client, console: Console) -> None:
    """Where the last write fails for good, the deployment is closed as error, and no green status exists."""
    api.seed(faults=[{"kind": "status", "status": 502, "path": "/statuses/a+$", "skip": 1, "times": 4}])
    with pytest.raises(GitHubError, match="kept failing"):
        perform(plan(), client, console)
    assert states(api.state.deployment_statuses) == ["in_progress", "success", "error"]
    assert states(api.state.statuses) == ["pending", "error"]


def test_closing_does_not_wait(api: Api, client: Client, console: Console, sleeps: list[float]) -> None:
    """While a limit lasts, closing what was begun is tried once and told, not waited for."""
    api.seed(faults=[{"kind": "status", "status": 429, "path": "/(deployments|statuses/a+)$", "skip": 1, "times": 99}])
    with pytest.raises(GitHubError, match="rate limit"):
        perform(plan(), client, console)
    assert sleeps == [60.0, 120.0, 240.0]
    assert "could not close what was begun" in told(console)


def test_interrupted_is_closed_too(api: Api, client: Client, console: Console) -> None:
    """Ctrl-C while waiting closes the pending status."""

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    import dataclasses

    api.seed(faults=[{"kind": "status", "status": 502, "method": "POST", "path": "/deployments$"}])
    with pytest.raises(KeyboardInterrupt):
        perform(plan(), dataclasses.replace(client, sleep=interrupt), console)
    assert states(api.state.statuses) == ["pending", "error"]


def test_unknown_commit(api: Api, client: Client, console: Console) -> None:
    """A commit that GitHub does not hold is refused in its words."""
    api.seed(repositories={"acme/shop": {"commits": ["b" * 40]}})
    steps = [msgspec.structs.replace(plan()[0], sha="d" * 40)]
    with pytest.raises(GitHubError, match="No commit found for SHA"):
        perform(steps, client, console)


def test_comment_and_pull_request_steps(api: Api, client: Client, console: Console) -> None:
    """A comment and a pull request are steps like others."""
    marker = "<!-- m -->"
    steps = [
        UpsertComment(number=7, marker=marker, body=f"{marker}\nhello"),
        OpenPullRequest(head="topic", base="main", title="t", body="b"),
    ]
    done = perform(steps, client, console)
    assert done.comment_url.endswith(f"issuecomment-{api.state.comments[0]['id']}")
    assert done.pull_request == 8


def test_status_without_a_deployment_is_a_bug(client: Client, console: Console) -> None:
    """A plan must create a deployment before it sets its status."""
    with pytest.raises(ValueError, match="without a deployment"):
        perform([SetDeploymentStatus(state="success", description="", environment="e")], client, console)
