"""What was read of the artifacts, and what is judged of it: between the engine, the judgement and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.model import Finding, Measurement, NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import Cells, CellTable, Columns, Counts, Grid
    from ghmlops.core.predictions.behaviour.determinism import ColumnChange
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import Facts

APART = ("{apart}", False)
"""What the engine sums where there is a noise floor: 0 and how far the two scores of a row are apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """What the baseline and a second baseline of the same recipe differ in: decisions, and scores."""

    counts: Counts | None = None
    apart: Cells | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was read of one data set. Only `facts` is there where the contract forbids a comparison."""

    facts: Facts
    dataset: str = ""
    """Empty for the only one."""
    tables: Mapping[tuple[str, ...], CellTable] = field(default_factory=dict)
    """By the attributes of each cut; `()` are all rows, `(WINDOW,)` the windows."""
    columns: Columns | None = None
    """Scores and labels, where they are few enough; with the cells of single rows where these are known."""
    grid: Grid | None = None
    """Binned scores, where they are too many."""
    scores: tuple[Distribution, ...] = ()
    features: tuple[Distribution, ...] = ()
    changes: tuple[ColumnChange, ...] = ()
    changed_rows: Sequence[Mapping[str, Any]] = ()
    noise: NoiseFloor | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """By role: of the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the evidence holds."""

    findings: list[Finding] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    not_measured: list[NotMeasured] = field(default_factory=list)
    details: RegressionDetails = field(default_factory=RegressionDetails)

    def skipped(self, one: Observed, items: Sequence[NotMeasured]) -> None:
        """Add what was not measured of a data set."""
        named = f"{one.dataset}: " if one.dataset else ""
        self.not_measured.extend(NotMeasured(what=f"{named}{item.what}", why=item.why) for item in items)
