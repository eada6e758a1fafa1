"""Starting workflows: once for each commit, with inputs, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.dispatches import dispatch_workflow, find_request, rerun_workflow, start_workflow
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.steps.step import DispatchWorkflow, RerunWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SHA = "b" * 40


def test_a_commit_is_deployed_once(api: Api, client: Client) -> None:
    """A second call and a lost response start nothing again; a run that the push started counts."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/dispatches$"}])
    assert dispatch_workflow(client, workflow="deploy.yml", branch="main", sha=SHA)
    assert not dispatch_workflow(client, workflow="deploy.yml", branch="main", sha=SHA)
    assert [(r["path"], r["head_sha"]) for r in api.state.runs] == [(".github/workflows/deploy.yml", SHA)]
    api.seed(runs=[{"id": 7, "head_sha": SHA, "event": "push", "path": ".github/workflows/site.yml"}])
    assert not dispatch_workflow(client, workflow="site.yml", branch="main", sha=SHA)


def test_what_cannot_be_started(api: Api, client: Client, client_for: Callable[[str], Client]) -> None:
    """A workflow without the trigger, and a token without the permission, which the error names."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    with pytest.raises(GitHubError):
        dispatch_workflow(client, workflow="no-trigger.yml", branch="main", sha=SHA)
    api.seed(tokens={"weak": {"permissions": {"contents": "write"}}})
    with pytest.raises(PermissionMissing, match="`actions: write`"):
        dispatch_workflow(client_for("weak"), workflow="deploy.yml", branch="main", sha=SHA)
    assert api.state.runs == []


GATE = DispatchWorkflow(workflow="gate.yml", branch="main", inputs={"commit": SHA, "override-reason": "$(id)"})


@pytest.mark.parametrize("kind", ["", "lost-answer", "truncated"])
def test_a_start_with_inputs_is_not_doubled(api: Api, client: Client, kind: str) -> None:
    """The response names the run; if it is lost, the run that is newer than before is that one."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    path = ".github/workflows/gate.yml"
    api.seed(runs=[{"id": 7, "head_sha": SHA, "event": "workflow_dispatch", "path": path}])
    if kind:
        api.seed(faults=[{"kind": kind, "method": "POST", "path": "/dispatches$"}])
    url = start_workflow(client, GATE)
    _, started = api.state.runs
    assert started["inputs"] == GATE.inputs
    assert url.endswith(f"/actions/runs/{started['id']}")


@pytest.mark.parametrize("kind", ["", "lost-answer", "truncated"])
def test_a_request_is_dispatched_once(api: Api, client: Client, kind: str) -> None:
    """The run-name identifies the request: a newer run of another one is not its run, and a second start finds it."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    if kind:
        api.seed(faults=[{"kind": kind, "method": "POST", "path": "/dispatches$"}])
    mine, other = (
        DispatchWorkflow(workflow="confirm.yml", branch="main", inputs={"request": request})
        for request in ("aaaa", "bbbb")
    )
    first = start_workflow(client, mine, request="aaaa")
    second = start_workflow(client, other, request="bbbb")
    assert [run["inputs"]["request"] for run in api.state.runs] == ["aaaa", "bbbb"]
    assert first != second
    assert start_workflow(client, mine, request="aaaa") == first == find_request(client, "confirm.yml", "aaaa")
    assert find_request(client, "confirm.yml", "cccc") is None
    assert len(api.state.runs) == 2


@pytest.mark.parametrize("title", ["confirm (aaaa)", "aaaa: confirm", "ghmlops-aaaa", "a/aaaa/b c"])
def test_a_request_is_found_within_any_run_name(api: Api, client: Client, title: str) -> None:
    """Whatever the workflow writes before and after it."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    fields = {"head_sha": SHA, "event": "workflow_dispatch", "path": ".github/workflows/confirm.yml"}
    api.seed(runs=[{"id": 7, "display_title": title, **fields}, {"id": 8, "display_title": "confirm (b)", **fields}])
    step = DispatchWorkflow(workflow="confirm.yml", branch="main", inputs={"request": "aaaa"})
    assert start_workflow(client, step, request="aaaa").endswith("/actions/runs/7")
    assert len(api.state.runs) == 2


def test_a_workflow_without_the_inputs(api: Api, client: Client) -> None:
    """GitHub refuses inputs that the workflow does not declare, and nothing is started."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    with pytest.raises(GitHubError) as refused:
        start_workflow(client, DispatchWorkflow(workflow="no-inputs.yml", branch="main", inputs={"commit": SHA}))
    assert refused.value.reason_code == "github-refused"
    assert api.state.runs == []


@pytest.mark.parametrize("kind", ["", "lost-answer", "truncated"])
def test_a_run_is_repeated_once(api: Api, client: Client, kind: str) -> None:
    """A lost response and a second call do not start a third attempt."""
    api.seed(runs=[{"id": 42, "head_sha": SHA, "conclusion": "failure"}])
    if kind:
        api.seed(faults=[{"kind": kind, "method": "POST", "path": "/rerun$"}])
    step = RerunWorkflow(run_id=42, attempt=1, sha=SHA)
    assert rerun_workflow(client, step) == rerun_workflow(client, step) == f"{api.url}/html/acme/shop/actions/runs/42"
    assert [run["run_attempt"] for run in api.state.runs] == [2]


def test_a_run_that_cannot_be_repeated(api: Api, client: Client, client_for: Callable[[str], Client]) -> None:
    """It is still running, or the token lacks the permission, which the error names."""
    api.seed(runs=[{"id": 42, "head_sha": SHA, "status": "in_progress", "conclusion": None}])
    with pytest.raises(GitHubError):
        rerun_workflow(client, RerunWorkflow(run_id=42, attempt=1, sha=SHA))
    api.seed(tokens={"weak": {"permissions": {"actions": "read"}}})
    with pytest.raises(PermissionMissing, match="`actions: write`"):
        rerun_workflow(client_for("weak"), RerunWorkflow(run_id=42, attempt=1, sha=SHA))
