"""What the dashboard shows, as `commands/history` passes it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ghmlops.core.history.calibration import Calibration
    from ghmlops.core.history.deployments import Deployment
    from ghmlops.core.history.metric_series import MetricSeries
    from ghmlops.core.history.reading import Problem
    from ghmlops.core.history.scaling import Scaling


class WatchRuns(NamedTuple):
    """The workflow that runs `watch`: its file, the start of its newest successful run (UTC; `None` if there is none),
    and the seconds after which a run says nothing about now."""

    workflow: str
    newest: datetime | None
    stale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """The content of the site; everything in it is untrusted.

    Attributes:
        repository: `owner/name`; empty if unknown.
        server_url: address of GitHub; empty if unknown.
        tip: commit of the branch that was read.
        written: time at which the site was written.
        stale: seconds after which the page says that it is old.
        deployments: all deployments, oldest first.
        series: the metrics over time.
        scaling: the replicas over time.
        calibration: stated against measured effects.
        problems: files of the branch that do not count.
        former: services that may be former names of others, with the number of their records.
        watch: the runs of `watch`; `None` if they are not known.
    """

    repository: str
    server_url: str
    tip: str
    written: datetime
    stale: float
    deployments: Sequence[Deployment]
    series: Sequence[MetricSeries]
    scaling: Sequence[Scaling]
    calibration: Calibration
    problems: Sequence[Problem]
    former: Mapping[str, int]
    watch: WatchRuns | None = None
