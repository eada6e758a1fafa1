"""Closes the deployment after it was carried out: `ghmlops gate --finish success`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.gate.inputs import RECORD_FILE
from ghmlops.commands.gate.job import address, environment_name
from ghmlops.commands.history.record_file import leave_record, record_origin
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.github import connection
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.errors import InputError
from ghmlops.core.history.from_results import Finished, from_finish
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Target, finish_steps
from ghmlops.core.steps.recorded import OPEN_STATES
from ghmlops.core.steps.standing import Standing, standing
from ghmlops.core.steps.step import describe
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.steps.recorded import RecordedDeployment

RESULTS = ("success", "failure")
RECORD = "record-finish.json"
"""Default file of the record, so that it does not replace the one that the gate left in the same job."""


def finish(inputs: Inputs, services: Services) -> Result:
    """Set the deployment of this run to `success` or `failure`; after a success, what was live becomes `inactive`.

    Raises:
        InputError: An input is malformed, there is no token, or the gate did not allow the deployment.
        PolicyError: The policy is not valid.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.act.github.perform import perform
    from ghmlops.measure.github.deployments import list_deployments

    if inputs.finish not in RESULTS:
        raise InputError(
            f'input `finish`: expected success or failure, got "{inputs.finish[:40]}"',
            hint="for example `finish: ${{ job.status == 'success' && 'success' || 'failure' }}`",
        )
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    target = Target(
        service=policy.service,
        environment=environment_name(inputs.environment or policy.gate.environment),
        url=address(inputs.environment_url),
        log_url=services.context.run_url,
    )
    if not inputs.token:
        raise InputError(
            "a deployment cannot be finished without a token",
            hint="pass `token: ${{ github.token }}` with `permissions: {deployments: write, statuses: write}`",
        )
    with connection(inputs.token, services) as client:
        deployments = list_deployments(client, target.environment, target.service)
        own = _own(deployments, inputs, services)
        steps = finish_steps(own, deployments, target, succeeded=inputs.finish == "success")
        if inputs.dry_run:
            return dry_run_result("Nothing was written.", terminal.block([describe(step) for step in steps]))
        perform(steps, client, note=services.console.note)
    reason = f"The deployment of {own.sha[:12]} to {target.environment} was closed as {inputs.finish}."
    record = from_finish(
        Finished(target.service, target.environment, own.sha, reason),
        record_origin(services),
        succeeded=inputs.finish == "success",
    )
    file = RECORD if inputs.record_file == RECORD_FILE else inputs.record_file
    record_file = leave_record(file, record, services)
    return Result(
        outcome=Outcome.PASS,
        reason_code=record.reason_code,
        reason=reason,
        outputs={"deployment-id": str(own.id), "reason": reason, "commit": own.sha, "record-file": record_file},
        text=terminal.block([reason]),
        data={"deployment_id": own.id},
    )


def _own(deployments: Sequence[RecordedDeployment], inputs: Inputs, services: Services) -> RecordedDeployment:
    """Return the deployment to close.

    Raises:
        InputError: There is none, or the gate closed it already with another result.
    """
    number, run_id = inputs.deployment_id, services.context.run_id
    matches = [d for d in deployments if (d.id == number if number else run_id and d.run_id == run_id)]
    if not matches:
        subject = f"deployment {number}" if number else f"a deployment that run {run_id or '(unknown)'} recorded"
        raise InputError(
            f"{subject} was not found",
            hint="run actions/gate in an earlier job of the same run, for the same environment",
        )
    own = matches[0]
    is_open = own.state in OPEN_STATES and standing(own) is Standing.ALLOWED
    if not is_open and own.state != inputs.finish:
        raise InputError(
            f"deployment {own.id} is {own.state} ({standing(own)}), and cannot become {inputs.finish}",
            hint="deploy only if the gate passed: let the job need the one with the gate",
        )
    return own
