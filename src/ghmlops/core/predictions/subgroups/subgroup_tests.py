"""Tests for regressions by slice, window and class, over all data sets: which subgroups and metrics form a family.

Metrics that are not tested in subgroups are reported there, in the table `cells`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from ghmlops.core.details.regression import CellRow, SubgroupRow, TimelineRow
from ghmlops.core.metrics import metrics_of, overall_metrics
from ghmlops.core.model import Direction, NotMeasured
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.predictions.comparison import compare_cells, compare_classes
from ghmlops.core.predictions.constants import MAX_CELL_ROWS, MAX_TIMELINE_ROWS
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.predictions.subgroup import Subgroup, SubgroupKey, subgroup_name
from ghmlops.core.predictions.subgroups.family import SubgroupTest, judge_family, missing_subgroups, run_tests
from ghmlops.core.predictions.subgroups.heterogeneity import uneven_windows
from ghmlops.core.predictions.subgroups.search import search_slices
from ghmlops.core.predictions.subgroups.spread import Family, Spread, Spreads, estimate_spreads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import CellTable
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Judgement, Observation
    from ghmlops.core.predictions.ruling import Comparison

Breakdown = tuple[str, ...]
"""The columns by which a table divides the rows into cells: slice columns, or `WINDOW`."""


@dataclass(frozen=True, slots=True)
class SubgroupFamilies:
    """The families of subgroup tests of one run; they add their results to the judgement.

    A breakdown that belongs to two families (the declared slices and the slice search) is compared once.
    """

    observations: Sequence[Observation]
    """The data sets whose contract allows a comparison."""
    policy: Regression
    judgement: Judgement
    _cache: dict[tuple[int, Breakdown], list[Subgroup]] = field(default_factory=dict)
    _spread_cache: list[Spreads] = field(default_factory=list)

    def judge_declared(self, kind: Literal["slice", "window"]) -> frozenset[SubgroupKey]:
        """Judge the family of the declared slices or of the windows; returns the keys of those with a finding."""
        policy, judgement = self.policy, self.judgement
        if kind == "slice":
            breakdowns: list[Breakdown] = [tuple(dict.fromkeys(columns)) for columns in policy.slices]
        else:
            breakdowns = [(WINDOW,)] if policy.window else []
        if not breakdowns or not self.observations:
            return frozenset()
        subgroups = [
            subgroup
            for number in range(len(self.observations))
            for breakdown in breakdowns
            for subgroup in self._subgroups(number, breakdown)
        ]
        family = judge_family(subgroups, kind, policy.minimum_rows, self._spreads())
        judgement.findings.extend(family.findings)
        (judgement.details.slices if kind == "slice" else judgement.details.windows).extend(family.table)
        for observation, breakdown in itertools.product(self.observations, breakdowns):
            table = observation.tables[breakdown]
            missing = [(*split_key(key, breakdown), rows) for key, rows in table.missing_cells]
            judgement.findings.extend(missing_subgroups(missing, kind, observation.dataset))
            items = _not_measured(breakdown, table, policy.minimum_rows)
            items += self._without_quality(observation, breakdown, subgroups)
            judgement.add_not_measured(observation, items)
        judgement.details.cells.extend(_cell_rows(self.observations, breakdowns, policy))
        if kind == "window":
            judgement.findings.extend(uneven_windows(subgroups, self._spreads()))
            judgement.details.timeline.extend(_timeline(run_tests(subgroups, spreads=self._spreads())))
        return family.flagged_keys

    def _without_quality(
        self, observation: Observation, breakdown: Breakdown, subgroups: Sequence[Subgroup]
    ) -> list[NotMeasured]:
        """List the subgroups with enough rows to test behaviour, and too few rows with a label to test quality."""
        if self.policy.task == "embedding" or not self.policy.label:
            return []
        tested = {s.key for s in subgroups if s.comparison.metric.needs_label}
        keys = [split_key(key, breakdown) for key in observation.tables[breakdown].keys]
        names = [(observation.dataset, *slice_values.items(), window) for slice_values, window in keys]
        untested = sum(name not in tested for name in names)
        if not untested:
            return []
        why = f"{untested:,} have fewer than {self.policy.minimum_rows:,} rows with a label"
        return [NotMeasured(what=f"quality of {_plural(breakdown)}", why=why)]

    def judge_classes(self) -> None:
        """Judge the family of recall and F1 of every class of a multiclass task."""
        if self.policy.task != "multiclass":
            return
        subgroups = [s for observation in self.observations for s in compare_classes(observation, self.policy)]
        family = judge_family(subgroups, "class", self.policy.minimum_rows, estimate_spreads(subgroups))
        self.judgement.findings.extend(family.findings)
        self.judgement.details.classes.extend(_class_row(row) for row in family.table)

    def search(self, overall: Sequence[Subgroup], reported_keys: frozenset[SubgroupKey]) -> None:
        """Search the slices by one and by two columns for regressions without a finding.

        Args:
            overall: Comparisons over all rows of each data set.
            reported_keys: Keys of the declared slices and windows that have a finding.
        """
        policy = self.policy
        breakdowns = {
            breakdown
            for observation in self.observations
            for breakdown in observation.tables
            if breakdown and WINDOW not in breakdown and len(breakdown) <= 2
        }
        if not policy.search or not breakdowns:
            return
        subgroups = [
            subgroup
            for number, observation in enumerate(self.observations)
            for breakdown in sorted(breakdowns)
            if breakdown in observation.tables
            for subgroup in self._subgroups(number, breakdown)
        ]
        family = search_slices(
            subgroups,
            max_findings=policy.search,
            minimum=policy.minimum_rows,
            overall=overall,
            reported_keys=reported_keys,
            spreads=self._spreads(),
        )
        self.judgement.findings.extend(family.findings)
        self.judgement.details.searched.extend(family.table)

    def _spreads(self) -> Spreads:
        """Return the spread of every family of slices and windows, of each data set."""
        if not self._spread_cache:
            spreads: dict[Family, Spread] = {}
            for number, observation in enumerate(self.observations):
                subgroups = [
                    s for breakdown in observation.tables if breakdown for s in self._subgroups(number, breakdown)
                ]
                spreads |= estimate_spreads(subgroups, _noise_subgroups(observation, self.policy))
            self._spread_cache.append(spreads)
        return self._spread_cache[0]

    def _subgroups(self, number: int, breakdown: Breakdown) -> list[Subgroup]:
        if (number, breakdown) not in self._cache:
            self._cache[number, breakdown] = compare_subgroups(self.observations[number], breakdown, self.policy)
        return self._cache[number, breakdown]


def compare_subgroups(observation: Observation, breakdown: Breakdown, policy: Regression) -> list[Subgroup]:
    """Return every metric that is tested in subgroups, in every cell with the minimum number of rows for it."""
    table, subgroups = observation.tables[breakdown], []
    for metric in metrics_of(policy):
        if not metric.in_subgroups or not table.keys:
            continue
        for index, comparison in compare_cells(metric, observation, breakdown, policy):
            if comparison.evidence_rows >= policy.minimum_rows:
                slice_values, window = split_key(table.keys[index], breakdown)
                subgroups.append(
                    Subgroup(slice=slice_values, window=window, comparison=comparison, dataset=observation.dataset)
                )
    return subgroups


def _noise_subgroups(observation: Observation, policy: Regression) -> list[Subgroup]:
    """Return the subgroups between the baseline and a second baseline; empty without one."""
    second = observation.noise.subgroups if observation.noise else None
    if second is None:
        return []
    named = replace(second, dataset=observation.dataset)
    return [s for breakdown in second.tables if breakdown for s in compare_subgroups(named, breakdown, policy)]


def split_key(key: tuple[Any, ...], breakdown: Breakdown) -> tuple[dict[str, Any], str | None]:
    """Return the slice and the window of a cell from its attribute values."""
    slice_values = dict(zip(breakdown, key, strict=True))
    window = slice_values.pop(WINDOW, None)
    return slice_values, None if window is None else str(window)


def _cell_rows(
    observations: Sequence[Observation], breakdowns: Sequence[Breakdown], policy: Regression
) -> list[CellRow]:
    """Return the rows of the metrics that are not tested in subgroups, largest loss per standard error first."""
    entries: list[tuple[float, str, tuple[dict[str, Any], str | None], Comparison]] = []
    for observation in observations:
        for breakdown, metric in itertools.product(breakdowns, overall_metrics(policy)):
            if metric.in_subgroups:
                continue
            for index, comparison in compare_cells(metric, observation, breakdown, policy):
                if comparison.evidence_rows >= policy.minimum_rows:
                    subgroup = split_key(observation.tables[breakdown].keys[index], breakdown)
                    z = comparison.loss / comparison.error if comparison.error > 0 else 0.0
                    entries.append((-z, observation.dataset, subgroup, comparison))
    # An undefined loss is sorted as if it were 0, because NaN has no order.
    entries.sort(key=lambda e: (e[0] if e[0] == e[0] else 0.0, e[1], str(e[2]), e[3].metric.id))
    return [_cell_row(dataset, subgroup, comparison) for _, dataset, subgroup, comparison in entries[:MAX_CELL_ROWS]]


def _cell_row(dataset: str, subgroup: tuple[dict[str, Any], str | None], comparison: Comparison) -> CellRow:
    slice_values, window = subgroup
    return CellRow(
        dataset=dataset,
        slice=subgroup_name(slice_values, None) if window is None else "",
        window=window,
        metric=comparison.metric.id,
        rows=comparison.n,
        baseline=None if comparison.paired_only else evidence_number(comparison.baseline),
        candidate=evidence_number(comparison.candidate),
        change=evidence_number(comparison.change),
        low=evidence_number(comparison.low),
        high=evidence_number(comparison.high),
        unit=comparison.metric.unit,
    )


def _class_row(row: SubgroupRow) -> SubgroupRow:
    """Return the row with the name of the class alone; it is tested as the slice `class = NAME`."""
    return replace(row, subgroup=row.subgroup.removeprefix("class = "))


def _timeline(tests: Sequence[SubgroupTest]) -> list[TimelineRow]:
    """Return the rows of the quality metrics in every window, by data set, metric and time."""
    quality = [t for t in tests if t.subgroup.comparison.metric.direction is not Direction.TARGET]
    quality.sort(key=lambda t: (t.subgroup.dataset, t.subgroup.comparison.metric.id, str(t.subgroup.window)))
    return [
        TimelineRow(
            dataset=test.subgroup.dataset,
            window=str(test.subgroup.window),
            metric=test.subgroup.comparison.metric.id,
            rows=test.subgroup.comparison.n,
            baseline=evidence_number(test.subgroup.comparison.baseline),
            candidate=evidence_number(test.subgroup.comparison.candidate),
            low=evidence_number(test.subgroup.comparison.low),
            high=evidence_number(test.subgroup.comparison.high),
            outcome=test.outcome,
        )
        for test in quality[:MAX_TIMELINE_ROWS]
    ]


def _plural(breakdown: Breakdown) -> str:
    return "windows" if breakdown == (WINDOW,) else f"slices by {' x '.join(breakdown)}"


def _not_measured(breakdown: Breakdown, table: CellTable, minimum: int) -> list[NotMeasured]:
    """List the subgroups that were not tested: those with too few rows, and those that only the candidate has."""
    what, items = _plural(breakdown), []
    if table.small_cells:
        why = f"{table.small_cells:,} have fewer than {minimum:,} usable rows ({table.small_rows:,} rows in total)"
        items.append(NotMeasured(what=what, why=why))
    if table.new_cells:
        why = f"{table.new_cells:,} exist in the candidate only, so there is nothing to compare them with"
        items.append(NotMeasured(what=what, why=why))
    return items
