"""The policy's section `regression`: its types and its defaults; `policy_predictions` reads it."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.model import Direction
from ghmlops.core.policy.section import Section

TASKS = ("binary", "multiclass", "regression", "ranking", "embedding")
ROLES = ("baseline", "candidate", "labels")
Task = Literal["binary", "multiclass", "regression", "ranking", "embedding"]


class Dataset(Section, frozen=True, kw_only=True):
    """One pair of artifacts. Each is a file, a glob, a folder, a list of them, `artifact:NAME@BRANCH`, or a URL."""

    name: str = ""
    """Empty for the only one."""
    baseline: tuple[str, ...] = ()
    candidate: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    """A second baseline of the same recipe and another seed: how much predictions differ for no reason."""


class CustomMetric(Section, frozen=True, kw_only=True):
    """A metric of the user's own: the mean of an SQL expression over the paired rows."""

    name: str
    sql: str
    """Over the columns of the policy by their names, and `prediction`, `score` and `label` of the side that is looked
    at; it must give a number for every row, or null for a row that does not count."""
    direction: Direction
    margin: float | None = None
    """Absolute; None: shown."""
    unit: str = ""


class Drift(Section, frozen=True, kw_only=True):
    """Limits on how far a distribution may move, scores and features alike; beyond one is a warning."""

    psi: float | None = 0.2
    ks: float | None = None
    js: float | None = None
    wasserstein: float | None = None
    """In standard deviations of the baseline's column."""


class Changed(Section, frozen=True, kw_only=True):
    """Which changed rows are written down: their keys are the user's data, so nothing is unless asked for."""

    rows: int = 0
    """Most rows, the largest change first."""
    show: tuple[str, ...] = ()
    """Further columns of the rows."""
    mask: tuple[str, ...] = ()
    """Columns whose values are replaced by `***`."""
    hash: tuple[str, ...] = ()
    """Columns whose values are replaced by a short SHA-256."""


class Regression(Section, frozen=True, kw_only=True):
    """The diff of two prediction artifacts."""

    task: Task
    key: tuple[str, ...]
    label: str = ""
    """Needed by every task but `embedding`."""
    score: str = ""
    """Column of the probability of the positive class (binary), of the vector of class probabilities (multiclass), of
    what documents are ordered by (ranking), or of the vector (embedding)."""
    prediction: str = ""
    """Column of the decision (binary, multiclass) or of the predicted value (regression)."""
    threshold: float = 0.5
    """Decision threshold on `score` where there is no `prediction` column; at or above is positive."""
    classes: tuple[str, ...] = ()
    """Binary: `[negative, positive]` where labels are not 0/1 or booleans. Multiclass: in the order of the vector."""
    query: str = ""
    """Column that groups the documents of one query (ranking)."""
    at: int = 10
    """The k of NDCG@k and recall@k."""
    top: int = 5
    """The k of top-k accuracy."""
    quantile: float = 0.5
    """Of the pinball loss."""
    error_quantile: float = 0.9
    """Of the absolute error."""
    renamed: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    """Role to: a column as the policy calls it, or `score`, `label`, ..., to the column's name in that artifact."""
    time: str = ""
    window: Literal["", "1h", "1d", "1w", "1mo"] = ""
    slices: tuple[tuple[str, ...], ...] = ()
    features: tuple[str, ...] = ()
    """Input columns: their drift is measured, and slices are searched in them."""
    search: int = 5
    """Most slices that the search over declared columns, features and their pairs writes down; 0: no search."""
    minimum_rows: int = 200
    """Slices and windows with fewer rows are listed as not measured."""
    group: str = ""
    """Column that groups dependent rows (user, session): tests then work on groups."""
    margins: dict[str, float] = msgspec.field(default_factory=dict)
    """By metric id: absolute for accuracy-like metrics, a fraction of the baseline's value for losses."""
    metrics: tuple[CustomMetric, ...] = ()
    tolerance: dict[str, float] = msgspec.field(default_factory=dict)
    """Column to the largest difference that still counts as the same value: absolute up to 1, relative above."""
    drift: Drift = Drift()
    changed: Changed = Changed()
    undecided: Literal["inconclusive", "warn"] = "inconclusive"
    """What an overall metric is called that neither passes nor fails."""
    intent: Literal["improve", "unchanged"] = "improve"
    datasets: tuple[Dataset, ...] = ()
    """Where the artifacts are: one data set without a name, or several with names."""

    def column(self, role: str, name: str) -> str:
        """Return what the artifact of a role calls the column that the policy calls `name`."""
        given = self.renamed.get(role, {})
        for field in ("score", "label", "prediction", "time", "group", "query"):
            if name == getattr(self, field) and field in given and name not in given:
                return given[field]
        return given.get(name, name)

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns that slices are cut by, each once."""
        return tuple(dict.fromkeys(column for columns in self.slices for column in columns))
