"""Decides what follows from the alarms, and starts the workflow that does it, once per request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.commands.watch.relands import read_relands
from ghmlops.core.context import dig
from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.incidents.accuracy import own_accuracy
from ghmlops.core.incidents.response import Response, Run, Situation, respond
from ghmlops.core.incidents.workflow import workflow_problem
from ghmlops.core.steps.step import DispatchWorkflow
from ghmlops.measure.checkout import git_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.commands.watch.job import Job
    from ghmlops.core.incidents.accuracy import Accuracy
    from ghmlops.core.watch.evaluation import Evaluation

WORKFLOWS = ".github/workflows/"


def check_inputs(inputs: Inputs) -> None:
    """Refuse to respond to the past, or without a token.

    Raises:
        InputError: It would be done.
    """
    if not inputs.respond:
        return
    if inputs.now.strip():
        raise InputError("inputs `now` and `respond`: nothing follows from the past", hint="leave one of them out")
    if not inputs.token:
        raise InputError(
            "input `respond`: without a token no workflow is started", hint="pass `token: ${{ github.token }}`"
        )


def decide(inputs: Inputs, services: Services, job: Job, evaluation: Evaluation) -> tuple[list[Response], Accuracy]:
    """Return what follows from the alarms that last, and how often `watch` was right.

    Runs that cannot be read are no runs that do not exist: then nothing is started, and the reason says so.
    """
    relands = read_relands(services.cwd, job.records, evaluation.open_alarms)
    accuracy = own_accuracy(job.records, evaluation.ended_alarms, relands.reverts, job.redeployed)
    runs: dict[str, Run] = {}
    problem, is_partial = job.history_problem, job.is_partial
    if inputs.respond and evaluation.open_alarms and (is_partial or not problem):
        try:
            runs = _runs(inputs, services, job)
        except GhmlopsError as error:
            problem, is_partial = f"The runs of the workflows cannot be read: {error.message}", False
    situation = Situation(
        records=job.records,
        problem=problem,
        is_partial=is_partial,
        unusable=evaluation.unusable,
        runs=runs,
        frozen=_is_frozen(services, job.policy.limits.freeze_file),
        accuracy=accuracy,
        relands=relands.deployments,
        blind=relands.blind,
        unrecorded=job.unrecorded,
        now=services.now(),
    )
    return respond(job.policy, job.service, job.environment, evaluation.open_alarms, situation), accuracy


def start(inputs: Inputs, services: Services, responses: Sequence[Response], urls: dict[str, str]) -> None:
    """Start the workflows of the responses.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        responses: what follows from the alarms.
        urls: receives the address of the run of each request, also if a later one cannot be started.

    Raises:
        InputError: The workflow is not in the checkout, or does not show its request, so that it could start twice.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.act.github.dispatches import start_workflow

    pending = [response for response in responses if response.workflow]
    for response in pending:
        _check_workflow(services, response.workflow)
    if not pending:
        return
    with connection(inputs.token, services) as client:
        for response in pending:
            branch = str(dig(services.context.event, "repository", "default_branch") or services.context.ref_name)
            step = DispatchWorkflow(workflow=response.workflow, branch=branch, inputs=response.inputs)
            urls[response.request] = start_workflow(client, step, request=response.request)
            services.console.note(f"started {response.workflow} for {response.request}: {urls[response.request]}")


def _runs(inputs: Inputs, services: Services, job: Job) -> dict[str, Run]:
    from ghmlops.act.github.dispatches import dispatched_runs

    workflows = job.policy.workflows
    names = dict.fromkeys(filter(None, (workflows.confirm, workflows.rollback, workflows.revert)))
    runs: dict[str, Run] = {}
    if job.policy.on.alarm != "confirm":
        return runs
    with connection(inputs.token, services) as client:
        for name in names:
            runs.update({word: Run(*run) for word, run in dispatched_runs(client, name).items()})
    return runs


def _is_frozen(services: Services, file: str) -> bool:
    """Return whether the freeze file exists in the checkout, which is that of the default branch.

    The workflow that undoes a deployment looks at the remote before it does (`task: claim`).
    """
    return bool(file) and bool(git_read(services.cwd, "ls-tree", "--full-tree", "HEAD", "--", file))


def _check_workflow(services: Services, name: str) -> None:
    """Refuse a workflow whose runs do not show their request, or that may run twice at once for it."""
    file = services.cwd / WORKFLOWS / name
    text = git_read(services.cwd, "show", f"HEAD:{WORKFLOWS}{name}")
    if not text and file.is_file():
        text = file.read_text(encoding="utf-8", errors="replace")
    if not text:
        raise InputError(
            f"`watch.workflows` names {name}, which is not in {WORKFLOWS} of the checkout",
            hint="actions/watch/README.md shows the workflow",
        )
    if (problem := workflow_problem(text)) is not None:
        raise InputError(f"{WORKFLOWS}{name}: {problem.what}", hint=problem.hint)
