"""Everything that `watch` judges: the policy, the time, the metrics' intervals, and the deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.history.listing import problem_findings
from ghmlops.commands.shared.github import connection
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.production.evaluation_time import evaluation_time
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.core.errors import GhmlopsError, GitError, InputError, PolicyError
from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.history.selection import LIVE
from ghmlops.core.model import Finding, NotMeasured
from ghmlops.core.watch.cause import Deployed

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.history.reading import Stored
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.core.watch.evaluation import Interval


UNUSABLE = ("history-rewritten", "record-damaged", "record-clock-skew")
"""Problems of the history after which nothing follows from it: what is absent could forbid an action."""
PARTIAL = ("record-damaged", "record-clock-skew")
"""Of these, those of single records, in spite of which traffic returns: the failure is confirmed by other records, the
run that measured it proves it, and the rollback itself refuses what was undone already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is judged.

    Attributes:
        service: the service of the policy.
        policy: the section `watch`.
        now: time of the evaluation in seconds since the epoch.
        content: the intervals of each metric.
        deployments: deployments in the order of time.
        problems: what of the history does not count.
        not_measured: what a reader could believe was checked, and was not.
        environment: environment of the service.
        records: records of the service and environment in the order of time.
        history_problem: why nothing may follow from the history; empty if it counts.
        is_partial: whether that is a single record, in spite of which traffic may return.
        unrecorded: live deployments that only GitHub knows, in the order of time; they are among `deployments`.
        redeployed: live deployments that only GitHub knows, of commits that an older record is about.
    """

    service: str
    policy: Watch
    now: float
    content: list[list[Interval]]
    deployments: list[Deployed]
    problems: list[Finding]
    not_measured: list[NotMeasured]
    environment: str
    records: list[Stored]
    history_problem: str
    is_partial: bool
    unrecorded: list[Deployed]
    redeployed: list[Deployed]


class ServiceHistory(NamedTuple):
    """What the history says about a service: its records, its live deployments, and what of it does not count.

    `problem` says why nothing may follow from it; empty if it counts. `is_partial` says whether single records do not
    count, in spite of which traffic may return.
    """

    records: list[Stored]
    deployments: list[Deployed]
    findings: list[Finding]
    problem: str
    is_partial: bool = False


def read_job(inputs: Inputs, services: Services) -> Job:
    """Read the metrics and the deployments.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is invalid, or has no section `watch`.
        DataError: A file of a metric is missing, or cannot be read.
        ServiceError: Prometheus cannot be reached.
        GitHubError: The deployments of a metric cannot be read.
    """
    from ghmlops.commands.watch.sources import read_metric
    from ghmlops.commands.watch.sources.reading import Reading

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    if policy.watch is None:
        raise PolicyError(f"{inputs.policy} has no section `watch`", hint="add one: `watch: {metrics: [...]}`")
    now = evaluation_time(inputs.now, services)
    history = read_service_history(inputs, services, policy, now)
    environment = inputs.environment or policy.gate.environment
    reading = Reading(
        watch=policy.watch,
        service=policy.service,
        environment=environment,
        services=services,
        token=inputs.token,
        records=history.records,
        now=now,
    )
    content = [read_metric(metric, reading) for metric in policy.watch.metrics]
    unrecorded, redeployed, github_problem = _unrecorded(reading)
    deployments, problem = sorted([*history.deployments, *unrecorded]), history.problem or github_problem
    if problem or not deployments:
        what = "growth since a deployment, and which deployment precedes an alarm"
        why = problem or f"the history has no deployment to {environment}"
        reading.not_measured.append(NotMeasured(what=what, why=why))
    return Job(
        service=policy.service,
        policy=policy.watch,
        now=now,
        content=content,
        deployments=deployments,
        problems=[*history.findings, *_gap(inputs, services, policy)],
        not_measured=reading.not_measured,
        environment=environment,
        records=history.records,
        history_problem=problem,
        is_partial=history.is_partial and not github_problem,
        unrecorded=unrecorded,
        redeployed=redeployed,
    )


def _gap(inputs: Inputs, services: Services, policy: Policy) -> tuple[Finding, ...]:
    """Return the finding that no run succeeded for long before this one; the past has no such gap."""
    if inputs.now.strip() or not inputs.token or policy.watch is None or not policy.watch.workflows.watch:
        return ()
    with connection(inputs.token, services) as client:
        return look_at_schedule(policy, services, client=client, is_watch=True).warnings


def _unrecorded(reading: Reading) -> tuple[list[Deployed], list[Deployed], str]:
    """Return the live deployments that only GitHub knows, and why they are unknown; empty if they are known.

    First those of commits that no record is about, then those that are newer than each record of their commit.
    """
    if not reading.watch.github_deployments:
        return [], [], ""
    try:
        deployments = reading.github_deployments
    except GhmlopsError as error:
        return [], [], f"the deployments of GitHub cannot be read: {error.message}"
    recorded = {
        stored.record.commit: record_time(stored.record)  # in the order of time, so that the newest remains
        for stored in reading.records
        if isinstance(stored.record, DeploymentRecord)
    }
    live = [(d, Deployed(d.live.timestamp(), d.sha)) for d in deployments if d.live is not None]
    live = [(d, deployed) for d, deployed in live if deployed.time <= reading.now]
    unknown = sorted(deployed for d, deployed in live if d.sha not in recorded)
    again = sorted(deployed for d, deployed in live if d.sha in recorded and d.created > recorded[d.sha])
    return unknown, again, ""


def read_service_history(inputs: Inputs, services: Services, policy: Policy, now: float) -> ServiceHistory:
    """Return the records of the service until `now`. Without the history nothing may follow from an alarm."""
    from ghmlops.measure.record_branch import read_history

    if not inputs.branch:
        return ServiceHistory([], [], [], "input `branch` is empty")
    try:
        read = read_history(
            services.cwd,
            services.environ,
            remote=inputs.remote,
            branch=inputs.branch,
            token=inputs.token,
            now=services.now(),
        )
    except (GitError, InputError) as error:
        # Alarms do not depend on the deployments; only their cause is unknown without them.
        return ServiceHistory([], [], [], f"the history cannot be read: {error.message}")
    environment = inputs.environment or policy.gate.environment
    records = [
        stored
        for stored in read.history.records
        if (stored.record.service, stored.record.environment) == (policy.service, environment)
        and record_time(stored.record).timestamp() <= now
    ]
    deployments = [
        Deployed(record_time(stored.record).timestamp(), stored.record.commit)
        for stored in records
        if isinstance(stored.record, DeploymentRecord) and stored.record.decision in LIVE
    ]
    lost = [problem for problem in read.history.problems if problem.code in UNUSABLE]
    return ServiceHistory(
        records,
        sorted(deployments),
        problem_findings(read.history.problems, {}, policy.service),
        problem=f"{lost[0].path} of the history does not count: {lost[0].reason}" if lost else "",
        is_partial=bool(lost) and all(problem.code in PARTIAL for problem in lost),
    )
