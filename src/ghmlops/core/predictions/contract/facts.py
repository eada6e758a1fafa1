"""What was counted about two artifacts and their pairing, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFacts:
    """What one artifact holds, in rows. "Scores" are the numbers that are compared: score, or value of a regression."""

    rows: int
    null_keys: int = 0
    repeated_keys: int = 0
    """Keys that occur more than once."""
    repeated_rows: int = 0
    """Rows that have such a key."""
    conflicting_keys: int = 0
    """Repeated keys whose rows differ."""
    null_scores: int = 0
    nan_scores: int = 0
    infinite_scores: int = 0
    outside_scores: int = 0
    """Finite and outside 0..1 (binary); vectors with such an element (multiclass)."""
    low_score: float | None = None
    high_score: float | None = None
    broken_vectors: int = 0
    """Vectors with an element that is null, NaN or infinite."""
    ragged_vectors: int = 0
    """Vectors that have not one probability for each class."""
    unnormalised_vectors: int = 0
    """Vectors of probabilities whose sum is not 1."""
    zero_vectors: int = 0
    """Embeddings without a direction: empty, or all 0."""
    null_queries: int = 0
    null_predictions: int = 0
    """The column of decisions is null, or holds a value that is no class."""
    stale_predictions: int = 0
    """The decision contradicts the score and the threshold."""
    null_labels: int = 0
    odd_labels: int = 0
    """Labels that are no class, or not a finite number."""
    odd_label_examples: tuple[str, ...] = ()
    null_times: int = 0
    chunks: int = 0
    """Column chunks of the files, as far as their pages were looked at."""
    unchecked_chunks: int = 0
    """Of them: without page checksums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """What the pairing by key found, in rows."""

    paired: int
    removed: int
    added: int
    usable: int
    """Paired rows with usable scores on both sides."""
    labelled: int
    """Usable rows with a label."""
    label_conflicts: int = 0
    time_conflicts: int = 0
    slice_conflicts: dict[str, int] = field(default_factory=dict)
    feature_conflicts: dict[str, int] = field(default_factory=dict)
    """Rows whose feature, as it is binned, differs: no fault, for a change may well be about its inputs."""
    changed: int = 0
    """Paired rows whose prediction differs beyond the tolerance."""
    largest_change: float | None = None
    tolerance: float = 0.0
    no_group: int = 0
    """Usable rows without a group: each stands alone."""
    quality: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    """Accuracy, or RMSE: baseline and candidate on the paired rows, then on all the rows of each side."""
    positives: int | None = None
    label_spread: float | None = None
    """Standard deviation of the label over the labelled rows."""
    windows_without_time: int = 0
    queries: int | None = None
    """Ranking: queries with paired documents."""
    pointless: int = 0
    """Of them: without a relevant document."""
    query_conflicts: int = 0
    """Documents that the sides give to different queries."""
    unlike_lengths: int = 0
    """Embeddings that have different lengths on the two sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFacts:
    """How the columns of the two artifacts differ. Each entry is a sentence's part with the column's name."""

    columns: int
    """Columns in use."""
    mismatched_keys: tuple[str, ...] = ()
    mismatched_labels: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    """Columns in use of different kinds, which are compared as text or after reading naive times as UTC."""
    widths: tuple[str, ...] = ()
    """Columns in use of one kind and different widths (integer against bigint, float against double)."""
    naive: tuple[str, ...] = ()
    """Times without a zone."""
    single: bool = False
    """Scores are compared at single precision, because one side holds no more."""
    only: tuple[str, ...] = ()
    """Columns that only one side has and nothing uses."""
    one_sided: tuple[str, ...] = ()
    """Features that only one side has: their drift is not known."""
    fine: tuple[str, ...] = ()
    """Features of too many values to search slices in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the contract is judged by."""

    task: str
    schema: SchemaFacts
    baseline: SideFacts
    candidate: SideFacts
    labels: SideFacts | None = None
    pairs: PairFacts | None = None

    @property
    def sides(self) -> tuple[tuple[str, SideFacts], ...]:
        """Both artifacts by name."""
        return ("baseline", self.baseline), ("candidate", self.candidate)
