"""The artifact and the run that a specification names."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.clients.github.client import connect
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.measure.github import artifacts
from ghmlops.measure.github.artifacts import locate
from github_api import delivery
from github_api.routes import OWNED, ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.calls import Call, Response
    from github_api.server import Api
    from github_api.state import State

SHA, OTHER = "c" * 40, "d" * 40
MAIN = WorkflowSpec(name="preds", branch="main")


def seed_run(api: Api, number: int, *, artifact: dict[str, Any] | None = None, **fields: Any) -> None:
    """Add a run with an artifact: by default, a successful push run of `main`."""
    created = f"2026-01-{1 + number % 28:02}T00:00:00Z"
    run = {"id": number, "head_sha": SHA, "event": "push", "head_branch": "main", "created_at": created, **fields}
    api.seed(runs=[run])
    defaults = {"name": "preds", "zip_base64": base64.b64encode(b"zip").decode(), "created_at": run["created_at"]}
    api.seed(artifacts=[{"run_id": number, **defaults, **(artifact or {})}])


def test_newest_successful_push_run_of_the_branch(api: Api, client: Client) -> None:
    """Newer runs of dispatches, pull requests, forks, schedules and other branches, and failed runs, are skipped."""
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
    located = locate(client, MAIN)
    assert (located.run.id, located.run.head_sha, located.run.event) == (2, OTHER, "push")
    assert located.run.created_at == "2026-01-03T00:00:00Z"
    assert located.artifact.name == "preds"


def test_run_of_a_fork_is_never_a_baseline(api: Api, client: Client) -> None:
    """A successful push run of a fork, on a branch of the same name, is never used."""
    seed_run(api, 5, head_repository="mallory/shop")
    with pytest.raises(GitHubError, match="1 of a fork") as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-missing"


def test_reasons_are_counted(api: Api, client: Client) -> None:
    """If runs have the artifact but none can be a baseline, the error counts the reasons."""
    seed_run(api, 1, event="workflow_dispatch")
    seed_run(api, 2, event="workflow_dispatch")
    seed_run(api, 3, conclusion="failure")
    with pytest.raises(GitHubError) as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-missing"
    assert "artifact:preds@main" in caught.value.message
    assert "1 not successful, 2 of workflow_dispatch" in caught.value.message


def test_new_attempt_of_an_old_run_is_not_newer(api: Api, client: Client) -> None:
    """A repeated run has a newer artifact but remains the older run; of its artifacts, the newest is used."""
    seed_run(api, 1, artifact={"created_at": "2026-02-01T00:00:00Z"})
    seed_run(api, 2)
    assert locate(client, MAIN).run.id == 2
    seed_run(api, 3)
    again = {"run_id": 3, "attempt": 2, "created_at": "2026-03-01T00:00:00Z"}
    api.seed(artifacts=[{**again, "name": "preds", "zip_base64": ""}])
    assert locate(client, MAIN).artifact.id == api.state.artifacts[-1]["id"]


def test_expired_artifacts_are_reported(api: Api, client: Client) -> None:
    """If all artifacts of the branch have expired, the error has its own reason code and a hint."""
    seed_run(api, 1, artifact={"expired": True})
    with pytest.raises(GitHubError) as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-expired"
    assert "retention-days" in caught.value.hint


def test_missing_artifact_is_reported(api: Api, client: Client) -> None:
    """A branch without the artifact is reported after one request."""
    seed_run(api, 1, head_branch="topic")
    with pytest.raises(GitHubError, match="branch main of acme/shop") as caught:
        locate(client, MAIN)
    assert caught.value.reason_code == "artifact-missing"
    assert len(api.state.requests) == 1


def test_hint_for_enterprise_servers(api: Api) -> None:
    """On an enterprise server, the hint for a missing artifact mentions that upload-artifact v4 is unsupported."""
    connection = connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print)
    with connection as client, pytest.raises(GitHubError) as caught:
        locate(client, MAIN)
    assert "enterprise" in caught.value.hint
    with connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print) as client:
        seed_run(api, 1)
        assert locate(client, MAIN).run.id == 1


def test_pages_are_read_until_nothing_newer_can_follow(api: Api, client: Client) -> None:
    """An artifact on a later page is found; pages after the result are not read."""
    seed_run(api, 1, created_at="2025-01-01T00:00:00Z")
    for n in range(350):
        seed_run(api, 1000 + n, head_branch="topic", created_at=f"2025-06-01T00:{n // 60:02}:{n % 60:02}Z")
    assert locate(client, MAIN).run.id == 1
    assert len(api.state.requests) == 5
    api.state.requests.clear()
    seed_run(api, 5000, created_at="2026-06-01T00:00:00Z")
    assert locate(client, MAIN).run.id == 5000
    assert len(api.state.requests) == 2


def test_list_in_another_order_is_read_to_its_end(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub does not document that the newest artifact comes first; in another order, the newest run is found too."""
    monkeypatch.setattr(artifacts, "PAGE", 3)
    for n in (1, 2, 3, 4):
        artifact = {"created_at": f"2026-01-{2 * n:02}T00:00:00Z"}
        seed_run(api, n, created_at=f"2026-01-{2 * n - 1:02}T00:00:00Z", artifact=artifact)
    route = ("get", f"{OWNED}/actions/artifacts")

    def in_another_order(state: State, call: Call) -> Response:
        response = delivery.list_repository_artifacts(state, call)
        assert isinstance(response.body, dict)
        newest_first = response.body["artifacts"]
        return response._replace(body={**response.body, "artifacts": [newest_first[i] for i in (3, 1, 2, 0)]})

    monkeypatch.setitem(ROUTES, route, ROUTES[route]._replace(serve=in_another_order))
    assert locate(client, MAIN).run.id == 4


def test_number_of_examined_runs_is_bounded(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most `MAX_RUNS` runs are examined."""
    monkeypatch.setattr(artifacts, "MAX_RUNS", 3)
    seed_run(api, 1)
    for n in range(120):
        seed_run(api, 1000 + n, event="workflow_dispatch")
    with pytest.raises(GitHubError, match="3 of workflow_dispatch"):
        locate(client, MAIN)
    assert len(api.state.requests) == 2 + 3


def test_artifact_of_a_commit(api: Api, client: Client) -> None:
    """The newest successful push run of the commit that has the artifact is used, on every branch."""
    seed_run(api, 1, head_branch="release")
    seed_run(api, 2, artifact={"name": "other"})
    seed_run(api, 3, event="workflow_dispatch")
    seed_run(api, 4, conclusion="failure")
    seed_run(api, 5, head_sha=OTHER)
    seed_run(api, 6, head_repository="mallory/shop")
    assert locate(client, WorkflowSpec(name="preds", sha=SHA)).run.id == 1
    with pytest.raises(GitHubError, match=r"0 successful push runs .* eeeeeeeeeeee"):
        locate(client, WorkflowSpec(name="preds", sha="e" * 40))
    with pytest.raises(GitHubError, match="2 successful"):
        locate(client, WorkflowSpec(name="nothing", sha=SHA))


def test_artifact_of_a_run(api: Api, client: Client) -> None:
    """A named run is used whatever event started it, and the result contains event and conclusion."""
    seed_run(api, 3, event="pull_request", conclusion="failure", head_repository="mallory/shop")
    seed_run(api, 4, artifact={"expired": True})
    located = locate(client, WorkflowSpec(name="preds", run=3))
    assert (located.run.event, located.run.conclusion) == ("pull_request", "failure")
    assert located.run.head_repository is not None
    assert located.run.head_repository.full_name == "mallory/shop"
    for spec, code in (
        (WorkflowSpec(name="preds", run=99), "run-missing"),
        (WorkflowSpec(name="other", run=3), "artifact-missing"),
        (WorkflowSpec(name="preds", run=4), "artifact-expired"),
    ):
        with pytest.raises(GitHubError) as caught:
            locate(client, spec)
        assert caught.value.reason_code == code
        assert spec.text in caught.value.message


def test_run_of_another_repository_is_not_used(api: Api, client: Client) -> None:
    """A run whose repository is another one is reported as missing."""
    api.seed(runs=[{"id": 9, "head_sha": SHA, "repository": "acme/other"}])
    with pytest.raises(GitHubError, match="acme/shop") as caught:
        locate(client, WorkflowSpec(name="preds", run=9))
    assert caught.value.reason_code == "run-missing"


def test_missing_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """The error for a token that cannot read runs names the permission."""
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="actions: read"):
        locate(client_for("weak"), MAIN)


def test_transient_failures_are_retried(api: Api, client: Client, sleeps: list[float]) -> None:
    """Requests are sent again after a transient failure and after a rate limit."""
    seed_run(api, 1)
    api.seed(
        faults=[
            {"kind": "status", "status": 502, "path": "/actions/artifacts"},
            {"kind": "status", "status": 429, "path": "/actions/runs/1", "headers": {"Retry-After": "7"}},
        ]
    )
    assert locate(client, MAIN).run.id == 1
    assert sleeps == [1.0, 7.0]
