"""The values between engine, judgement and evidence: what was read of a data set, and what was concluded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.model import Finding, Measurement, NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import Cells, CellTable, Columns, Counts, Grid, QueryRanks, ScorePairs
    from ghmlops.core.predictions.behaviour.determinism import ColumnChange
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import Facts

SCORE_DISTANCE = ("{distance}", False)
"""The row value that the engine sums for the noise floor: 0 for the baseline, |score difference| for the candidate."""


class NoiseFloor(msgspec.Struct, frozen=True, kw_only=True):
    """Differences between the baseline and a second baseline of the same recipe, over all their paired rows."""

    counts: Counts | None = None
    """Counts of decisions; None for a task without decisions."""
    score_distance: Cells | None = None
    """Sums of |score difference|; None if there is no score."""
    subgroups: Observation | None = None
    """Both baselines by slice and window: what another seed alone changes there. None if there are no slices."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Aggregates of one data set. If the contract forbids a comparison, only the facts are present."""

    facts: Facts
    dataset: str = ""
    """Empty if there is a single data set."""
    target: str = ""
    """Label of the target, if there are several; empty as well if all labels of a row are compared at once."""
    tables: Mapping[tuple[str, ...], CellTable] = msgspec.field(default_factory=dict)
    """Tables by the columns that define their cells: `()` for all rows, `(WINDOW,)` for the windows."""
    columns: Columns | None = None
    """Scores and labels of all rows, if there are few enough; with the cell of each row if it is known."""
    grid: Grid | None = None
    """Scores counted in bins, if there are too many rows for columns."""
    ranks: ScorePairs | QueryRanks | None = None
    """Order of the scores of all usable rows; None without scores, or if there are too many rows."""
    scores: tuple[Distribution, ...] = ()
    features: tuple[Distribution, ...] = ()
    changes: tuple[ColumnChange, ...] = ()
    changed_rows: Sequence[Mapping[str, Any]] = ()
    noise: NoiseFloor | None = None
    """None if the policy names no second baseline."""
    fingerprints: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Role of an artifact to the fingerprint of its content."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the evidence; the stages of the judgement add to it."""

    findings: list[Finding] = msgspec.field(default_factory=list)
    measurements: list[Measurement] = msgspec.field(default_factory=list)
    not_measured: list[NotMeasured] = msgspec.field(default_factory=list)
    details: RegressionDetails = msgspec.field(default_factory=RegressionDetails)

    def add_not_measured(self, observation: Observation, items: Sequence[NotMeasured]) -> None:
        """Add what was not measured of a data set, with its name."""
        prefix = f"{observation.dataset}: " if observation.dataset else ""
        self.not_measured.extend(NotMeasured(what=f"{prefix}{item.what}", why=item.why) for item in items)
