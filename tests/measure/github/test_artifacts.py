"""Which artifact of which run a name means."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.measure.github import artifacts
from ghmlops.measure.github.artifacts import locate
from ghmlops.clients.github.client import connect
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GitHubError, PermissionMissing
from github_api import delivery
from github_api.routes import OWNED, ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.calls import Answer, Call
    from github_api.server import Api
    from github_api.state import State

SHA, OTHER = "c" * 40, "d" * 40
MAIN = WorkflowSpec(name="preds", branch="main")


def seed_run(api: Api, number: int, *, artifact: dict[str, Any] | None = None, **about: Any) -> None:
    """Add a successful push run of `main` that holds the artifact, but for what is said otherwise."""
    when = f"2026-01-{1 + number % 28:02}T00:00:00Z"
    given = {"id": number, "head_sha": SHA, "event": "push", "head_branch": "main", "created_at": when, **about}
    api.seed(runs=[given])
    held = {"name": "preds", "zip_base64": base64.b64encode(b"zip").decode(), "created_at": given["created_at"]}
    api.seed(artifacts=[{"run_id": number, **held, **(artifact or {})}])


def test_the_newest_successful_push_run_of_the_branch(api: Api, client: Client) -> None:
    """Newer runs of dispatches, pull requests, forks, schedules, other branches, and failed ones are passed over."""
    seed_run(api, 1)
    seed_run(api, 2, head_sha=OTHER)
    seed_run(api, 3, event="workflow_dispatch")
    seed_run(api, 4, event="pull_request")
    seed_run(api, 5, head_repository="mallory/shop")
    seed_run(api, 6, conclusion="failure")
    seed_run(api, 7, event="schedule")
    seed_run(api, 8, head_branch="topic")
    seed_run(api, 9, status="in_progress", conclusion=None)
    seed_run(api, 10, artifact={"name": "preds-2"})
    seed_run(api, 11, artifact={"expired": True})
    found = locate(client, MAIN)
    assert (found.run.id, found.run.head_sha, found.run.event) == (2, OTHER, "push")
    assert found.run.created_at == "2026-01-03T00:00:00Z"
    assert found.artifact.name == "preds"


def test_a_fork_cannot_be_the_baseline(api: Api, client: Client) -> None:
    """A fork's run of a branch of the same name is never taken, though it says push and success."""
    seed_run(api, 5, head_repository="mallory/shop")
    with pytest.raises(GitHubError, match="runs that do: 1 of a fork") as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-missing"


def test_why_there_is_none_is_said(api: Api, client: Client) -> None:
    """Where runs hold the artifact but none will do, the error counts why."""
    seed_run(api, 1, event="workflow_dispatch")
    seed_run(api, 2, event="workflow_dispatch")
    seed_run(api, 3, conclusion="failure")
    with pytest.raises(GitHubError) as caught:
        locate(client, MAIN)
    assert caught.value.message == (
        "artifact:preds@main: no successful push run of branch main holds it; "
        "runs that do: 1 not successful, 2 of workflow_dispatch"
    )


def test_a_new_attempt_of_an_old_run_is_not_newer(api: Api, client: Client) -> None:
    """A run that was run again has a younger artifact, but stays the older run; its newest artifact counts."""
    seed_run(api, 1, artifact={"created_at": "2026-02-01T00:00:00Z"})
    seed_run(api, 2)
    assert locate(client, MAIN).run.id == 2
    seed_run(api, 3)
    api.seed(artifacts=[{"run_id": 3, "name": "preds", "zip_base64": "", "created_at": "2026-03-01T00:00:00Z"}])
    assert locate(client, MAIN).artifact.id == api.state.artifacts[-1]["id"]


def test_expired(api: Api, client: Client) -> None:
    """Where all of the branch have expired, that is said, with a way out."""
    seed_run(api, 1, artifact={"expired": True})
    with pytest.raises(GitHubError, match="has expired") as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-expired"
    assert "retention-days" in caught.value.hint


def test_no_artifact_of_the_name(api: Api, client: Client) -> None:
    """A branch without the artifact is told so, after one request."""
    seed_run(api, 1, head_branch="topic")
    with pytest.raises(GitHubError, match="branch main of acme/shop has no artifact of that name") as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-missing"
    assert len(api.state.requests) == 1


def test_enterprise_servers_get_their_own_hint(api: Api) -> None:
    """Where the API lies under /api/v3 the hint says that newer artifacts are not for enterprise servers."""
    opened = connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print)
    with opened as client, pytest.raises(GitHubError) as caught:
        locate(client, MAIN)
    assert "enterprise" in caught.value.hint
    with connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print) as client:
        seed_run(api, 1)
        assert locate(client, MAIN).run.id == 1


def test_pages_are_walked_until_nothing_newer_can_follow(api: Api, client: Client) -> None:
    """The artifact on a later page is found; pages behind the answer are not read."""
    seed_run(api, 1, created_at="2025-01-01T00:00:00Z")
    for n in range(350):
        seed_run(api, 1000 + n, head_branch="topic", created_at=f"2025-06-01T00:{n // 60:02}:{n % 60:02}Z")
    assert locate(client, MAIN).run.id == 1
    assert len(api.state.requests) == 5
    api.state.requests.clear()
    seed_run(api, 5000, created_at="2026-06-01T00:00:00Z")
    assert locate(client, MAIN).run.id == 5000
    assert len(api.state.requests) == 2


def test_a_list_in_another_order_is_walked_to_its_end(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub does not promise the newest first; where it is not so, the newest run is found all the same."""
    monkeypatch.setattr(artifacts, "PAGE", 3)
    for n in (1, 2, 3, 4):
        made = {"created_at": f"2026-01-{2 * n:02}T00:00:00Z"}
        seed_run(api, n, created_at=f"2026-01-{2 * n - 1:02}T00:00:00Z", artifact=made)
    at = ("get", f"{OWNED}/actions/artifacts")

    def in_another_order(state: State, call: Call) -> Answer:
        answer = delivery.list_repository_artifacts(state, call)
        assert isinstance(answer.body, dict)
        newest_first = answer.body["artifacts"]
        return answer._replace(body={**answer.body, "artifacts": [newest_first[i] for i in (3, 1, 2, 0)]})

    monkeypatch.setitem(ROUTES, at, ROUTES[at]._replace(serve=in_another_order))
    assert locate(client, MAIN).run.id == 4


def test_the_walk_is_bounded(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and runs that are looked through are bounded."""
    monkeypatch.setattr(artifacts, "MAX_RUNS", 3)
    seed_run(api, 1)
    for n in range(120):
        seed_run(api, 1000 + n, event="workflow_dispatch")
    with pytest.raises(GitHubError, match="3 of workflow_dispatch"):
        locate(client, MAIN)
    assert len(api.state.requests) == 2 + 3


def test_of_a_commit(api: Api, client: Client) -> None:
    """The newest successful push run of the commit that holds the artifact, on whatever branch."""
    seed_run(api, 1, head_branch="release")
    seed_run(api, 2, artifact={"name": "other"})
    seed_run(api, 3, event="workflow_dispatch")
    seed_run(api, 4, conclusion="failure")
    seed_run(api, 5, head_sha=OTHER)
    seed_run(api, 6, head_repository="mallory/shop")
    assert locate(client, WorkflowSpec(name="preds", sha=SHA)).run.id == 1
    with pytest.raises(GitHubError, match="any of the 0 successful push runs of commit eeeeeeeeeeee"):
        locate(client, WorkflowSpec(name="preds", sha="e" * 40))
    with pytest.raises(GitHubError, match="no artifact of that name in any of the 2 successful"):
        locate(client, WorkflowSpec(name="nothing", sha=SHA))


def test_of_a_run(api: Api, client: Client) -> None:
    """A named run is taken whatever started it, and the result says what did."""
    seed_run(api, 3, event="pull_request", conclusion="failure", head_repository="mallory/shop")
    seed_run(api, 4, artifact={"expired": True})
    found = locate(client, WorkflowSpec(name="preds", run=3))
    assert (found.run.event, found.run.conclusion) == ("pull_request", "failure")
    assert found.run.head_repository is not None
    assert found.run.head_repository.full_name == "mallory/shop"
    for spec, code in (
        (WorkflowSpec(name="preds", run=99), "run-missing"),
        (WorkflowSpec(name="other", run=3), "artifact-missing"),
        (WorkflowSpec(name="preds", run=4), "artifact-expired"),
    ):
        with pytest.raises(GitHubError) as caught:
            locate(client, spec)
        assert caught.value.reason_code == code
        assert spec.text in caught.value.message


def test_a_run_of_another_repository(api: Api, client: Client) -> None:
    """A run that says that it is of another repository is not of this one."""
    api.seed(runs=[{"id": 9, "head_sha": SHA, "repository": "acme/other"}])
    with pytest.raises(GitHubError, match="acme/shop has no run 9"):
        locate(client, WorkflowSpec(name="preds", run=9))


def test_the_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """A token that may not read runs is told `actions: read`."""
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="actions: read"):
        locate(client_for("weak"), MAIN)


def test_trouble_on_the_way_is_waited_for(api: Api, client: Client, sleeps: list[float]) -> None:
    """A failing server and a rate limit are tried again, as everywhere."""
    seed_run(api, 1)
    api.seed(
        faults=[
            {"kind": "status", "status": 502, "path": "/actions/artifacts"},
            {"kind": "status", "status": 429, "path": "/actions/runs/1", "headers": {"Retry-After": "7"}},
        ]
    )
    assert locate(client, MAIN).run.id == 1
    assert sleeps == [1.0, 7.0]
