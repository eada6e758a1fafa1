"""Policy section `regression`: its types and defaults. `core.policyfile.regression` reads it."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.model import Direction
from ghmlops.core.policy.section import Section

TASKS = ("binary", "multiclass", "multilabel", "regression", "ranking", "embedding", "text")
ROLES = ("baseline", "candidate", "labels")
Task = Literal["binary", "multiclass", "multilabel", "label-sets", "regression", "ranking", "embedding", "text"]
"""`label-sets` is no task of a policy: the comparison of all labels of a row at once, as part of `multilabel`."""
DEFAULT_LABEL_COVERAGE = 0.99
"""Share of rows: the complement of the share that may be left out for any other reason."""


class Dataset(Section, frozen=True, kw_only=True):
    """One pair of artifacts. Each is a file, a glob, a folder, a list of these, `artifact:NAME@BRANCH`, or a URL."""

    name: str = ""
    """Empty if there is a single data set."""
    baseline: tuple[str, ...] = ()
    candidate: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    """A second baseline, trained by the same recipe with another seed. It gives the noise floor of the predictions."""


class Target(Section, frozen=True, kw_only=True):
    """One of several targets: one label of a multi-label task, or one output of a regression."""

    label: str
    """Column of the true answer, which names the target."""
    score: str = ""
    prediction: str = ""
    threshold: float = 0.5


class CustomMetric(Section, frozen=True, kw_only=True):
    """A custom metric: the mean of an SQL expression over the paired rows."""

    name: str
    sql: str
    """Expression over the columns that the policy names, and over `prediction`, `score` and `label` of the side that is
    evaluated. It returns a number per row, or null to leave the row out."""
    direction: Direction
    margin: float | None = None
    """Absolute margin; None: reported without a judgement."""
    unit: str = ""
    relative: bool = False
    """The margin is a share of the baseline's value."""
    target: float | None = None
    """Ideal value, if a regression is a larger distance from it."""


class Drift(Section, frozen=True, kw_only=True):
    """Limits on the drift of the distributions of scores and features; exceeding one gives a warning."""

    psi: float | None = 0.2
    ks: float | None = None
    js: float | None = None
    wasserstein: float | None = None
    """In units of the standard deviation of the baseline's column."""


class Changed(Section, frozen=True, kw_only=True):
    """Which changed rows the evidence lists. Keys are user data, so by default none are listed."""

    rows: int = 0
    """Maximum number of rows, largest change first."""
    show: tuple[str, ...] = ()
    """Additional columns of the listed rows."""
    mask: tuple[str, ...] = ()
    """Columns whose values are replaced by `***`."""
    hash: tuple[str, ...] = ()
    """Columns whose values are replaced by a short SHA-256."""


class Regression(Section, frozen=True, kw_only=True):
    """The comparison of two prediction artifacts."""

    task: Task
    key: tuple[str, ...]
    label: str = ""
    """Column of the true answer; required by every task except `embedding` and `text`."""
    score: str = ""
    """Column of the probability of the positive class (binary), of the vector of class probabilities (multiclass), of
    the value by which documents are ordered (ranking), of the vector (embedding), or of the score of a judge (text)."""
    scores: tuple[str, ...] = ()
    """One column per class, in the order of `classes`, instead of `score` (binary, multiclass)."""
    prediction: str = ""
    """Column of the decision (binary, multiclass), of the predicted value (regression) or of the text (text)."""
    targets: tuple[Target, ...] = ()
    """The targets of a multi-label task or of a regression with several outputs; empty for a single target. `label`,
    `score` and `prediction` are then those of the first one."""
    threshold: float = 0.5
    """Decision threshold on `score` if there is no `prediction` column; scores at or above it are positive."""
    classes: tuple[str, ...] = ()
    """Binary: `[negative, positive]` if labels are not 0/1 or booleans. Multiclass: in the order of the vector."""
    query: str = ""
    """Column that identifies the query of a document (ranking)."""
    at: int = 10
    """The k of NDCG@k and recall@k."""
    gain: Literal["linear", "exponential"] = "linear"
    """Gain of a document in NDCG: its label, or 2^label - 1 (ranking)."""
    unjudged: Literal["irrelevant", "left-out"] = "irrelevant"
    """Documents without a label (ranking): not relevant, or removed from the lists before they are evaluated."""
    top: int = 5
    """The k of top-k accuracy."""
    predictions: tuple[str, ...] = ()
    """Columns of several quantiles, in ascending order of `quantiles`; `prediction` is the one next to the median."""
    quantiles: tuple[float, ...] = ()
    """Levels of the quantiles in `predictions`."""
    quantile: float = 0.5
    """Quantile level of the pinball loss."""
    error_quantile: float = 0.9
    """Quantile level of the absolute error."""
    renamed: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    """By role (baseline, candidate): maps a column of the policy, or `score`, `label` ..., to its name there."""
    time: str = ""
    time_unit: Literal["", "s", "ms", "us", "ns"] = ""
    """Unit of a numeric time, counted from 1970 in UTC; empty if the time is a timestamp."""
    time_zone: str = ""
    """Time zone of the calendar that windows follow; empty: UTC."""
    window: Literal["", "1h", "1d", "1w", "1mo"] = ""
    slices: tuple[tuple[str, ...], ...] = ()
    features: tuple[str, ...] = ()
    """Input columns: their drift is measured, and the subgroup search includes them."""
    search: int = 5
    """Maximum number of subgroups that the search over declared columns, features and their pairs reports; 0: none."""
    minimum_rows: int = 200
    """Slices and windows with fewer rows are listed as not measured."""
    min_label_coverage: float = DEFAULT_LABEL_COVERAGE
    """Share of the usable rows (queries of a ranking) with a label below which quality is inconclusive. A policy whose
    labels arrive late sets a lower one."""
    weight: str = ""
    """Column of the weight of a row (of a query in a ranking), > 0; empty: all rows weigh the same."""
    group: str = ""
    """Column that identifies groups of dependent rows (user, session); tests then use groups as their unit."""
    margins: dict[str, float] = msgspec.field(default_factory=dict)
    """Margin by metric id: absolute for accuracy-like metrics, a fraction of the baseline's value for losses."""
    metrics: tuple[CustomMetric, ...] = ()
    tolerance: dict[str, float] = msgspec.field(default_factory=dict)
    """By column: the largest difference that counts as equal; absolute for values up to 1, relative above."""
    drift: Drift = Drift()
    changed: Changed = Changed()
    private: tuple[str, ...] = ()
    """Columns whose values no output contains: numbered labels stand for them."""
    withheld: tuple[str, ...] = ()
    """Columns that the policy of the baseline's commit keeps private and this one does not; not a key of the file. No
    artifact needs to have them."""
    undecided: Literal["inconclusive", "warn"] = "inconclusive"
    """Outcome of an overall metric that neither passes nor fails."""
    intent: Literal["improve", "unchanged"] = "improve"
    predict: str = ""
    """Shell text that bash runs in the work tree of each arm in `check`; it writes the predictions of the arm to the
    path in the variable PREDICTIONS. Empty: the artifacts exist already."""
    predict_timeout: float = 1800.0
    """Seconds."""
    datasets: tuple[Dataset, ...] = ()
    """One data set without a name, or several with names."""

    def column(self, role: str, name: str) -> str:
        """Return the name, in the artifact of a role, of the column that the policy calls `name`."""
        renamed = self.renamed.get(role, {})
        for field in ("score", "label", "prediction", "time", "group", "query", "weight"):
            if name == getattr(self, field) and field in renamed and name not in renamed:
                return renamed[field]
        return renamed.get(name, name)

    @property
    def has_scores(self) -> bool:
        """Whether the policy names scores, and not only the class or the value that is predicted."""
        return bool(self.score or self.scores)

    @property
    def private_columns(self) -> tuple[str, ...]:
        """Columns whose values no output contains, by this policy and by that of the baseline's commit."""
        return (*self.private, *self.withheld)

    @property
    def judged_columns(self) -> tuple[str, ...]:
        """Columns of labels and predictions, which the verdict is about."""
        targets = (name for target in self.targets for name in (target.label, target.score, target.prediction))
        columns = (self.label, self.score, self.prediction, *self.scores, *self.predictions, *targets)
        return tuple(name for name in dict.fromkeys(columns) if name)

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns that define slices, without duplicates."""
        return tuple(dict.fromkeys(column for columns in self.slices for column in columns))

    @property
    def predicted_names(self) -> tuple[str, ...]:
        """Names of the data sets that `predict` writes, as `NAME.parquet` in a folder; empty if it writes one."""
        return tuple(dataset.name for dataset in self.datasets if dataset.name) if self.predict else ()

    def predicted_datasets(self, baseline: str, candidate: str) -> tuple[Dataset, ...]:
        """Return the data sets with the predictions that `predict` wrote.

        Args:
            baseline: what it wrote for the baseline: a file or a folder; empty if it is unknown.
            candidate: what it wrote for the candidate.
        """

        def sides(dataset: Dataset) -> dict[str, tuple[str, ...]]:
            inner = f"/{dataset.name}.parquet" if dataset.name else ""
            paths = {"baseline": baseline, "candidate": candidate}
            return {side: (f"{path}{inner}",) for side, path in paths.items() if path}

        return tuple(msgspec.structs.replace(one, **sides(one)) for one in self.datasets or (Dataset(),))
