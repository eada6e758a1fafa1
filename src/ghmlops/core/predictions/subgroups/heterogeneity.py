"""Is a change the same in every window, and in every data set? Cochran's Q, where harm is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions.findings import describe_change
from ghmlops.core.predictions.subgroups.family import BLOCK, DOCS
from ghmlops.core.predictions.subgroups.onset import onset, smoothed_error
from ghmlops.core.stats import cochran

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.predictions.place import Place


def windows_uneven(places: Sequence[Place]) -> list[Finding]:
    """Ask, for each quality metric and data set, whether the change is the same in every window.

    Some window must be beyond the margin too: a change that differs from window to window without harm is no finding.
    The level is shared out among all metrics and data sets.
    """
    series: dict[tuple[str, str], list[Place]] = {}
    for place in _quality(places):
        series.setdefault((place.dataset, place.found.metric.id), []).append(place)
    found = [_uneven(own, "window", len(series)) for own in series.values()]
    return [one for one in found if one is not None]


def datasets_uneven(places: Sequence[Place]) -> list[Finding]:
    """Ask the same between data sets; `places` hold the comparisons over all rows of each."""
    series: dict[str, list[Place]] = {}
    for place in _quality(places):
        series.setdefault(place.found.metric.id, []).append(place)
    found = [_uneven(own, "data set", len(series)) for own in series.values()]
    return [one for one in found if one is not None]


def _quality(places: Sequence[Place]) -> list[Place]:
    return [p for p in places if p.found.metric.direction is not Direction.TARGET and p.found.margin is not None]


_IDS: Mapping[str, str] = {"window": "windows-uneven", "data set": "datasets-uneven"}


def _uneven(own: Sequence[Place], kind: str, tests: int) -> Finding | None:
    result = cochran.heterogeneity(
        np.array([p.found.change for p in own]), np.array([smoothed_error(p.found) for p in own])
    )
    worst = max(own, key=lambda p: p.found.loss if np.isfinite(p.found.loss) else -np.inf)
    beyond = worst.found.margin is not None and worst.found.loss > worst.found.margin
    if not (result.p < BLOCK / tests and beyond):
        return None
    metric = worst.found.metric
    since = onset(own, worst) if kind == "window" else None
    when = f", which is worse {since.when}," if since is not None else ""
    inside = f" of data set {worst.dataset}" if kind == "window" and worst.dataset else ""
    return Finding(
        id=_IDS[kind],
        metric=metric.id,
        outcome=Outcome.WARN,
        reason=(
            f"The change of {metric.title}{when} differs between {len(own):,} {kind}s{inside} more than noise explains "
            f"(Cochran's Q = {result.q:.1f}, p = {result.p:.2g}); the worst is {worst.name}: "
            f"{describe_change(worst.found, 'interval')}, on {worst.found.n:,} rows."
        ),
        docs=DOCS,
        description=f"Is the change the same in every {kind}?",
        dataset=worst.dataset if kind == "window" else "",
        unit=metric.unit,
        direction=metric.direction,
        method=f"Cochran's Q over the {kind}s",
        n=sum(place.found.n for place in own),
    )
