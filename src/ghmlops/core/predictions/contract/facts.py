"""Facts about two artifacts and their pairing, as counted by the engine before anything is judged."""

from __future__ import annotations

import msgspec


class SideFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Row counts of one artifact. "Scores" are the compared numbers: scores, or predicted values of a regression."""

    rows: int
    null_keys: int = 0
    repeated_keys: int = 0
    """Number of keys that occur more than once."""
    repeated_rows: int = 0
    """Number of rows with such a key."""
    conflicting_keys: int = 0
    """Number of repeated keys whose rows differ in a column in use."""
    conflicting_rows: int = 0
    """Number of rows with such a key; they are left out."""
    surplus_copies: int = 0
    """Rows that repeat another row of their key exactly; each key counts once."""
    null_scores: int = 0
    nan_scores: int = 0
    infinite_scores: int = 0
    outside_scores: int = 0
    """Finite scores outside 0..1 (binary); vectors with such an element (multiclass)."""
    low_score: float | None = None
    high_score: float | None = None
    broken_vectors: int = 0
    """Vectors with an element that is null, NaN or infinite."""
    ragged_vectors: int = 0
    """Vectors whose length is not the number of classes."""
    unnormalised_vectors: int = 0
    """Vectors of probabilities whose sum is not 1."""
    zero_vectors: int = 0
    """Embeddings without a direction: empty, or all elements 0."""
    null_queries: int = 0
    null_predictions: int = 0
    """Rows whose column of decisions is null or contains a value that is no class."""
    stale_predictions: int = 0
    """Rows whose decision contradicts the score at the threshold, or the largest probability."""
    null_labels: int = 0
    odd_labels: int = 0
    """Labels that are no class, or not a finite number."""
    odd_label_examples: tuple[str, ...] = ()
    null_times: int = 0
    odd_weights: int = 0
    """Rows whose weight is null, NaN, infinite, 0 or negative."""
    chunks: int = 0
    """Number of column chunks whose pages were read."""
    unchecked_chunks: int = 0
    """Number of these chunks without page checksums."""
    lists_chunks: bool = True
    """False if the engine cannot list the chunks, so that no page was checked."""


class NullCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows (documents of a ranking) for which the expression of a custom metric is null, of those that it could use."""

    total: int
    baseline: int
    candidate: int
    either: int
    """Null on at least one side."""


class PairWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of the weights of the rows (documents of a ranking) that have a key, on a common scale."""

    baseline: float
    """Of all rows of the baseline."""
    candidate: float
    usable: float
    """Of the paired rows with usable scores on both sides."""
    labelled: float
    """Of those with a label."""


class PairFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Row counts of the pairing by key."""

    paired: int
    removed: int
    """Keys of the baseline only."""
    added: int
    """Keys of the candidate only."""
    usable: int
    """Paired rows with usable scores on both sides."""
    labelled: int
    """Usable rows with a label."""
    label_conflicts: int = 0
    time_conflicts: int = 0
    weight_conflicts: int = 0
    """Paired rows whose weights differ."""
    unweighted: int = 0
    """Paired rows without a usable weight in the file of labels, which has the weights."""
    weights: PairWeights | None = None
    """None if rows are not weighted."""
    effective: float | None = None
    """Effective number of the usable rows (Kish), of queries in a ranking; None if rows are not weighted."""
    slice_conflicts: dict[str, int] = msgspec.field(default_factory=dict)
    """Slice column to the number of paired rows whose values differ."""
    feature_conflicts: dict[str, int] = msgspec.field(default_factory=dict)
    """Feature to the number of paired rows whose bins differ; not a fault, because a change may be about its inputs."""
    changed: int = 0
    """Paired rows whose prediction differs beyond the tolerance."""
    largest_change: float | None = None
    tolerance: float = 0.0
    ungrouped: int = 0
    """Usable rows without a group; each is treated as independent."""
    quality: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    """Accuracy, or RMSE: of baseline and candidate on the paired rows, then of each on all its rows."""
    positives: int | None = None
    label_spread: float | None = None
    """Standard deviation of the label over the labelled rows."""
    windows_without_time: int = 0
    queries: int | None = None
    """Ranking: number of queries with paired documents."""
    queries_without_relevant: int = 0
    """Ranking: number of these queries without a relevant document."""
    queries_without_label: int = 0
    """Ranking: number of these queries of which no document has a label."""
    query_conflicts: int = 0
    """Documents that belong to different queries on the two sides."""
    expression_nulls: dict[str, NullCounts] = msgspec.field(default_factory=dict)
    """Custom metric to the rows for which its expression is null."""
    unlike_lengths: int = 0
    """Embeddings whose lengths differ between the sides."""


class SchemaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Differences between the columns of the two artifacts; each entry is a clause that names the column."""

    columns: int
    """Number of columns in use."""
    mismatched_keys: tuple[str, ...] = ()
    mismatched_labels: tuple[str, ...] = ()
    different_kinds: tuple[str, ...] = ()
    """Columns in use of different kinds, which are compared as text, or after reading times without a zone as UTC."""
    widths: tuple[str, ...] = ()
    """Columns in use of different types with comparable values: widths (INTEGER and BIGINT, FLOAT and DOUBLE), and
    labels or decisions that are numbers on one side and booleans on the other."""
    naive_times: tuple[str, ...] = ()
    """Time columns without a zone."""
    single_precision: bool = False
    """Scores are compared at single precision, because one side has no more."""
    unused: tuple[str, ...] = ()
    """Columns of one side only that nothing uses."""
    set_aside: tuple[str, ...] = ()
    """Columns that nothing uses and that were not read, each as a clause with the file and the reason."""
    partition_differences: tuple[tuple[str, str, int, int], ...] = ()
    """Columns of the files that are also names of partition folders: the column, the role of the artifact, the number
    of rows with another value than their folder, and the number of rows."""
    one_sided: tuple[str, ...] = ()
    """Features of one side only, whose drift cannot be measured."""
    high_cardinality: tuple[str, ...] = ()
    """Features with too many distinct values for the slice search."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts of one data set that the contract is judged by."""

    task: str
    schema: SchemaFacts
    baseline: SideFacts
    candidate: SideFacts
    labels: SideFacts | None = None
    """Facts of the separate artifact of labels, if there is one."""
    pairs: PairFacts | None = None
    """Facts of the pairing; None if the rows were not paired."""
    has_label: bool = True
    """The policy names a label."""

    @property
    def expects_labels(self) -> bool:
        """Whether rows without a label cannot be judged by the metrics of the task."""
        return self.has_label and self.task != "embedding"

    @property
    def sides(self) -> tuple[tuple[str, SideFacts], ...]:
        """The artifacts of predictions by name."""
        return ("baseline", self.baseline), ("candidate", self.candidate)

    @property
    def artifacts(self) -> tuple[tuple[str, SideFacts], ...]:
        """All artifacts by name, that of the labels last."""
        labels = (("file of labels", self.labels),) if self.labels is not None else ()
        return (*self.sides, *labels)
