# ruff: noqa: RUF012  (msgspec copies the default value of a field)
"""Details of the evidence of `regression`: settings, inputs, and one struct per row of each table.

A table without rows is left out of the file. `dataset` is empty if there is a single data set. `outcome` is null for a
row that is reported but not judged, and a number is null if it is undefined.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ghmlops.core.details.replay import ReplayComparison, Scalar
from ghmlops.core.model import Frozen, Interval, Outcome

Determinism = Literal["bit-identical", "within tolerance", "changed", "not measured"]

_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Specs = Annotated[tuple[_Text, ...], msgspec.Meta(max_length=1000)]


class RegressionSettings(Frozen, frozen=True, kw_only=True):
    """Settings that the judgement used, from the policy or its defaults."""

    task: str
    alpha: float
    """Error rate of each one-sided test."""
    margins: dict[str, float]
    """Metric id to its non-inferiority margin."""
    either_way: tuple[str, ...]
    """Metrics for which a change in either direction is a regression."""
    minimum_rows: int
    """Rows that a slice, a window or a class needs to be tested."""
    threshold: float | None = None
    """Decision threshold of a binary score."""
    time_zone: str = "UTC"
    group: str | None = None
    """Column of the clusters."""
    weight: str | None = None
    """Column of the weights of the rows."""
    intent: str


class DatasetInputs(Frozen, frozen=True, kw_only=True):
    """Artifact specifications of one data set, as the run received them; `core.artifacts.spec` has their syntax."""

    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    baseline: Annotated[_Specs, msgspec.Meta(min_length=1)]
    candidate: Annotated[_Specs, msgspec.Meta(min_length=1)]
    labels: _Specs = ()
    noise: _Specs = ()


class RegressionInputs(Frozen, frozen=True, kw_only=True):
    """Inputs of the run, from which it can be replayed."""

    policy: _Text
    """Path of the policy file, relative to the working directory."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: Annotated[str, msgspec.Meta(max_length=40)] = "1GiB"
    datasets: Annotated[tuple[DatasetInputs, ...], msgspec.Meta(min_length=1, max_length=1000)]


class SourceRow(Frozen, frozen=True, kw_only=True):
    """Origin of one artifact."""

    dataset: str
    role: str
    """`baseline`, `candidate`, `labels` or `noise`."""
    origin: dict[str, str]
    """`source` (the specification) and, for the artifact of a workflow run, `run-id`, `head-sha` ..."""


class WeightRow(Frozen, frozen=True, kw_only=True):
    """How much the weights of one data set reduce what its rows show."""

    dataset: str
    column: str
    rows: int
    """Usable rows; queries of a ranking."""
    effective: float | None
    """Number of rows of equal weight whose mean would vary as much (Kish 1965)."""


class MetricRow(Frozen, frozen=True, kw_only=True):
    """One metric over all paired rows of a data set."""

    dataset: str
    metric: str
    rows: int
    baseline: float | None
    """Null for a metric that only the pair has, such as churn."""
    candidate: float | None
    change: float | None
    low: float | None
    """Confidence limits of the change."""
    high: float | None
    margin: float | None
    unit: str
    outcome: Outcome | None
    method: str
    loss: Interval | None = None
    """Growth of the distance from the ideal value; only for bias and calibration slope, whose margin limits it."""


class SubgroupRow(Frozen, frozen=True, kw_only=True):
    """One metric in one slice, window or class, with its p-value before and after correction for multiple tests."""

    subgroup: str
    """`device = tablet, country = FR`, the start of a window, or the name of a class."""
    dataset: str
    metric: str
    rows: int
    baseline: float | None
    candidate: float | None
    change: float | None
    low: float | None
    high: float | None
    p: float
    """One-sided p-value of the test against "no regression"."""
    holm: float
    """Adjusted by Holm's method (family-wise error rate)."""
    bh: float
    """Adjusted by the method of Benjamini and Hochberg (false discovery rate)."""
    outcome: Outcome | None
    loss: Interval | None = None
    """As in `MetricRow`."""


class CellRow(Frozen, frozen=True, kw_only=True):
    """One metric in one slice or window that is reported but not tested."""

    dataset: str
    slice: str
    """Empty for a window."""
    window: str | None
    """Null for a slice."""
    metric: str
    rows: int
    baseline: float | None
    candidate: float | None
    change: float | None
    low: float | None
    high: float | None
    unit: str


class TimelineRow(Frozen, frozen=True, kw_only=True):
    """One metric in one window; rows are ordered by data set, metric and time."""

    dataset: str
    window: str
    """ISO 8601 start of the window (UTC)."""
    metric: str
    rows: int
    baseline: float | None
    candidate: float | None
    low: float | None
    high: float | None
    outcome: Outcome


class ColumnRow(Frozen, frozen=True, kw_only=True):
    """Comparison of one column, value by value, over the paired rows."""

    dataset: str
    column: str
    determinism: Determinism
    rows: int
    changed: int
    """Rows that differ by more than the tolerance."""
    largest: float | None
    """Largest finite difference."""
    tolerance: float | None
    """Absolute up to 1, relative above."""


class ChurnRow(Frozen, frozen=True, kw_only=True):
    """Decisions that changed in one data set, and whether the changes are symmetric."""

    dataset: str
    rows: int
    changed: int
    negative: int
    """Correct in the baseline, wrong in the candidate (negative flips)."""
    positive: int
    """Wrong in the baseline, correct in the candidate (positive flips)."""
    wrong: int
    """Wrong in both, with different decisions."""
    unlabelled: int
    """Changed rows without a label."""
    shifted_class: str
    """Class with the largest net change; empty if no decision changed."""
    shift: float | None
    """Net change of that class, as a share of the rows."""
    p: float | None
    """Two-sided p-value of the test for symmetry."""


class FlipRow(Frozen, frozen=True, kw_only=True):
    """Number of rows with one combination of label and decisions; `label` is empty for rows without a label."""

    dataset: str
    label: str
    baseline: str
    candidate: str
    rows: int


class RankRow(Frozen, frozen=True, kw_only=True):
    """Spearman's rank correlation between the scores of both artifacts, with its confidence limits."""

    dataset: str
    spearman: float | None
    low: float | None
    high: float | None
    rows: int
    method: str


class NoiseRow(Frozen, frozen=True, kw_only=True):
    """Difference between candidate and baseline, against the difference between two baselines of the same recipe."""

    dataset: str
    quantity: Literal["churn", "score-difference"]
    value: float | None
    """Mean over the rows of baseline and candidate."""
    floor: float | None
    """Mean over the rows of the two baselines."""
    rows: int
    floor_rows: int
    low: float | None
    """Confidence limits of `value - floor`."""
    high: float | None
    outcome: Outcome


class DriftRow(Frozen, frozen=True, kw_only=True):
    """Distances between the distributions of one column in the two artifacts; null if a distance is undefined."""

    dataset: str
    column: str
    psi: float | None
    """Population stability index, in nats."""
    ks: float | None
    """Kolmogorov-Smirnov statistic."""
    js: float | None
    """Jensen-Shannon distance, base 2."""
    wasserstein: float | None
    """Wasserstein-1 distance, in standard deviations of the baseline."""
    outcome: Outcome | None


class DistributionRow(Frozen, frozen=True, kw_only=True):
    """Histogram of one column in both artifacts; it has either `edges` (numeric) or `values` (categories)."""

    dataset: str
    column: str
    baseline: tuple[int, ...]
    """Rows per bin or value."""
    candidate: tuple[int, ...]
    missing: tuple[int, int]
    """Rows of baseline and candidate with null, NaN or infinity."""
    edges: tuple[float | None, ...] | None = None
    """Bin edges in ascending order, one more than there are bins; null for an infinite edge."""
    values: tuple[str, ...] = ()


_Counts = Annotated[tuple[float, ...], msgspec.Meta(max_length=200)]


class ScoreBinsRow(Frozen, frozen=True, kw_only=True):
    """Rows of a binary task by class and score, in bins of equal width over 0 to 1; weighted if rows are."""

    dataset: str
    baseline: tuple[_Counts, _Counts]
    """Rows of the negative and of the positive class per bin of the baseline's score."""
    candidate: tuple[_Counts, _Counts]


class ChangedRow(Frozen, frozen=True, kw_only=True):
    """One row whose prediction changed; the policy chooses the columns."""

    dataset: str
    values: dict[str, Scalar]
    """Column to value, in the order of the columns."""


class RegressionDetails(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag_field="command", tag="regression"):
    """Details of the evidence of `regression`."""

    settings: RegressionSettings | None = None
    inputs: RegressionInputs | None = None
    replay: ReplayComparison | None = None
    """Present only in the evidence of a replay."""
    sources: list[SourceRow] = []
    weights: list[WeightRow] = []
    metrics: list[MetricRow] = []
    classes: list[SubgroupRow] = []
    """Recall and F1 per class."""
    slices: list[SubgroupRow] = []
    searched: list[SubgroupRow] = []
    """Subgroups of the slice search."""
    windows: list[SubgroupRow] = []
    timeline: list[TimelineRow] = []
    cells: list[CellRow] = []
    columns: list[ColumnRow] = []
    churn: list[ChurnRow] = []
    flips: list[FlipRow] = []
    rank: list[RankRow] = []
    noise: list[NoiseRow] = []
    drift: list[DriftRow] = []
    distributions: list[DistributionRow] = []
    score_bins: list[ScoreBinsRow] = []
    errors: list[DistributionRow] = []
    """Errors of a regression."""
    changed_rows: list[ChangedRow] = []


def regression_details(details: object) -> RegressionDetails:
    """Return `details` if they are those of `regression`, otherwise empty ones."""
    return details if isinstance(details, RegressionDetails) else RegressionDetails()
