"""Whether a confirmed failure of the history is that of the run which measured it, before anything is undone for it.

Who may push to the branch of the history may write a record. The verdict that it names is an artifact of a run, and
only the workflow of the default branch has such runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.context import dig
from ghmlops.core.errors import DataError, EvidenceError, GitHubError, InputError, NeedsPerson
from ghmlops.core.revert.grounds import Target, decide_grounds

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.history.record import ConfirmationRecord
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.runs import Run

ARTIFACT = "ghmlops-watch-verdict"
"""Name of the artifact with the verdict, without the attempt of its run."""
MAX_BYTES = 16 * 1024**2
"""Bytes of that archive."""
_ABSENT = ("run-missing", "artifact-missing", "artifact-expired")


def problem_of(inputs: Inputs, services: Services, policy: Policy, record: ConfirmationRecord) -> str:
    """Return why the failure that a record confirms is not proven by its run; empty if it is.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        policy: the policy of the default branch.
        record: newest paired verdict about the two commits.

    Raises:
        InputError: There is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.measure.github.runs import run_number
    from ghmlops.measure.temporary import temporary_folder

    try:
        number = run_number(record.run_id)
    except InputError:
        return "its record names no run"
    with connection(inputs.token, services) as client, temporary_folder("ghmlops-verdict-") as folder:
        try:
            verdict = _fetch(client, number, record, policy, services, folder)
            target = Target(
                repository=services.context.repository,
                service=policy.service,
                environment=inputs.environment or policy.gate.environment,
                max_age=policy.gate.max_age,
                now=services.now(),
            )
            decide_grounds(verdict, "", target)
        except (NeedsPerson, EvidenceError, DataError) as error:
            return error.message
        except GitHubError as error:
            if error.reason_code not in _ABSENT:
                raise
            return error.message
    return _difference(verdict, record)


def _fetch(  # noqa: PLR0913, PLR0917  (what is fetched, and what it must be)
    client: Client, number: int, record: ConfirmationRecord, policy: Policy, services: Services, folder: Path
) -> Verdict:
    from ghmlops.measure.evidence import read_verdict
    from ghmlops.measure.github.artifacts import locate
    from ghmlops.measure.github.download import download
    from ghmlops.measure.unpack import Limits, unpack

    spec = WorkflowSpec(name=f"{ARTIFACT}-{record.run_attempt}", run=number)
    located = locate(client, spec)
    branch = str(dig(services.context.event, "repository", "default_branch") or services.context.ref_name)
    workflow = policy.watch.workflows.confirm if policy.watch else ""
    if problem := _run_problem(located.run, client.repository, workflow, branch):
        raise EvidenceError(f"run {number} is {problem}", hint="look at who wrote the record")
    archive = folder / "verdict.zip"
    download(client, located.artifact, archive, services.console.progress, max_bytes=MAX_BYTES)
    limits = Limits(files=10, size=4 * MAX_BYTES)
    unpack(archive, folder / "verdict", spec.text, lambda name: name == "verdict.json", limits)
    return read_verdict(folder / "verdict/verdict.json")


def _run_problem(run: Run, repository: str, workflow: str, branch: str) -> str:
    """Return why a run is none of the workflow that measures paired verdicts, on the default branch."""
    origin = run.head_repository.full_name if run.head_repository else "a deleted fork"
    if origin.lower() != repository.lower():
        return "of a fork"
    if run.event != "workflow_dispatch":
        return f"of {run.event}, and was not started by a request"
    if not workflow or run.path.partition("@")[0] != f".github/workflows/{workflow}":
        return "not of the workflow `watch.workflows.confirm`"
    if run.head_branch != branch:
        return "not of the default branch"
    return ""


def _difference(verdict: Verdict, record: ConfirmationRecord) -> str:
    from ghmlops.act.evidence import verdict_digest

    if (verdict.commit, verdict.base_sha) != (record.commit, record.base_sha):
        return "the verdict of its run is about other commits"
    if verdict_digest(verdict) != record.verdict_sha256:
        return "the verdict of its run has another digest than the record"
    return ""
