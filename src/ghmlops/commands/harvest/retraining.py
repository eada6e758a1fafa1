"""Starts the training once, if it pays and the limits allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.github import connection
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.harvest.dispatch import Limits, limit_reason, request_days, request_id, retrain_finding
from ghmlops.core.harvest.retraining import Prices, decide
from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.history.selection import LIVE
from ghmlops.core.steps.step import DispatchWorkflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.harvest.inputs import Inputs
    from ghmlops.commands.harvest.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.harvest.daily import DayRow
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Retrain

_DAY = 86_400


class Retraining(NamedTuple):
    """The finding, and the address of the run that trains; empty if none was started."""

    finding: Finding
    url: str


def consider(job: Job, retrain: Retrain, days: Sequence[DayRow], inputs: Inputs, services: Services) -> Retraining:
    """Decide whether training again pays, and start it if the input `retrain` asks for it.

    Raises:
        InputError: The history cannot be read, or there is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    prices = Prices(retrain.cost.retrain, retrain.cost.point_of_auc_per_day)
    since = _last_deployment(job, inputs, services)
    # The day of the deployment itself belongs to two models.
    first_day = int(since // _DAY) + 1 if since else 0
    decision = decide(days, prices, horizon=retrain.cooldown / _DAY, since=first_day)
    if not decision.retrain:
        return Retraining(retrain_finding(decision, prices, ""), "")
    if not inputs.retrain or inputs.dry_run:
        return Retraining(retrain_finding(decision, prices, "nothing was started, since `retrain` is false"), "")
    state, url = _start(job, retrain, inputs, services)
    return Retraining(retrain_finding(decision, prices, state), url)


def _start(job: Job, retrain: Retrain, inputs: Inputs, services: Services) -> tuple[str, str]:
    from ghmlops.act.github.dispatches import dispatched_runs, start_workflow

    request = request_id(job.service, job.now)
    limits = Limits(retrain.cooldown / _DAY, retrain.max_per_month)
    with connection(inputs.token, services) as client:
        runs = dispatched_runs(client, retrain.dispatch)
        if why := limit_reason(request_days(job.service, runs), limits, job.now):
            return f"nothing was started: {why}", ""
        step = DispatchWorkflow(workflow=retrain.dispatch, branch=retrain.branch, inputs={"request": request})
        url = start_workflow(client, step, request=request)
    return f"{retrain.dispatch} was asked for it as {request}", url


def _last_deployment(job: Job, inputs: Inputs, services: Services) -> float:
    """Return the time of the last deployment in seconds since the epoch; 0 if the history has none.

    Raises:
        InputError: The history cannot be read: a decline by our own deployment would look like one of the world.
    """
    from ghmlops.measure.record_branch import read_history

    if not inputs.branch:
        return 0.0
    try:
        history = read_history(
            services.cwd,
            services.environ,
            remote=inputs.remote,
            branch=inputs.branch,
            token=inputs.token,
            now=services.now(),
        ).history
    except GitError as error:
        raise InputError(
            f"the history of deployments cannot be read: {error.message}",
            hint='without a history, set the input `branch` to "": all days then belong to one model',
        ) from None
    times = [
        record_time(stored.record).timestamp()
        for stored in history.records
        if isinstance(stored.record, DeploymentRecord)
        and (stored.record.service, stored.record.environment) == (job.service, job.environment)
        and stored.record.decision in LIVE
    ]
    return max((time for time in times if time <= job.now), default=0.0)
