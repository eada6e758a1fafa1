"""Finds the artifact of a workflow run that a specification names.

All values come from GitHub's API; the content of an artifact is not read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github import calls
from ghmlops.clients.github.calls import PAGE
from ghmlops.core.errors import GitHubError
from ghmlops.measure.github.runs import READ, Run, read_api_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.clients.github.client import Client
    from ghmlops.core.artifacts.spec import WorkflowSpec

MAX_PAGES = 10
"""Maximum pages of a list that are read, newest first."""
MAX_RUNS = 100
"""Maximum runs that are examined, newest first."""
_ENTERPRISE_HINT = "; upload-artifact v4 does not support enterprise servers: use a file there"


class _Origin(msgspec.Struct, frozen=True):
    id: int
    head_branch: str | None = None


class Artifact(msgspec.Struct, frozen=True):
    """An artifact as GitHub's API lists it; times are ISO 8601 in UTC."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    created_at: str | None = None
    digest: str | None = None
    """`sha256:<hex>` of the archive; absent on older servers."""
    workflow_run: _Origin | None = None


class LocatedArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact and the run that uploaded it."""

    artifact: Artifact
    run: Run


def locate(client: Client, spec: WorkflowSpec) -> LocatedArtifact:
    """Return the artifact that `spec` names.

    For a branch or a commit, this is the artifact of the newest run (by its id, which GitHub increments) that a push to
    this repository started, that succeeded, and that has an unexpired artifact of the name. Runs of pull requests,
    forks, schedules and manual dispatches are never used. For a run, it is the artifact of that run, whatever event
    started it and whatever its conclusion. If a run has several artifacts of the name (attempts), the newest is used.

    Raises:
        GitHubError: There is no such artifact (reason codes `artifact-missing`, `artifact-expired`, `run-missing`), or
            GitHub rejected a request; `PermissionMissing` names the permission.
    """
    if spec.run:
        return _locate_by_run(client, spec)
    return _locate_by_commit(client, spec) if spec.sha else _locate_by_branch(client, spec)


def _locate_by_run(client: Client, spec: WorkflowSpec) -> LocatedArtifact:
    try:
        run = read_api_run(client, spec.run)
    except GitHubError as error:
        if error.reason_code != "not-found":
            raise
        run = None
    if run is None or run.repository.full_name.lower() != client.repository.lower():
        raise GitHubError(
            f"{spec.text}: {client.repository} has no run {spec.run} (404)",
            hint=f"check the number; a private repository also hides its runs from a token without `{READ}`",
            reason_code="run-missing",
        )
    artifacts = _artifacts_of_run(client, spec, run.id)
    artifact = _newest(artifacts)
    if artifact is None:
        raise _missing(spec, f"run {run.id}", expired=bool(artifacts))
    return LocatedArtifact(artifact=artifact, run=run)


def _locate_by_commit(client: Client, spec: WorkflowSpec) -> LocatedArtifact:
    parameters = {"head_sha": spec.sha, "event": "push", "status": "success"}
    activity = f"listing the runs of commit {spec.sha[:12]}"
    pages = calls.read_pages(
        client,
        "actions/runs",
        Run,
        key="workflow_runs",
        parameters=parameters,
        activity=activity,
        permission=READ,
        page_size=PAGE,
        max_pages=MAX_PAGES,
    )
    runs = [run for page in pages for run in page]
    candidates = [run for run in runs if run.head_sha == spec.sha and not run.problem(client.repository, "")]
    expired = False
    for run in sorted(candidates, key=lambda run: -run.id)[:MAX_RUNS]:
        artifacts = _artifacts_of_run(client, spec, run.id)
        if artifact := _newest(artifacts):
            return LocatedArtifact(artifact=artifact, run=run)
        expired = expired or bool(artifacts)
    origin = f"any of the {len(candidates)} successful push runs of commit {spec.sha[:12]}"
    raise _missing(spec, origin, expired=expired)


def _locate_by_branch(client: Client, spec: WorkflowSpec) -> LocatedArtifact:
    """Walk through the artifacts of the name, which are fewer than the runs, and examine their runs."""
    activity = f"listing the artifacts {spec.name}"
    examined: dict[int, tuple[Run, str]] = {}
    of_branch: list[Artifact] = []
    times: list[str] = []
    best: Run | None = None
    pages = calls.read_pages(
        client,
        "actions/artifacts",
        Artifact,
        key="artifacts",
        parameters={"name": spec.name},
        activity=activity,
        permission=READ,
        page_size=PAGE,
        max_pages=MAX_PAGES,
    )
    for page in pages:
        named = [a for a in page if a.name == spec.name and a.workflow_run]
        of_branch += [a for a in named if a.workflow_run and a.workflow_run.head_branch in (spec.branch, None)]
        best = _first_baseline(client, spec.branch, _run_ids(of_branch), examined)
        times += [a.created_at or "" for a in page]
        if best and _no_newer_run_follows(best, times):
            break
    if best is None:
        raise _no_baseline(client, spec, of_branch, [problem for _, problem in examined.values() if problem])
    unexpired = [a for a in of_branch if a.workflow_run and a.workflow_run.id == best.id and not a.expired]
    return LocatedArtifact(artifact=max(unexpired, key=lambda a: a.id), run=best)


def _no_newer_run_follows(best: Run, times: Sequence[str]) -> bool:
    """Return whether later pages cannot contain an artifact of a newer run than `best`.

    An artifact is created after its run. GitHub does not document that the list starts with the newest, so the order of
    the creation times read so far, `times`, is checked.
    """
    return bool(times) and best.created_at >= times[-1] and list(times) == sorted(times, reverse=True)


def _run_ids(artifacts: Sequence[Artifact]) -> list[int]:
    """Return the ids of the runs of the unexpired artifacts, newest first."""
    return sorted({a.workflow_run.id for a in artifacts if a.workflow_run and not a.expired}, reverse=True)


def _first_baseline(
    client: Client, branch: str, run_ids: Sequence[int], examined: dict[int, tuple[Run, str]]
) -> Run | None:
    """Return the first run that can be a baseline; `examined` caches each run with its problem."""
    for run_id in run_ids[:MAX_RUNS]:
        if run_id not in examined:
            run = read_api_run(client, run_id)
            examined[run_id] = run, run.problem(client.repository, branch)
        run, problem = examined[run_id]
        if not problem:
            return run
    return None


def _no_baseline(
    client: Client, spec: WorkflowSpec, artifacts: Sequence[Artifact], problems: Sequence[str]
) -> GitHubError:
    if artifacts and all(a.expired for a in artifacts):
        return _missing(spec, f"the runs of branch {spec.branch}", expired=True)
    if not artifacts:
        return GitHubError(
            f"{spec.text}: branch {spec.branch} of {client.repository} has no artifact of that name",
            hint="check name and branch; a workflow that runs on pushes must upload it with actions/upload-artifact"
            + (_ENTERPRISE_HINT if client.is_enterprise else ""),
            reason_code="artifact-missing",
        )
    counts = ", ".join(f"{problems.count(problem)} {problem}" for problem in dict.fromkeys(problems))
    return GitHubError(
        f"{spec.text}: no successful push run of branch {spec.branch} has it; runs that have it: {counts}",
        hint="upload it in a workflow that runs on pushes to the branch, or name a run: `artifact:NAME#RUN`",
        reason_code="artifact-missing",
    )


def _missing(spec: WorkflowSpec, origin: str, *, expired: bool) -> GitHubError:
    if expired:
        return GitHubError(
            f"{spec.text}: the artifact of {origin} has expired",
            hint="run that workflow again, and raise its `retention-days`",
            reason_code="artifact-expired",
        )
    return GitHubError(
        f"{spec.text}: no artifact of that name in {origin}",
        hint="use the name given to actions/upload-artifact, which must differ between the legs of a matrix",
        reason_code="artifact-missing",
    )


def _newest(artifacts: Sequence[Artifact]) -> Artifact | None:
    return max((a for a in artifacts if not a.expired), key=lambda a: a.id, default=None)


def _artifacts_of_run(client: Client, spec: WorkflowSpec, run_id: int) -> list[Artifact]:
    return [a for a in artifacts_of_run(client, run_id, name=spec.name) if a.name == spec.name]


def artifacts_of_run(client: Client, run_id: int, *, name: str = "", max_pages: int = MAX_PAGES) -> list[Artifact]:
    """Return all artifacts of a run, of all its attempts.

    Args:
        client: The connection.
        run_id: Id of the run.
        name: Name of the artifacts; empty for every name.
        max_pages: Maximum pages of 100 artifacts.

    Raises:
        GitHubError: GitHub rejected a request.
    """
    pages = calls.read_pages(
        client,
        f"actions/runs/{run_id}/artifacts",
        Artifact,
        key="artifacts",
        parameters={"name": name} if name else {},
        activity=f"listing the artifacts of run {run_id}",
        permission=READ,
        page_size=PAGE,
        max_pages=max_pages,
    )
    return [artifact for page in pages for artifact in page]
