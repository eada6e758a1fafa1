"""Deployments and statuses: once per run, on the right commit, and closed if the plan could not be completed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.act.github.perform import StepResults, perform
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, gate_steps
from ghmlops.core.steps.step import OpenPullRequest, SetDeploymentStatus, Step, UpsertComment
from ghmlops.measure.github.deployments import list_deployments, newest_successful_deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD = "a" * 40
RUN_URL = "https://github.example/acme/shop/actions/runs/42"
EVERYTHING = ("contents", "deployments", "statuses")


def plan(
    outcome: Outcome = Outcome.PASS, run_id: str = "42", service: str = "shop", override: str = ""
) -> tuple[Step, ...]:
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
        override=override,
    )
    origin = Origin(run_id=run_id, run_url=RUN_URL)
    passed = outcome is Outcome.PASS
    return gate_steps(verdict, origin, passed=passed)


def states(rows: list[dict[str, Any]]) -> list[str]:
    """Return the states in order."""
    return [row["state"] for row in rows]


def test_passing_verdict_is_recorded_on_the_commit(api: Api, client: Client, notes: list[str]) -> None:
    """A pass is a deployment that waits for being carried out, between two commit statuses."""
    results = perform(plan(), client, note=notes.append)
    (deployment,) = api.state.deployments
    assert results == StepResults(deployment_id=deployment["id"], service="shop")
    assert {k: deployment[k] for k in ("sha", "ref", "environment", "task", "payload")} == {
        "sha": HEAD,
        "ref": HEAD,
        "environment": "production",
        "task": "deploy",
        "payload": {"ghmlops": {"run_id": "42", "service": "shop"}},
    }
    assert (deployment["production_environment"], deployment["transient_environment"]) == (True, False)
    assert states(api.state.deployment_statuses) == ["queued"]
    last = api.state.deployment_statuses[-1]
    assert (last["environment_url"], last["log_url"]) == ("", RUN_URL)
    assert [(s["sha"], s["context"], s["state"], s["target_url"]) for s in api.state.statuses] == [
        (HEAD, "ghmlops/shop/production", state, RUN_URL) for state in ("pending", "success")
    ]
    assert api.state.statuses[-1]["description"] == "pass: All 3 findings passed."
    assert any("ghmlops/shop/production" in note for note in notes)


@pytest.mark.parametrize(
    ("outcome", "state", "deployed"),
    [
        (Outcome.FAIL, "failure", "failure"),
        (Outcome.INCONCLUSIVE, "failure", "pending"),
        (Outcome.ERROR, "error", "error"),
    ],
)
def test_other_outcomes_are_recorded_as_failures(
    api: Api, client: Client, notes: list[str], outcome: Outcome, state: str, deployed: str
) -> None:
    """Any other outcome is recorded as failure or error, and names the outcome; an inconclusive one waits."""
    perform(plan(outcome), client, note=notes.append)
    assert states(api.state.deployment_statuses) == [deployed]
    assert states(api.state.statuses) == ["pending", state]
    assert api.state.deployment_statuses[-1]["environment_url"] == ""
    assert api.state.statuses[-1]["description"].startswith(f"{outcome.value}: ")


def test_adopted_by_a_later_attempt(api: Api, client: Client, notes: list[str]) -> None:
    """A re-run adopts the open deployment of its run; another run, another service and a closed one do not."""
    first = perform(plan(), client, note=notes.append).deployment_id
    assert perform(plan(), client, note=notes.append).deployment_id == first
    assert perform(plan(run_id="43"), client, note=notes.append).deployment_id != first
    assert perform(plan(service="other"), client, note=notes.append).deployment_id != first
    assert len(api.state.deployments) == 3
    perform(
        [SetDeploymentStatus(state="success", description="", environment="production", deployment_id=first)],
        client,
        note=notes.append,
    )
    assert perform(plan(), client, note=notes.append).deployment_id not in (None, first)


def job_deployment(api: Api, run_url: str = RUN_URL, state: str = "in_progress") -> int:
    """Add a deployment as the runner creates it for a job's `environment:`, and return its id."""
    status = {"state": state, "log_url": f"{run_url}/job/9"}
    api.seed(deployments=[{"sha": HEAD, "payload": "", "statuses": [status]}])
    number: int = api.state.deployments[-1]["id"]
    return number


def test_deployment_of_the_job_is_adopted(api: Api, client: Client, notes: list[str]) -> None:
    """The deployment that the job's `environment:` created is used, and our statuses name the service."""
    number = job_deployment(api)
    assert perform(plan(), client, note=notes.append).deployment_id == number
    assert len(api.state.deployments) == 1
    (listed,) = list_deployments(client, "production", "shop")
    assert (listed.id, listed.service, listed.adopted, listed.state) == (number, "shop", True, "queued")


def test_end_of_the_job_is_not_the_end_of_the_deployment(api: Api, client: Client, notes: list[str]) -> None:
    """The runner reports the end of its job as success; live is only what our own status reports as deployed."""
    number = job_deployment(api)
    perform(plan(), client, note=notes.append)
    api.state.add_deployment_status(api.state.deployments[0], {"state": "success"}, {"login": "x", "type": "Bot"})
    assert [d.state for d in list_deployments(client, "production", "shop")] == ["in_progress"]
    assert newest_successful_deployment(client, "production", "shop") is None
    done = SetDeploymentStatus(
        state="success", description="", environment="production", deployment_id=number, service="shop"
    )
    perform([done], client, note=notes.append)
    assert newest_successful_deployment(client, "production", "shop") == HEAD


@pytest.mark.parametrize(
    ("run_url", "state"), [(RUN_URL + "1", "in_progress"), (RUN_URL, "success"), (RUN_URL, "failure")]
)
def test_job_deployments_of_others_are_not_adopted(
    api: Api, client: Client, notes: list[str], run_url: str, state: str
) -> None:
    """Neither that of another run, whose number only starts alike, nor one that is closed is adopted."""
    assert perform(plan(), client, note=notes.append).deployment_id != job_deployment(api, run_url, state)


def test_second_service_does_not_adopt_what_the_first_adopted(api: Api, client: Client, notes: list[str]) -> None:
    """Two services that are gated in one run have separate deployments."""
    number = job_deployment(api)
    assert perform(plan(), client, note=notes.append).deployment_id == number
    assert perform(plan(service="search"), client, note=notes.append).deployment_id != number


def test_an_override_is_recorded_and_does_not_identify(api: Api, client: Client, notes: list[str]) -> None:
    """The payload contains its reason; an attempt that a second person starts continues the same deployment."""
    first = perform(plan(override="agreed (by ada)"), client, note=notes.append).deployment_id
    assert perform(plan(override="agreed (by bob)"), client, note=notes.append).deployment_id == first
    (deployment,) = api.state.deployments
    identity = {"run_id": "42", "service": "shop"}
    assert deployment["payload"] == {"ghmlops": {**identity, "override": "agreed (by ada)"}}
    (listed,) = list_deployments(client, "production", "shop")
    assert listed.override == "agreed (by ada)"


@pytest.mark.parametrize(("override", "read"), [("x\n\x1b[2J" + "y" * 5000, 1000), ({"a": 1}, 0), (None, 0)])
def test_a_hostile_override_is_bounded(api: Api, client: Client, override: object, read: int) -> None:
    """Whoever may write deployments may write anything into a payload: it is one printable line."""
    payload = {"ghmlops": {"run_id": "42", "service": "shop", "override": override}}
    api.seed(deployments=[{"sha": HEAD, "environment": "production", "payload": payload}])
    (listed,) = list_deployments(client, "production", "shop")
    assert len(listed.override) == read
    assert listed.override.isprintable()


def test_deployments_of_others_are_not_adopted(api: Api, client: Client, notes: list[str]) -> None:
    """Deployments of the same commit by other tools, with text or another object as payload, are ignored."""
    payloads = ["", "text", {}, {"ghmlops": "x"}, {"ghmlops": {"run_id": "42"}}]
    api.seed(deployments=[{"sha": HEAD, "payload": p} for p in payloads])
    deployment_id = perform(plan(), client, note=notes.append).deployment_id
    assert deployment_id == api.state.deployments[-1]["id"]
    assert len(api.state.deployments) == len(payloads) + 1


def test_deployment_is_created_once_if_the_response_is_lost(api: Api, client: Client, notes: list[str]) -> None:
    """A deployment that was created before the connection broke is adopted."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/deployments$"}])
    perform(plan(), client, note=notes.append)
    assert len(api.state.deployments) == 1
    assert states(api.state.deployment_statuses) == ["queued"]


def token_without(api: Api, missing: str) -> str:
    """Seed a token that lacks one write permission, and return it."""
    permissions = {name: "write" for name in EVERYTHING if name != missing}
    api.seed(tokens={"weak": {"permissions": permissions}})
    return "weak"


def test_missing_statuses_permission_changes_nothing(
    api: Api, client_for: Callable[[str], Client], notes: list[str]
) -> None:
    """Without `statuses: write`, nothing is written."""
    with pytest.raises(PermissionMissing, match="`statuses: write`"):
        perform(plan(), client_for(token_without(api, "statuses")), note=notes.append)
    assert (api.state.statuses, api.state.deployments) == ([], [])


def test_missing_deployments_permission_leaves_no_pending_status(
    api: Api, client_for: Callable[[str], Client], notes: list[str]
) -> None:
    """Without `deployments: write` the pending status is closed as error, with the reason."""
    with pytest.raises(PermissionMissing, match="`deployments: write`") as caught:
        perform(plan(), client_for(token_without(api, "deployments")), note=notes.append)
    assert "permissions: {contents: read, deployments: write}" in caught.value.hint
    assert states(api.state.statuses) == ["pending", "error"]
    assert "deployments: write" in api.state.statuses[-1]["description"]
    assert api.state.deployments == []


def test_deployment_is_closed_if_the_last_status_fails(api: Api, client: Client, notes: list[str]) -> None:
    """If the last write fails after all retries, the deployment is closed as error and no green status exists."""
    api.seed(faults=[{"kind": "status", "status": 502, "path": "/statuses/a+$", "skip": 1, "times": 4}])
    with pytest.raises(GitHubError, match=r"\(502\)"):
        perform(plan(), client, note=notes.append)
    assert states(api.state.deployment_statuses) == ["queued", "error"]
    assert states(api.state.statuses) == ["pending", "error"]


def test_lost_deployment_is_closed(api: Api, client: Client, notes: list[str]) -> None:
    """A deployment whose creation is never confirmed, because lists fail too, is found in the end and closed."""
    api.seed(
        faults=[
            {"kind": "lost-answer", "method": "POST", "path": "/deployments$"},
            {"kind": "status", "status": 500, "method": "GET", "path": "/deployments$", "skip": 1, "times": 12},
        ]
    )
    with pytest.raises(GitHubError):
        perform(plan(), client, note=notes.append)
    assert len(api.state.deployments) == 1
    assert states(api.state.deployment_statuses) == ["error"]
    assert states(api.state.statuses) == ["pending", "error"]


def test_pending_status_that_was_not_confirmed_is_closed(api: Api, client: Client, notes: list[str]) -> None:
    """A first status whose response is lost each time is closed, although its step failed."""
    api.seed(
        faults=[
            {"kind": "lost-answer", "method": "POST", "path": "/statuses/a+$", "times": 1},
            {"kind": "status", "status": 500, "method": "GET", "path": "/commits/a+/statuses$", "times": 12},
        ]
    )
    with pytest.raises(GitHubError):
        perform(plan(), client, note=notes.append)
    assert states(api.state.statuses) == ["pending", "error"]
    assert api.state.deployments == []


def test_closing_is_tried_once(api: Api, client: Client, notes: list[str], sleeps: list[float]) -> None:
    """During a long rate limit, closing unfinished steps is tried once and reported, without waiting."""
    api.seed(faults=[{"kind": "status", "status": 429, "path": "/(deployments|statuses/a+)$", "skip": 1, "times": 99}])
    with pytest.raises(GitHubError) as caught:
        perform(plan(), client, note=notes.append)
    assert caught.value.reason_code == "rate-limited"
    assert sleeps == [60.0, 120.0]
    assert any(note.startswith("could not close") for note in notes)


def test_interrupt_closes_unfinished_steps(api: Api, client: Client, notes: list[str]) -> None:
    """A KeyboardInterrupt during a wait closes the pending status."""

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    api.seed(faults=[{"kind": "status", "status": 502, "method": "POST", "path": "/deployments$"}])
    with pytest.raises(KeyboardInterrupt):
        perform(plan(), dataclasses.replace(client, sleep=interrupt), note=notes.append)
    assert states(api.state.statuses) == ["pending", "error"]


def test_unknown_commit(api: Api, client: Client, notes: list[str]) -> None:
    """A commit that GitHub does not have is rejected with GitHub's own message."""
    api.seed(repositories={"acme/shop": {"commits": ["b" * 40]}})
    steps = [msgspec.structs.replace(plan()[0], sha="d" * 40)]
    with pytest.raises(GitHubError, match="No commit found for SHA"):
        perform(steps, client, note=notes.append)


def test_comment_and_pull_request_steps(api: Api, client: Client, notes: list[str]) -> None:
    """Comments and pull requests are performed as steps."""
    marker = "<!-- m -->"
    steps = [
        UpsertComment(number=7, marker=marker, body=f"{marker}\nhello"),
        OpenPullRequest(head="topic", base="main", title="t", body="b"),
    ]
    results = perform(steps, client, note=notes.append)
    assert results.comment_url.endswith(f"issuecomment-{api.state.comments[0]['id']}")
    assert results.pull_request == 8


def test_status_without_a_deployment_is_a_bug(client: Client, notes: list[str]) -> None:
    """A plan that sets the status of no deployment is a bug."""
    with pytest.raises(ValueError, match="without a deployment"):
        perform([SetDeploymentStatus(state="success", description="", environment="e")], client, note=notes.append)
