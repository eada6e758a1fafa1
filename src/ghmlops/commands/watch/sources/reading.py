"""What the sources of metrics are read with."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.core.model import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.history.reading import Stored
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.measure.github.deployments import DatedDeployment


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the sources of metrics are read with, and what they could not read.

    Attributes:
        watch: the section `watch`.
        service: the service of the policy.
        environment: its environment.
        services: services of the command.
        token: GitHub token; may be empty.
        records: records of the service and environment in the order of time.
        now: time of the evaluation in seconds since the epoch.
        not_measured: receives what a source could not read.
    """

    watch: Watch
    service: str
    environment: str
    services: Services
    token: str
    records: Sequence[Stored]
    now: float
    not_measured: list[NotMeasured] = field(default_factory=list)

    @property
    def since(self) -> float:
        """Time since which the past is read, in seconds since the epoch."""
        return self.now - self.watch.history

    @functools.cached_property
    def github_deployments(self) -> tuple[DatedDeployment, ...]:
        """The deployments that GitHub lists until the time of the evaluation, oldest first; requested once.

        Raises:
            InputError: There is no token.
            GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
        """
        from ghmlops.measure.github.deployments import MAX_DATED, dated_deployments

        since = datetime.fromtimestamp(self.since, UTC)
        with connection(self.token, self.services) as client:
            deployments = dated_deployments(client, self.environment, self.service, since)
        if len(deployments) == MAX_DATED:
            why = f"GitHub lists more than {MAX_DATED} to {self.environment} since {since:%Y-%m-%d}"
            self.not_measured.append(NotMeasured(what="older deployments", why=why))
        return tuple(d for d in deployments if d.created.timestamp() <= self.now)
