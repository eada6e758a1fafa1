"""Reads workflow runs: what GitHub says about a run, whatever its files claim."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github import calls
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.core.evidence.run import RunFacts

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ = "actions: read"
_MAX_DIGITS = 18


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _User(msgspec.Struct, frozen=True):
    login: str


class Run(msgspec.Struct, frozen=True):
    """A workflow run as GitHub's API describes it."""

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
    run_started_at: str | None = None
    """Start of this attempt."""
    triggering_actor: _User | None = None
    """The person who started this attempt."""
    path: str = ""
    """Path of the workflow file; GitHub may add `@` and the reference."""

    def problem(self, repository: str, branch: str) -> str:
        """Return why the run cannot be a baseline, or an empty string if it can.

        Args:
            repository: `owner/name` that the run must belong to.
            branch: Branch that the run must be of; empty accepts every branch.
        """
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


class _Runs(msgspec.Struct, frozen=True):
    workflow_runs: list[Run]


def newest_success(client: Client, workflow: str, branch: str) -> datetime | None:
    """Return when the newest successful run of a workflow started (UTC); `None` if there is none.

    Args:
        client: The connection.
        workflow: File name of the workflow.
        branch: Branch of the run; empty accepts every branch.

    Raises:
        GitHubError: There is no such workflow (reason code `not-found`), or GitHub rejected the request.
    """
    parameters: dict[str, str | int] = {"status": "success", "per_page": 1}
    if branch:
        parameters["branch"] = branch
    activity = f"looking for runs of {workflow}"
    address = f"actions/workflows/{workflow}/runs"
    runs = calls.read(client, address, _Runs, activity=activity, permission=READ, parameters=parameters).workflow_runs
    if not runs:
        return None
    text = runs[0].run_started_at or runs[0].created_at
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise GitHubError(f"GitHub answers with no time of run {runs[0].id}: {text[:40]!a}", hint="try again") from None


def read_api_run(client: Client, run_id: int) -> Run:
    """Return a run as the API describes it.

    Raises:
        GitHubError: There is no such run (reason code `not-found`), or GitHub rejected the request.
    """
    activity = f"reading run {run_id}"
    return calls.read(client, f"actions/runs/{run_id}", Run, activity=activity, permission=READ)


def read_run(client: Client, run_id: int | str) -> RunFacts:
    """Return the facts about a run, without its artifacts; see `evidence.fetch_evidence` for both.

    The head repository is empty if the fork was deleted, and the conclusion is empty while the run is in progress.

    Raises:
        InputError: `run_id` is not a number.
        GitHubError: There is no such run (reason code `not-found`), or GitHub rejected the request.
    """
    return run_facts(read_api_run(client, run_number(run_id)))


def triggering_actor(client: Client, run_id: int | str, attempt: int) -> str:
    """Return the login of the person who started an attempt of a run; empty if GitHub names nobody.

    The run itself names who started its newest attempt: another person, if it was run again meanwhile.

    Raises:
        InputError: `run_id` is not a number.
        GitHubError: There is no such run (reason code `not-found`), or GitHub rejected the request.
    """
    number = run_number(run_id)
    run = read_api_run(client, number)
    if run.run_attempt != attempt:
        activity = f"reading attempt {attempt} of run {number}"
        address = f"actions/runs/{number}/attempts/{attempt}"
        run = calls.read(client, address, Run, activity=activity, permission=READ)
    person = run.triggering_actor
    return person.login if person else ""


def run_number(run_id: int | str) -> int:
    """Return the id of a run as a number.

    Raises:
        InputError: It is not a number.
    """
    text = str(run_id).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) > 0):
        raise InputError(
            f"the id of the run is not a number: {text[:40]!a}",
            hint="for example `${{ github.run_id }}`, or `${{ github.event.workflow_run.id }}`",
        )
    return int(text)


def run_facts(run: Run) -> RunFacts:
    """Return the facts that evidence is compared with."""
    return RunFacts(
        run_id=str(run.id),
        attempt=run.run_attempt,
        repository=run.repository.full_name,
        head_sha=run.head_sha,
        head_repository=run.head_repository.full_name if run.head_repository else "",
        event=run.event,
        workflow=run.path.partition("@")[0],
        conclusion=run.conclusion or "",
    )
