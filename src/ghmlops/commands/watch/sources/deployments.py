"""Metrics of the deployments that GitHub lists: which share of them failed, and how long they took."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ghmlops.core.watch.evaluation import Interval

if TYPE_CHECKING:
    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.policy.production.watch import WatchedMetric


def read(metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return the share of failed deployments, or their median seconds until they were live, by interval of creation.

    Intervals without a deployment that ended are holes.

    Raises:
        InputError: There is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    values: dict[int, list[float]] = {}
    for deployment in reading.github_deployments:
        if metric.deployments == "failed":
            value = float(deployment.failed) if deployment.failed or deployment.live else None
        else:
            value = (deployment.live - deployment.created).total_seconds() if deployment.live else None
        if value is not None:
            values.setdefault(int(deployment.created.timestamp() // metric.step * metric.step), []).append(value)
    if metric.deployments == "failed":
        return [Interval(time, sum(failed) / len(failed)) for time, failed in sorted(values.items())]
    return [Interval(time, median(seconds)) for time, seconds in sorted(values.items())]
