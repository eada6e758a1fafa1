"""Artifacts of workflow runs: which one a name means, and its bytes. What is inside them is for others to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ghmlops.act.github.client import Client, ask
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ghmlops.core.artifacts.spec import WorkflowSpec

T = TypeVar("T", bound=msgspec.Struct)
READ = "actions: read"
PAGE = 100
MAX_PAGES = 10
"""Pages of a list that are looked through, newest first."""
MAX_RUNS = 100
"""Runs that are asked about, newest first."""
_GHES = "; upload-artifact v4 is not for enterprise servers: there, name a file"


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _Origin(msgspec.Struct, frozen=True):
    id: int
    head_branch: str | None = None


class Artifact(msgspec.Struct, frozen=True):
    """An artifact as GitHub lists it; times are ISO 8601 in UTC."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    created_at: str | None = None
    digest: str | None = None
    """`sha256:<hex>` of the archive; older servers do not tell."""
    workflow_run: _Origin | None = None


class Run(msgspec.Struct, frozen=True):
    """A workflow run as GitHub tells it."""

    id: int
    head_sha: str
    event: str
    created_at: str
    repository: _Repository
    head_branch: str | None = None
    head_repository: _Repository | None = None
    status: str | None = None
    conclusion: str | None = None
    run_attempt: int = 1

    def problem(self, repository: str, branch: str) -> str:
        """Return why it is no baseline, or empty; any branch will do where `branch` is empty."""
        origin = self.head_repository.full_name if self.head_repository else "a deleted fork"
        if origin.lower() != repository.lower():
            return "of a fork"
        if self.event != "push":
            return f"of {self.event}"
        if branch and self.head_branch != branch:
            return "of another branch"
        if self.status != "completed" or self.conclusion != "success":
            return "not successful"
        return ""


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact and the run it comes from; all of it told by GitHub, nothing by the artifact."""

    artifact: Artifact
    run: Run


class _Artifacts(msgspec.Struct, frozen=True):
    artifacts: list[Artifact]


class _Runs(msgspec.Struct, frozen=True):
    workflow_runs: list[Run]


def locate(client: Client, spec: WorkflowSpec) -> Located:
    """Find the artifact that `spec` means.

    Of a branch, and of a commit: that of the newest run (by its number, which GitHub counts up) that a push to this
    repository started and that succeeded, and that holds an artifact of the name that has not expired. Runs of pull
    requests, forks, schedules and people's dispatches are never taken. Of a run: that run's, whatever started it and
    however it ended. Where a run holds several of the name (attempts), the newest.

    Raises:
        GitHubError: there is none (reason codes `artifact-missing`, `artifact-expired`, `run-missing`), or GitHub
            refused; `PermissionMissing` names the permission.
    """
    if spec.run:
        return _of_run(client, spec)
    return _of_commit(client, spec) if spec.sha else _of_branch(client, spec)


def _of_run(client: Client, spec: WorkflowSpec) -> Located:
    try:
        run = _run(client, spec.run)
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
    listed = _of_name(client, spec, run.id)
    found = _newest(listed)
    if found is None:
        raise _none(spec, f"run {run.id}", expired=bool(listed))
    return Located(artifact=found, run=run)


def _of_commit(client: Client, spec: WorkflowSpec) -> Located:
    asked = {"head_sha": spec.sha, "event": "push", "status": "success"}
    doing = f"listing the runs of commit {spec.sha[:12]}"
    every: list[Run] = []
    for page in _pages(client, "actions/runs", asked, _Runs, doing):
        every += page.workflow_runs
        if len(page.workflow_runs) < PAGE:
            break
    good = [run for run in every if run.head_sha == spec.sha and not run.problem(client.repository, "")]
    expired = False
    for run in sorted(good, key=lambda run: -run.id)[:MAX_RUNS]:
        listed = _of_name(client, spec, run.id)
        if found := _newest(listed):
            return Located(artifact=found, run=run)
        expired = expired or bool(listed)
    raise _none(spec, f"any of the {len(good)} successful push runs of commit {spec.sha[:12]}", expired=expired)


def _of_branch(client: Client, spec: WorkflowSpec) -> Located:
    """Look through the artifacts of the name, which are fewer than the runs, and ask about their runs."""
    doing = f"listing the artifacts {spec.name}"
    verdicts: dict[int, tuple[Run, str]] = {}
    own: list[Artifact] = []
    times: list[str] = []
    best: Run | None = None
    for page in _pages(client, "actions/artifacts", {"name": spec.name}, _Artifacts, doing):
        named = [a for a in page.artifacts if a.name == spec.name and a.workflow_run]
        own += [a for a in named if a.workflow_run and a.workflow_run.head_branch in (spec.branch, None)]
        best = _confirmed(client, spec.branch, _run_ids(own), verdicts)
        times += [a.created_at or "" for a in page.artifacts]
        if len(page.artifacts) < PAGE or (best and _nothing_newer_follows(best, times)):
            break
    if best is None:
        raise _no_baseline(client, spec, own, [why for _, why in verdicts.values() if why])
    fresh = [a for a in own if a.workflow_run and a.workflow_run.id == best.id and not a.expired]
    return Located(artifact=max(fresh, key=lambda a: a.id), run=best)


def _nothing_newer_follows(best: Run, times: Sequence[str]) -> bool:
    """True where pages behind artifacts of these `times` cannot hold one of a newer run than `best`.

    An artifact is younger than its run. That the list has the newest first is not documented, so it is checked.
    """
    return best.created_at >= times[-1] and list(times) == sorted(times, reverse=True)


def _run_ids(artifacts: Sequence[Artifact]) -> list[int]:
    """Return the runs of the artifacts that have not expired, newest first."""
    return sorted({a.workflow_run.id for a in artifacts if a.workflow_run and not a.expired}, reverse=True)


def _confirmed(client: Client, branch: str, ids: Sequence[int], verdicts: dict[int, tuple[Run, str]]) -> Run | None:
    """Return the first run that can be a baseline; what GitHub said of the others is kept in `verdicts`."""
    for key in ids[:MAX_RUNS]:
        if key not in verdicts:
            run = _run(client, key)
            verdicts[key] = run, run.problem(client.repository, branch)
        run, why = verdicts[key]
        if not why:
            return run
    return None


def _no_baseline(client: Client, spec: WorkflowSpec, own: Sequence[Artifact], reasons: Sequence[str]) -> GitHubError:
    if own and all(a.expired for a in own):
        return _none(spec, f"the runs of branch {spec.branch}", expired=True)
    if not own:
        return GitHubError(
            f"{spec.text}: branch {spec.branch} of {client.repository} has no artifact of that name",
            hint="check name and branch; the workflow that pushes start must upload it with actions/upload-artifact"
            + (_GHES if client.api.requester.base_url.endswith("/api/v3") else ""),
            reason_code="artifact-missing",
        )
    counted = ", ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons))
    return GitHubError(
        f"{spec.text}: no successful push run of branch {spec.branch} holds it; runs that do: {counted}",
        hint="let a workflow that pushes to the branch start upload it; or name a run: `artifact:NAME#RUN`",
        reason_code="artifact-missing",
    )


def _none(spec: WorkflowSpec, where: str, *, expired: bool) -> GitHubError:
    if expired:
        return GitHubError(
            f"{spec.text}: the artifact of {where} has expired",
            hint="run that workflow again, and raise its `retention-days`",
            reason_code="artifact-expired",
        )
    return GitHubError(
        f"{spec.text}: no artifact of that name in {where}",
        hint="the name is that of actions/upload-artifact, which a matrix must vary by leg",
        reason_code="artifact-missing",
    )


def _newest(artifacts: Sequence[Artifact]) -> Artifact | None:
    return max((a for a in artifacts if not a.expired), key=lambda a: a.id, default=None)


def _run(client: Client, key: int) -> Run:
    address = f"/repos/{client.repository}/actions/runs/{key}"
    return ask(client, lambda: _read(client, address, {}, Run), doing=f"reading run {key}", need=READ)


def _of_name(client: Client, spec: WorkflowSpec, run: int) -> list[Artifact]:
    address = f"actions/runs/{run}/artifacts"
    page = next(_pages(client, address, {"name": spec.name}, _Artifacts, f"listing the artifacts of run {run}"))
    return [a for a in page.artifacts if a.name == spec.name]


def _pages(client: Client, address: str, asked: dict[str, str], kind: type[T], doing: str) -> Iterator[T]:
    for page in range(1, MAX_PAGES + 1):
        numbered: dict[str, Any] = {**asked, "per_page": PAGE, "page": page}
        yield ask(client, _reading(client, address, numbered, kind), doing=doing, need=READ)


def _reading(client: Client, address: str, asked: dict[str, Any], kind: type[T]) -> Callable[[], T]:
    return lambda: _read(client, f"/repos/{client.repository}/{address}", asked, kind)


def _read(client: Client, address: str, asked: dict[str, Any], kind: type[T]) -> T:
    _, answer = client.api.requester.requestJsonAndCheck("GET", address, parameters=asked)
    return msgspec.convert(answer, kind)  # what does not fit is a ValueError, which `ask` knows
