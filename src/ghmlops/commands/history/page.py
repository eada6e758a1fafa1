"""Writes the dashboard: a static site from the branch of the history."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.commands.history.listing import problem_findings
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.core.history.calibration import calibrate
from ghmlops.core.history.deployments import find_deployments
from ghmlops.core.history.metric_series import metric_series
from ghmlops.core.history.scaling import scaling
from ghmlops.core.history.selection import former_services
from ghmlops.core.model import Outcome
from ghmlops.core.policy.production.history import History
from ghmlops.core.quantities import duration
from ghmlops.core.watch.schedule import schedule_finding
from ghmlops.report.dashboard.data import Dashboard, WatchRuns
from ghmlops.report.dashboard.site import site
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from ghmlops.commands.history.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.context import Context
    from ghmlops.core.model import Finding
    from ghmlops.measure.record_branch import BranchHistory


def write_page(read: BranchHistory, inputs: Inputs, services: Services) -> Result:
    """Write the site to the folder `site`, and say whether it may be published.

    Raises:
        InputError: An input is malformed, or the folder cannot be written.
        PolicyError: The policy file exists and is not valid.
    """
    rules = _rules(inputs, services)
    records = read.history.records
    deployments, omitted, oldest = find_deployments(records), 0, None
    if rules.keep is not None:
        oldest = services.now().astimezone(UTC) - timedelta(seconds=rules.keep)
        young = [item for item in deployments if item.time >= oldest]
        deployments, omitted = young, len(deployments) - len(young)
    service = inputs.service or (records[-1].record.service if records else "")
    former = former_services(records, service) if records else {}
    data = Dashboard(
        repository=services.context.repository or (records[-1].record.repository if records else ""),
        server_url=services.context.server_url,
        tip=read.tip,
        written=services.now().astimezone(UTC),
        stale=rules.page.stale,
        deployments=deployments,
        series=metric_series(deployments),
        scaling=scaling(records, since=oldest),
        calibration=calibrate(records),
        problems=read.history.problems,
        former=former,
        watch=_watch_runs(inputs, services),
    )
    files = site(data)
    findings = [*problem_findings(read.history.problems, former, service), *_dead(data.watch, services)]
    size = sum(len(text.encode()) for text in files.values())
    reason = f"{len(files)} files with {len(deployments)} deployments, {size:,} bytes; {len(findings)} findings."
    if omitted:
        reason += f" {omitted} deployments are older than `history.keep`."
    if inputs.dry_run:
        return dry_run_result(f"{inputs.site} would be written: {reason}", terminal.block(sorted(files)))
    for name, text in files.items():
        write_atomically(services.cwd / inputs.site / name, text)
    public = is_public(services.context)
    return Result(
        outcome=Outcome.WARN if findings else Outcome.PASS,
        reason_code=findings[0].id if findings else "page-written",
        reason=f"{inputs.site}: {reason}",
        outputs={
            "history-sha": read.tip,
            "records": str(len(records)),
            "skipped": str(len(findings)),
            "site": inputs.site,
            "publish": "true" if public else "false",
        },
        text=terminal.block([printable(f"{inputs.site}: {reason}"), *(printable(f.reason) for f in findings)]),
        data={"site": inputs.site, "files": sorted(files), "deployments": len(deployments), "publish": public},
        findings=tuple(findings),
    )


def _rules(inputs: Inputs, services: Services) -> History:
    """Return the section `history` of the policy, or its defaults without a policy; the input `stale` comes first."""
    from ghmlops.commands.shared.policy_file import load_policy

    file = services.cwd / inputs.policy
    rules = load_policy(file, inputs.policy).history if file.exists() else History()
    if not inputs.stale:
        return rules
    try:
        stale = duration(inputs.stale)
    except ValueError as error:
        raise InputError(f"input `stale`: {error}", hint="for example --stale 36h") from None
    return msgspec.structs.replace(rules, page=msgspec.structs.replace(rules.page, stale=stale))


def _watch_runs(inputs: Inputs, services: Services) -> WatchRuns | None:
    """Return the runs of `watch`; `None` if the policy does not name its workflow, or if they cannot be read."""
    from ghmlops.commands.shared.github import connection
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.commands.shared.production.watch_runs import newest_watch

    file = services.cwd / inputs.policy
    policy = load_policy(file, inputs.policy) if file.exists() else None
    if policy is None or policy.watch is None or not policy.watch.workflows.watch or not inputs.token:
        return None
    workflow = policy.watch.workflows.watch
    try:
        with connection(inputs.token, services) as client:
            return WatchRuns(workflow, newest_watch(policy.watch, services, client), policy.watch.stale)
    except GitHubError as error:
        services.console.note(f"whether {workflow} still runs is unknown: {error.message}")
        return None


def _dead(watch: WatchRuns | None, services: Services) -> list[Finding]:
    if watch is None:
        return []
    finding = schedule_finding(watch.workflow, watch.newest, watch.stale, services.now())
    return [finding] if finding else []


def is_public(context: Context) -> bool:
    """Return whether the event shows that the repository is public; an unknown one counts as private."""
    repository = context.event.get("repository")
    return isinstance(repository, dict) and repository.get("private") is False
