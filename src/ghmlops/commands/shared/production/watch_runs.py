"""The runs of `watch`, which other commands look at: a schedule that is dead cannot report itself."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from ghmlops.commands.shared.github import connection
from ghmlops.core.context import dig
from ghmlops.core.errors import GhmlopsError, GitHubError
from ghmlops.core.history.record import BRANCH, WatchState
from ghmlops.core.model import NotMeasured
from ghmlops.core.watch.schedule import schedule_finding

if TYPE_CHECKING:
    from datetime import datetime

    from msgspec import UnsetType

    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.measure.github import Client

LOOK_SECONDS = 3.0
"""Seconds for which a command waits for GitHub, or for git, to list the runs: its own work does not depend on them."""


class Schedule(NamedTuple):
    """What is known of the schedule of `watch`: that nothing watches production, or why that is unknown; or neither."""

    finding: Finding | None = None
    unknown: str = ""
    state: WatchState | UnsetType = UNSET
    """What GitHub said, for a record of the history."""

    @property
    def dead(self) -> str:
        """Why nothing watches production; empty if something does, or if that is unknown."""
        return self.finding.reason if self.finding else ""

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The finding, if there is one."""
        return (self.finding,) if self.finding else ()

    @property
    def unwatched(self) -> list[NotMeasured]:
        """What a reader could believe was watched, and is not."""
        return [NotMeasured(what="production", why=self.dead)] if self.dead else []

    @property
    def not_measured(self) -> list[NotMeasured]:
        """The same, and that it is unknown whether it is watched."""
        unknown = [NotMeasured(what="whether `watch` still runs", why=self.unknown)] if self.unknown else []
        return [*self.unwatched, *unknown]

    def warn(self, result: Result) -> Result:
        """Return the result of a command with the warning for its log and its job summary; its outcome stays."""
        return replace(result, findings=(*result.findings, *self.warnings))


def look_at_schedule(
    policy: Policy | None,
    services: Services,
    token: str = "",
    *,
    client: Client | None = None,
    is_watch: bool = False,
) -> Schedule:
    """Return whether `watch` still runs, for a command that does something else, and print that it does not.

    With a connection or a token GitHub is asked, and waited for during `LOOK_SECONDS`. Without, the history counts
    that the checkout already has: nothing is fetched. Whatever happens, nothing is raised.

    Args:
        policy: The policy, which may name the workflow in `watch.workflows.watch`; `None` without one.
        services: Services of the command.
        token: GitHub token; may be empty.
        client: The connection of the command; `None` to open one if there is a token.
        is_watch: Whether this is a run of `watch` itself, before which there may have been none.
    """
    if policy is None or policy.watch is None or not policy.watch.workflows.watch:
        return Schedule()
    watch = policy.watch
    if client is None and not token:
        schedule = _recorded(policy, watch, services)
    else:
        schedule = _listed(watch, services, token, client)
    if is_watch and schedule.state is not UNSET and not schedule.state.newest:
        return Schedule()
    if schedule.dead:
        services.console.note(schedule.dead)
    return schedule


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


def _listed(watch: Watch, services: Services, token: str, client: Client | None) -> Schedule:
    """Return what GitHub says. That the runs cannot be read is a note: the schedule is neither alive nor dead."""
    workflow = watch.workflows.watch
    try:
        with contextlib.ExitStack() as stack:
            used = client or stack.enter_context(connection(token, services))
            newest = newest_watch(watch, services, used.with_time(LOOK_SECONDS))
    except GhmlopsError as error:
        services.console.note(f"whether {workflow} still runs is unknown: {error.message}")
        return Schedule(unknown=error.message)
    finding = schedule_finding(workflow, newest, watch.stale, services.now())
    text = newest.astimezone(UTC).isoformat(timespec="seconds") if newest else ""
    return Schedule(finding=finding, state=WatchState(workflow=workflow, newest=text))


def _recorded(policy: Policy, watch: Watch, services: Services) -> Schedule:
    """Return what the history of the checkout says."""
    from ghmlops.core.history.watch_state import Subject, recorded_schedule
    from ghmlops.measure.record_branch import read_local

    unlisted = "without a token GitHub does not list its runs"
    try:
        history = read_local(services.cwd, services.environ, branch=BRANCH, now=services.now(), timeout=LOOK_SECONDS)
    except GhmlopsError as error:
        return Schedule(unknown=f"{unlisted}, and the history cannot be read: {error.message}")
    if history is None:
        return Schedule(unknown=f"{unlisted}, and the checkout has no {BRANCH}")
    subject = Subject(policy.service, policy.gate.environment, watch.workflows.watch, watch.stale)
    finding, unknown = recorded_schedule(history, subject, services.now())
    return Schedule(finding=finding, unknown=f"{unlisted}, and {unknown}" if unknown else "")
