"""The runs of `watch`, which other commands look at: a schedule that is dead cannot report itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.github import connection
from ghmlops.core.context import dig
from ghmlops.core.errors import GhmlopsError, GitHubError
from ghmlops.core.model import NotMeasured
from ghmlops.core.watch.schedule import schedule_finding

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.measure.github import Client

LOOK_SECONDS = 3.0
"""Seconds for which a command that acts waits for GitHub to list the runs: its own work does not depend on them."""


class Schedule(NamedTuple):
    """What is known of the schedule of `watch`: why nothing watches production, or why that is unknown; or neither."""

    dead: str = ""
    unknown: str = ""

    @property
    def not_measured(self) -> list[NotMeasured]:
        """What a reader could believe was watched."""
        rows = (("production", self.dead), ("whether `watch` still runs", self.unknown))
        return [NotMeasured(what=what, why=why) for what, why in rows if why]


def look_at_schedule(watch: Watch | None, services: Services, token: str) -> Schedule:
    """Return whether `watch` still runs, for a command that does something else, and print that it does not.

    GitHub is waited for during `LOOK_SECONDS`. Whatever it does, nothing is raised.

    Args:
        watch: Section of the policy that may name the workflow in `workflows.watch`; `None` without one.
        services: Services of the command.
        token: GitHub token; may be empty.
    """
    if watch is None or not watch.workflows.watch:
        return Schedule()
    if not token:
        return Schedule(unknown="without a token GitHub does not list its runs")
    try:
        with connection(token, services) as client:
            newest = newest_watch(watch, services, client.with_time(LOOK_SECONDS))
    except GhmlopsError as error:
        return Schedule(unknown=error.message)
    finding = schedule_finding(watch.workflows.watch, newest, watch.stale, services.now())
    if finding is None:
        return Schedule()
    services.console.note(finding.reason)
    return Schedule(dead=finding.reason)


def newest_watch(watch: Watch, services: Services, client: Client) -> datetime | None:
    """Return the start of the newest successful run of the workflow that runs `watch`; `None` if there is none.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    from ghmlops.measure.github.runs import newest_success

    branch = str(dig(services.context.event, "repository", "default_branch") or "")
    try:
        return newest_success(client, watch.workflows.watch, branch)
    except GitHubError as error:
        if error.reason_code == "not-found":  # No workflow of this name ever was on the default branch.
            return None
        raise


def dead_schedule(
    policy: Policy | None, services: Services, client: Client | None, *, is_watch: bool = False
) -> tuple[Finding, ...]:
    """Return the finding that `watch` no longer runs, and print it; empty if it runs, or if nothing says how it runs.

    That its runs cannot be read is a note: it is neither alive nor dead.

    Args:
        policy: The policy, which may name the workflow in `watch.workflows.watch`; `None` without one.
        services: Services of the command.
        client: The connection; `None` without a token.
        is_watch: Whether this is a run of `watch` itself, before which there may have been none.
    """
    if policy is None or policy.watch is None or not policy.watch.workflows.watch or client is None:
        return ()
    workflow = policy.watch.workflows.watch
    try:
        newest = newest_watch(policy.watch, services, client)
    except GitHubError as error:
        services.console.note(f"whether {workflow} still runs is unknown: {error.message}")
        return ()
    if newest is None and is_watch:
        return ()
    finding = schedule_finding(workflow, newest, policy.watch.stale, services.now())
    if finding is None:
        return ()
    services.console.note(finding.reason)
    return (finding,)
