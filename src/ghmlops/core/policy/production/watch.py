"""Policy section `watch`: its types and defaults. `core.policyfile.production.watch` reads it.

Durations are in seconds, ratios are fractions.
"""

from __future__ import annotations

from typing import Literal

from ghmlops.core.model import Direction
from ghmlops.core.policy.promote import Prometheus
from ghmlops.core.policy.section import Section

AlarmReaction = Literal["issue", "confirm"]
"""`issue` reports; `confirm` also starts a paired verdict of the current against the last good deployment."""
Query = Literal["range", "instant"]
DeploymentStatistic = Literal["", "failed", "seconds"]
SOURCES = ("log", "prometheus", "evidence", "deployments")
"""Keys of a metric, of which each has exactly one."""
ConfirmedReaction = Literal["propose", "rollback-else-revert"]
LogStatistic = Literal[
    "mean", "p50", "p90", "p95", "p99", "max", "count", "failed", "nulls", "unseen", "drift", "estimated-accuracy"
]
WARNINGS: dict[str, float] = {"nulls": 0.01, "unseen": 0.01, "drift": 0.05, "estimated-accuracy": 0.0}
"""Statistics that warn and never lead to an action, with the value below which a rise is none: a share of rows, or the
population stability index."""


class Log(Section, frozen=True, kw_only=True):
    """Rows with a time in Parquet, CSV or JSONL files, summarised per interval."""

    files: str
    """Path below the working directory; `*` and `**` match names."""
    time: str
    """Column with the time of a row."""
    every: float = 3600.0
    """Seconds of an interval."""
    statistic: LogStatistic = "mean"
    """`count` counts rows, `failed` is the share of rows whose column `failed` is true. `nulls` and `unseen` are shares
    of rows whose `value` is null, or is no value of the older half of the rows; `drift` is the population stability
    index against that half; `estimated-accuracy` is that of calibrated scores of the class 1, without labels."""
    value: str = ""
    """Column of the values; not used by `count` and `failed`."""
    failed: str = ""
    """Boolean column: whether the request failed."""


class BurnRate(Section, frozen=True, kw_only=True):
    """An error budget."""

    objective: float
    """Share of the requests that succeed."""


class EvidenceMetric(Section, frozen=True, kw_only=True):
    """A metric that the gate measured, at the deployments of the history."""

    metric: str
    dataset: str = ""


class WatchedMetric(Section, frozen=True, kw_only=True):
    """One metric of production, from exactly one of `SOURCES`."""

    name: str
    log: Log | None = None
    prometheus: str = ""
    """Query whose value at the end of an interval is the value of the interval; see `query`."""
    query: Query = "range"
    """`range` evaluates `prometheus` at the end of each interval. `instant` evaluates it once; its result is a range of
    samples, such as that of `auc[30d]` or of a subquery."""
    failed: str = ""
    """With `prometheus` and `burn`: query of the failed requests; `prometheus` is then that of all requests."""
    evidence: EvidenceMetric | None = None
    deployments: DeploymentStatistic = ""
    """Of the deployments that GitHub lists: the share that `failed`, or the median `seconds` until they were live."""
    every: float = 3600.0
    """Seconds of an interval of `prometheus`, `evidence` and `deployments`."""
    direction: Direction = Direction.LOWER
    change: float = 0.5
    """Least relative change of a step, for the worse: by default half as much again, or a third less."""
    delay: float = 0.0
    """Seconds until the values of an interval are complete, such as those of labels that come later: until then the
    interval does not count, and that it has no value is no missing data."""
    burn: BurnRate | None = None
    """Judge the failed requests by burn rates of this budget, in place of steps, shifts and ramps."""

    @property
    def warns_only(self) -> bool:
        """Whether an alarm about it leads to no action: drift and failed deployments prove no fault of what serves."""
        return bool(self.deployments) or (self.log is not None and self.log.statistic in WARNINGS)

    @property
    def step(self) -> float:
        """Seconds of an interval."""
        return self.log.every if self.log else self.every


class Acknowledgement(Section, frozen=True, kw_only=True):
    """A change of a metric that a person accepted."""

    metric: str
    until: str
    """Date or time until which changes of the metric are accepted, ISO 8601 (UTC)."""
    reason: str


class Dismissal(Section, frozen=True, kw_only=True):
    """One alert that a person judged to be none."""

    metric: str
    onset: str
    """Onset of the alert, as its finding and its issue state it, ISO 8601 (UTC)."""
    reason: str


class Reactions(Section, frozen=True, kw_only=True):
    """What follows from an alarm."""

    alarm: AlarmReaction = "issue"
    confirmed: ConfirmedReaction = "propose"
    unconfirmed: Literal["issue"] = "issue"


class Workflows(Section, frozen=True, kw_only=True):
    """File names of the workflows that are started; empty: none."""

    watch: str = ""
    """The workflow that runs `watch` itself. Other commands report if it no longer does; empty: they do not."""

    confirm: str = ""
    rollback: str = ""
    revert: str = ""


class WatchLimits(Section, frozen=True, kw_only=True):
    """What limits rollbacks and reverts that `watch` starts."""

    actions: int = 2
    """Rollbacks and reverts of the service within 24 hours, whoever started them."""
    pace: float = 900.0
    """Seconds since the last one."""
    freeze_file: str = ""
    """Path from the top folder; while the file exists on the default branch, nothing is undone. Empty: no such file."""


class Watch(Section, frozen=True, kw_only=True):
    """Metrics of production, and when they are judged."""

    metrics: tuple[WatchedMetric, ...]
    prometheus: Prometheus | None = None
    github_deployments: bool = False
    """Whether deployments that only GitHub knows precede alarms too."""
    season: float = 86_400.0
    """Seconds after which the metrics repeat themselves."""
    history: float = 30 * 86_400.0
    """Seconds of the past that are read."""
    stale: float = 36 * 3600.0
    """Age in seconds beyond which the newest point says nothing about now."""
    acknowledge: tuple[Acknowledgement, ...] = ()
    dismiss: tuple[Dismissal, ...] = ()
    on: Reactions = Reactions()
    workflows: Workflows = Workflows()
    limits: WatchLimits = WatchLimits()
