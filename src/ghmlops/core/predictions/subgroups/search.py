"""Slice search: where the harm sits, among all values of single attributes and all pairs of them.

One family of tests, apart from that of the declared slices. What is found was not asked for in advance, so it warns and
never fails, and it is pruned until each piece of harm is told once: a place has to be worse than the rest of what it is
part of, and what is left of it without the places inside or across it has to be harmful too.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import msgspec

from ghmlops.core.details.regression import SubgroupRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.findings import allowed, describe_change, metric_finding
from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.subgroups.family import MOST_LISTED, NOTE, Family, Tested, correct, subgroup_row
from ghmlops.core.predictions.subgroups.search_pruning import harm, index, p_worse, pruned

DOCS = f"{judge.DOCS}#slice-search"
SHOWN = 0.005
"""Level of Holm's p: half of what blocks a declared slice, because nobody asked for these places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A slice that is told, with the metrics it is worse in, most harm first."""

    ones: Sequence[Tested]

    @property
    def worst(self) -> Tested:
        return self.ones[0]

    @property
    def shown(self) -> bool:
        return any(one.holm <= SHOWN for one in self.ones)


def search(
    places: Sequence[Place],
    *,
    top: int,
    minimum: int,
    overall: Sequence[Place] = (),
    reported: Set[tuple[object, ...]] = frozenset(),
) -> Family:
    """Find the places with most harm.

    Args:
        places: all values of every attribute and of every pair, of at least `minimum` rows, all hunted metrics, all
            data sets. Metrics where any move is harm and those without a margin are not searched.
        top: most findings.
        minimum: for the sentence.
        overall: the same metrics over all rows of each data set: a place has to be worse than the rest of them too, so
            that what is everywhere alike is found nowhere.
        reported: `Place.key` of the declared slices that have a finding of their own; they are not told twice.

    Returns:
        `search-<metric>` (warn) for each of the `top` slices of most harm that Holm shows at `SHOWN`, and
        `search-summary`; the table `searched`, smallest p first. What only Benjamini-Hochberg shows at `NOTE` is
        counted in the summary.
    """
    quality = [p for p in places if p.found.metric.direction is not Direction.TARGET and p.found.margin is not None]
    known = index([*quality, *overall])
    tested = correct(quality, p_worse(quality, known))
    harmful = [one for one in tested if one.outcome is not Outcome.PASS]
    kept = _grouped(pruned(harmful, known))
    told = [one for one in kept if one.shown]
    new = [one for one in told if one.worst.place.key not in reported]
    findings = [_finding(one, len(tested)) for one in new[:top]]
    findings.append(_summary(tested, (kept, told, new), (top, minimum)))
    return Family(
        findings=findings,
        table=_table(tested, harmful, told),
        bad=frozenset(one.worst.place.key for one in new[:top]),
    )


def _grouped(kept: Sequence[Tested]) -> list[_Kept]:
    """Gather the metrics of each slice, the most harm first."""
    by_key: dict[tuple[object, ...], list[Tested]] = {}
    for one in sorted(kept, key=lambda one: -harm(one.place.found)):
        by_key.setdefault(one.place.key, []).append(one)
    return [_Kept(ones=ones) for ones in by_key.values()]


def _finding(kept: _Kept, tests: int) -> Finding:
    worst = next(one for one in kept.ones if one.holm <= SHOWN)
    found, place = worst.place.found, worst.place
    others = [one.place.found.metric.title for one in kept.ones if one is not worst]
    excess = found.n * (found.loss - (found.margin or 0.0))
    size = f", about {excess:,.0f} rows more than the limit" if found.metric.unit == "ratio" else ""
    also = f"; also {' and '.join(others)}" if others else ""
    reason = (
        f"{place.name}: {describe_change(found, 'smallest loss')}, more than the {allowed(found)} allowed{size}; "
        f"{found.n:,} rows; detected by the slice search, Holm p = {worst.holm:.2g} over {tests:,} tests{also}."
    )
    return msgspec.structs.replace(
        metric_finding(found, Outcome.WARN, reason),
        id=f"search-{found.metric.id}",
        dataset=place.dataset,
        slice=dict(place.slice),
        docs=DOCS,
        description="Is there a slice, not declared, in which the candidate is worse?",
        method=f"{found.method}; Holm at {SHOWN:g} over all that was searched, which makes the estimate look worse",
    )


def _summary(
    tested: Sequence[Tested],
    steps: tuple[Sequence[_Kept], Sequence[_Kept], Sequence[_Kept]],
    limits: tuple[int, int],
) -> Finding:
    kept, told, new = steps
    top, minimum = limits
    names = len({one.place.key for one in tested})
    searched = f"Searched {names:,} slices of at least {minimum:,} rows"
    suspected = len(kept) - len(told)
    more = f"; {suspected:,} more are suspected (false-discovery rate of {NOTE:g})" if suspected else ""
    if not names:
        outcome, said = Outcome.WARN, f"No slice has {minimum:,} rows, so none was searched"
    elif told:
        declared = f", {len(told) - len(new):,} of them declared and told above" if len(told) > len(new) else ""
        listed_ = f"; the {top} of most harm are listed" if len(new) > top else ""
        outcome, said = Outcome.WARN, f"{searched}: {len(told):,} tell where the harm sits{declared}{listed_}{more}"
    else:
        outcome, said = Outcome.PASS, f"{searched}: none shown to be worse and worse than the rest{more}"
    return Finding(
        id="search-summary",
        metric="slices",
        outcome=outcome,
        reason=f"{said}.",
        docs=DOCS,
        description="Is there a slice, not declared, in which the candidate is worse?",
        method=f"Holm at {SHOWN:g} warns, over {len(tested):,} tests",
        n=names,
    )


def _table(tested: Sequence[Tested], harmful: Sequence[Tested], told: Sequence[_Kept]) -> list[SubgroupRow]:
    """Return the smallest p-values and all that is told. Harm that something else explains has no outcome."""
    warned = {id(one) for kept in told for one in kept.ones}
    known = {id(one) for one in harmful}
    rest = max(MOST_LISTED - len(warned), 0)
    shown = [one for one in tested if id(one) in warned][:MOST_LISTED]
    shown += [one for one in tested if id(one) not in warned][:rest]
    place = {id(one): i for i, one in enumerate(tested)}
    rows = []
    for one in sorted(shown, key=lambda one: place[id(one)]):
        outcome = Outcome.WARN if id(one) in warned else None if id(one) in known else Outcome.PASS
        rows.append(subgroup_row(one, outcome))
    return rows
