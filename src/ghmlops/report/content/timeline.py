"""Which metrics are drawn over time, and which windows of them: the worst first, and never without what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Direction, Outcome
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.text.blocks import Moment, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.report.content.evidence_tables import Known, Row

HARM = (Outcome.ERROR, Outcome.FAIL, Outcome.WARN)
_SMALLEST, _LARGEST = 1e-6, 1e12


class Series(NamedTuple):
    """One metric of one data set: its drawing, and the rows it is made of in time order."""

    drawn: Timeline
    rows: list[Row]


def series(file: Evidence) -> list[Series]:
    """Return the timelines of the evidence that can be drawn, the worst first."""
    facts = given.known(file)
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in given.listed(file, "timeline").rows:
        grouped.setdefault((given.text(row, "dataset"), given.text(row, "metric")), []).append(row)
    made = [Series(_timeline(*place, rows, facts), rows) for place, rows in grouped.items()]
    return sorted((s for s in made if len(s.drawn.moments) > 1), key=lambda s: _badness(s.drawn))


def _badness(drawn: Timeline) -> tuple[int, ...]:
    """Order by how many windows have each outcome, the worst outcome first."""
    return tuple(-sum(m.outcome is outcome for m in drawn.moments) for outcome in HARM)


def _timeline(dataset: str, metric: str, rows: Iterable[Row], facts: Known) -> Timeline:
    margin, direction = facts.margins.get((dataset, metric)), facts.directions.get(metric)
    return Timeline(
        metric=metric,
        dataset=dataset,
        unit=facts.units.get(metric, ""),
        moments=[moment for row in rows if (moment := _moment(row))],
        floor=margin if direction in (Direction.HIGHER, Direction.TARGET) else None,
        ceiling=margin if direction in (Direction.LOWER, Direction.TARGET) else None,
    )


def _moment(row: Row) -> Moment | None:
    window, baseline, candidate = (
        given.text(row, "window"),
        given.figure(row, "baseline"),
        given.figure(row, "candidate"),
    )
    if not window or baseline is None or candidate is None or max(abs(baseline), abs(candidate)) > _LARGEST:
        return None
    low, high = given.figure(row, "low"), given.figure(row, "high")
    return Moment(window, baseline, candidate, low, high, given.outcome(row) or Outcome.PASS)


def harmed(drawn: Timeline) -> bool:
    """True where a window of it failed, or is to be looked at."""
    return any(moment.outcome in HARM for moment in drawn.moments)


def thinned(moments: Sequence[Moment], most: int) -> list[Moment]:
    """Return at most `most` moments evenly over time; those that tell of harm stay, however many they are."""
    harm = {place for place, moment in enumerate(moments) if moment.outcome in HARM}
    others = [place for place in range(len(moments)) if place not in harm]
    room = max(most - len(harm), 0)
    if len(others) > room:
        others = [others[(2 * number + 1) * len(others) // (2 * room)] for number in range(room)]
    return [moments[place] for place in sorted({*harm, *others})]


def bounds(values: Sequence[float]) -> tuple[float, float] | None:
    """Return an axis around the values, a little wider than they reach; `None` where they give no scale."""
    low, high = min(values), max(values)
    if not max(abs(low), abs(high)) < _LARGEST or (high == low and abs(high) < _SMALLEST):
        return None
    room = max(0.06 * (high - low), 1e-3 * max(abs(low), abs(high)), _SMALLEST)
    return low - room, high + room
