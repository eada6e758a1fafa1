"""Starts workflows: once for each commit what a push with GITHUB_TOKEN does not start, with inputs, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from ghmlops.clients.github.calls import read, read_pages, write

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.step import DispatchWorkflow, RerunWorkflow

READ, WRITE = "actions: read", "actions: write"
MAX_PAGES = 5
"""Pages of dispatched runs of one workflow that are searched, newest first."""


class _Runs(msgspec.Struct, frozen=True):
    total_count: int


class _Run(msgspec.Struct, frozen=True):
    id: int
    html_url: str
    run_attempt: int = 1
    display_title: str | None = None
    """The `run-name` of the workflow with its expressions evaluated."""
    status: str | None = None


class _RunList(msgspec.Struct, frozen=True):
    workflow_runs: list[_Run]


class _Started(msgspec.Struct, frozen=True):
    html_url: str = ""


def dispatch_workflow(client: Client, *, workflow: str, branch: str, sha: str) -> bool:
    """Start a workflow on a branch, and return whether it was started; `False` if a run of the commit exists already.

    A push with another token than GITHUB_TOKEN may have started it. A response that is lost is looked for among the
    runs before the workflow is started again.

    Args:
        client: The connection.
        workflow: File name of the workflow.
        branch: Branch to run it on.
        sha: Full SHA of the tip of the branch.

    Raises:
        GitHubError: GitHub rejected a request: there is no such workflow, or it cannot be started by hand;
            `PermissionMissing` names the permission.
    """

    def find_existing() -> object | None:
        runs = read(
            client,
            f"actions/workflows/{workflow}/runs",
            _Runs,
            activity=f"looking for a run of {workflow}",
            permission=READ,
            parameters={"head_sha": sha},
        )
        return runs if runs.total_count else None

    if find_existing() is not None:
        return False
    write(
        client,
        "POST",
        f"actions/workflows/{workflow}/dispatches",
        object,
        body={"ref": branch},
        activity=f"starting {workflow}",
        permission=WRITE,
        find_existing=find_existing,
    )
    return True


def start_workflow(client: Client, step: DispatchWorkflow, *, request: str = "") -> str:
    """Start a workflow with inputs, and return the address of its run; empty if GitHub does not name it.

    A response that is lost is looked for among the dispatched runs: by the request, or among those that are newer than
    those of before. With a request, a workflow that has such a run is not started again, whoever started it.

    Args:
        client: The connection.
        step: The workflow, its branch and its inputs.
        request: Text without spaces that the `run-name` of the workflow contains for this request and for no other.

    Raises:
        GitHubError: GitHub rejected a request: there is no such workflow, it cannot be started by hand, or lacks an
            input; `PermissionMissing` names the permission.
    """
    if request and (url := find_request(client, step.workflow, request)) is not None:
        return url
    before = 0 if request else max((run.id for run in _dispatched(client, step.workflow)), default=0)

    def find_existing() -> _Started | None:
        if request:
            url = find_request(client, step.workflow, request)
            return None if url is None else _Started(url)
        run = next((run for run in _dispatched(client, step.workflow) if run.id > before), None)
        return _Started(run.html_url) if run else None

    body: dict[str, object] = {"ref": step.branch, "inputs": step.inputs}
    if not client.is_enterprise:  # Older servers refuse what they do not know.
        body["return_run_details"] = True
    started: _Started | None = write(
        client,
        "POST",
        f"actions/workflows/{step.workflow}/dispatches",
        cast("type[_Started | None]", _Started | None),
        body=body,
        activity=f"starting {step.workflow}",
        permission=WRITE,
        find_existing=find_existing,
    )
    return "" if started is None else started.html_url


class DispatchedRun(NamedTuple):
    """A run that was started by hand or by another workflow: its address, and whether it has ended."""

    url: str
    is_complete: bool


def dispatched_runs(client: Client, workflow: str) -> dict[str, DispatchedRun]:
    """Return the newest dispatched runs of a workflow, by each word of their `run-name`; of several the oldest.

    A word may contain more than a request, as in `confirm (REQUEST)`.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    pages = read_pages(
        client,
        f"actions/workflows/{workflow}/runs",
        _Run,
        activity=f"looking for a run of {workflow}",
        permission=READ,
        parameters={"event": "workflow_dispatch"},
        key="workflow_runs",
        max_pages=MAX_PAGES,
    )
    runs: dict[str, DispatchedRun] = {}
    for run in sorted((run for page in pages for run in page), key=lambda run: run.id):
        for word in (run.display_title or "").split():
            runs.setdefault(word, DispatchedRun(run.html_url, run.status == "completed"))
    return runs


def find_request(client: Client, workflow: str, request: str) -> str | None:
    """Return the address of the run of a workflow whose `run-name` contains a request; `None` if there is none.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    runs = dispatched_runs(client, workflow)
    return next((run.url for word, run in runs.items() if request in word), None)


def _dispatched(client: Client, workflow: str) -> list[_Run]:
    return read(
        client,
        f"actions/workflows/{workflow}/runs",
        _RunList,
        activity=f"looking for a run of {workflow}",
        permission=READ,
        parameters={"event": "workflow_dispatch", "per_page": 20},
    ).workflow_runs


def rerun_workflow(client: Client, step: RerunWorkflow) -> str:
    """Run all jobs of a run again, and return its address; nothing happens if a later attempt exists already.

    All jobs, since the job that measures has succeeded if its result is inconclusive.

    Raises:
        GitHubError: GitHub rejected a request: the run is too old or still running; `PermissionMissing` names the
            permission.
    """

    def find_existing() -> _Run | None:
        activity = f"reading run {step.run_id}"
        run = read(client, f"actions/runs/{step.run_id}", _Run, activity=activity, permission=READ)
        return run if run.run_attempt > step.attempt else None

    if (run := find_existing()) is None:
        write(
            client,
            "POST",
            f"actions/runs/{step.run_id}/rerun",
            object,
            body={},
            activity=f"running {step.run_id} again",
            permission=WRITE,
            find_existing=find_existing,
        )
        activity = f"reading run {step.run_id}"
        run = read(client, f"actions/runs/{step.run_id}", _Run, activity=activity, permission=READ)
    return run.html_url
