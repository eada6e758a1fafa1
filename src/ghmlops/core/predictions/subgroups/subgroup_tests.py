"""Harm by slice, window and class, over all data sets: what is hunted, what is searched, and what is only shown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ghmlops.core.details.regression import CellRow, MetricRow, SubgroupRow, TimelineRow
from ghmlops.core.metrics import metrics_of
from ghmlops.core.model import Direction, NotMeasured
from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.core.predictions.comparison import compare_cells, compare_classes, overall_metrics
from ghmlops.core.predictions.place import Place, name_place
from ghmlops.core.predictions.ruling import tidy
from ghmlops.core.predictions.subgroups import family as slices
from ghmlops.core.predictions.subgroups import heterogeneity as uneven
from ghmlops.core.predictions.subgroups import search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding
    from ghmlops.core.paired.aggregates import CellTable
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observed import Judged, Observed
    from ghmlops.core.predictions.ruling import Comparison

MOST_TIMELINE = 400
MOST_CELLS = 400
"""Rows of the metrics that are shown by slice, and by window."""


def metric_row(found: Comparison, dataset: str, finding: Finding | None) -> MetricRow:
    """Return the row of the table `metrics`; `finding` is None if the metric is reported but not judged."""
    return MetricRow(
        dataset=dataset,
        metric=found.metric.id,
        rows=found.n,
        baseline=None if found.paired_only else tidy(found.baseline),
        candidate=tidy(found.candidate),
        change=tidy(found.change),
        low=tidy(found.low),
        high=tidy(found.high),
        margin=tidy(found.margin),
        unit=found.metric.unit,
        outcome=finding.outcome if finding else None,
        method=found.method,
    )


@dataclass(frozen=True, slots=True)
class Hunt:
    """The families of one run; each metric is compared once in each cell, although two families ask for it."""

    compared: Sequence[Observed]
    policy: Regression
    judged: Judged
    _known: dict[tuple[int, tuple[str, ...]], list[Place]] = field(default_factory=dict)

    def places(self, kind: Literal["slice", "window"]) -> frozenset[tuple[object, ...]]:
        """Hunt a family over all data sets; returns the places that have a finding."""
        policy, judged = self.policy, self.judged
        cuts = (
            [tuple(dict.fromkeys(c)) for c in policy.slices] if kind == "slice" else [(WINDOW,)] * bool(policy.window)
        )
        if not cuts or not self.compared:
            return frozenset()
        places = [place for one in range(len(self.compared)) for cut in cuts for place in self._places(one, cut)]
        family = slices.hunt(places, kind, policy.minimum_rows)
        judged.findings.extend(family.findings)
        (judged.details.slices if kind == "slice" else judged.details.windows).extend(family.table)
        for one in self.compared:
            for cut in cuts:
                table = one.tables[cut]
                lost = [(*located(key, cut), rows) for key, rows in table.lost]
                judged.findings.extend(slices.missing(lost, kind, one.dataset))
                judged.skipped(one, _small(cut, table, policy.minimum_rows))
        judged.details.cells.extend(_shown(self.compared, cuts, policy))
        if kind == "window":
            judged.findings.extend(uneven.windows_uneven(places))
            judged.details.timeline.extend(_timeline(slices.correct(places)))
        return family.bad

    def classes(self) -> None:
        """Hunt recall and F1 of every class."""
        if self.policy.task != "multiclass":
            return
        places = [place for one in self.compared for place in compare_classes(one, self.policy)]
        family = slices.hunt(places, "class", self.policy.minimum_rows)
        self.judged.findings.extend(family.findings)
        self.judged.details.classes.extend(_class_row(row) for row in family.table)

    def search(self, overall: Sequence[Place], reported: frozenset[tuple[object, ...]]) -> None:
        """Search the slices of one and two columns for harm that no finding tells of yet."""
        policy = self.policy
        cuts = {cut for one in self.compared for cut in one.tables if cut and WINDOW not in cut and len(cut) <= 2}
        if not policy.search or not cuts:
            return
        places = [
            place
            for number, one in enumerate(self.compared)
            for cut in sorted(cuts)
            if cut in one.tables
            for place in self._places(number, cut)
        ]
        family = search.search(
            places, top=policy.search, minimum=policy.minimum_rows, overall=overall, reported=reported
        )
        self.judged.findings.extend(family.findings)
        self.judged.details.searched.extend(family.table)

    def _places(self, one: int, cut: tuple[str, ...]) -> list[Place]:
        if (one, cut) not in self._known:
            self._known[one, cut] = places_of(self.compared[one], cut, self.policy)
        return self._known[one, cut]


def _shown(compared: Sequence[Observed], cuts: Sequence[tuple[str, ...]], policy: Regression) -> list[CellRow]:
    """Return the metrics that are not hunted, in every slice or window: shown, the worst against its error first."""
    rows = []
    for one in compared:
        for cut, metric in itertools.product(cuts, (m for m in overall_metrics(policy) if not m.hunted)):
            for place, found in compare_cells(metric, one, cut, policy):
                if found.n >= policy.minimum_rows:
                    where = located(one.tables[cut].keys[place], cut)
                    rows.append((-found.loss / found.error if found.error > 0 else 0.0, one.dataset, where, found))
    rows.sort(
        key=lambda row: (row[0] if row[0] == row[0] else 0.0, row[1], str(row[2]), row[3].metric.id)
    )  # NaN: middle
    return [
        CellRow(
            dataset=dataset,
            slice=name_place(*where) if where[1] is None else "",
            window=where[1],
            metric=found.metric.id,
            rows=found.n,
            baseline=None if found.paired_only else tidy(found.baseline),
            candidate=tidy(found.candidate),
            change=tidy(found.change),
            low=tidy(found.low),
            high=tidy(found.high),
            unit=found.metric.unit,
        )
        for _, dataset, where, found in rows[:MOST_CELLS]
    ]


def _class_row(row: SubgroupRow) -> SubgroupRow:
    """Return the row with the name of the class alone; it is tested as the slice `class = NAME`."""
    return msgspec.structs.replace(row, subgroup=row.subgroup.removeprefix("class = "))


def _timeline(tested: Sequence[slices.Tested]) -> list[TimelineRow]:
    """Return every window of the quality metrics in the order of time."""
    own = [t for t in tested if t.place.found.metric.direction is not Direction.TARGET]
    own.sort(key=lambda t: (t.place.dataset, t.place.found.metric.id, str(t.place.window)))
    return [
        TimelineRow(
            dataset=t.place.dataset,
            window=str(t.place.window),
            metric=t.place.found.metric.id,
            rows=t.place.found.n,
            baseline=tidy(t.place.found.baseline),
            candidate=tidy(t.place.found.candidate),
            low=tidy(t.place.found.low),
            high=tidy(t.place.found.high),
            outcome=t.outcome,
        )
        for t in own[:MOST_TIMELINE]
    ]


def places_of(one: Observed, cut: tuple[str, ...], policy: Regression) -> list[Place]:
    """Return every hunted metric in every cell of a cut that has the minimum of rows for it."""
    table, found = one.tables[cut], []
    for metric in metrics_of(policy):
        if not metric.hunted or not table.keys:
            continue
        for place, comparison in compare_cells(metric, one, cut, policy):
            if comparison.n >= policy.minimum_rows:
                where, window = located(table.keys[place], cut)
                found.append(Place(slice=where, window=window, found=comparison, dataset=one.dataset))
    return found


def located(key: tuple[Any, ...], cut: tuple[str, ...]) -> tuple[dict[str, Any], str | None]:
    """Return a cell's slice and window."""
    both = dict(zip(cut, key, strict=True))
    window = both.pop(WINDOW, None)
    return both, None if window is None else str(window)


def _small(cut: tuple[str, ...], table: CellTable, minimum: int) -> list[NotMeasured]:
    what = "windows" if cut == (WINDOW,) else f"slices by {' x '.join(cut)}"
    found = []
    if table.small:
        why = f"{table.small:,} hold fewer than {minimum:,} usable rows each ({table.small_rows:,} rows together)"
        found.append(NotMeasured(what=what, why=why))
    if table.new:
        why = f"{table.new:,} are new in the candidate, with nothing to compare them to"
        found.append(NotMeasured(what=what, why=why))
    return found
