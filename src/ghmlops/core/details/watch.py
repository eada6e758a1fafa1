# ruff: noqa: RUF012  (msgspec copies the default value of a field)
"""Details of the evidence of `watch`: the series, their alerts, and the deployments of the period."""

from __future__ import annotations

from ghmlops.core.model import Frozen
from ghmlops.core.policy.production.watch import Watch


class AlertRow(Frozen, frozen=True, kw_only=True):
    """An alert; times are seconds since the epoch, `end` is `None` while it lasts, `commit` empty without a cause."""

    kind: str
    onset: int
    raised: int
    end: int | None
    level: float
    value: float
    commit: str


class WatchedSeries(Frozen, frozen=True, kw_only=True):
    """The points of a metric that were judged.

    Attributes:
        metric: name of the metric.
        step: seconds between two points.
        times: start of each interval in seconds since the epoch.
        values: value of each interval.
        left_out: points that do not count, by kind.
        alerts: alerts in the order of their onset.
    """

    metric: str
    step: float
    times: list[int]
    values: list[float]
    left_out: dict[str, int]
    alerts: list[AlertRow]


class DeploymentRow(Frozen, frozen=True, kw_only=True):
    """A deployment of the period: time in seconds since the epoch, and the commit."""

    time: float
    commit: str


class ResponseRow(Frozen, frozen=True, kw_only=True):
    """What follows from the alarms after one deployment.

    Attributes:
        commit: commit of the deployment; empty if the cause is external.
        base: commit of the last good deployment; may be empty.
        metrics: metrics with an alarm.
        state: where the incident stands.
        reason: the same in one sentence.
        request: id of the request to start; empty if nothing is to be started.
    """

    commit: str
    base: str
    metrics: list[str]
    state: str
    reason: str
    request: str


class AccuracyRow(Frozen, frozen=True, kw_only=True):
    """Newest actions of `watch`, those that were wrong, and what a person undid without it."""

    actions: int
    false_positives: int
    false_negatives: int


class WatchDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="watch"):
    """Details of the evidence of `watch`; `evaluated` is the time at which production was judged, ISO 8601."""

    evaluated: str
    series: list[WatchedSeries]
    deployments: list[DeploymentRow]
    settings: Watch
    responses: list[ResponseRow] = []
    accuracy: AccuracyRow | None = None
    """`None` if the history is not known."""
