"""Harm told once: places that only repeat what another place tells are left out of a slice search.

A pair is told when it is worse than the rest of what it is part of; a single attribute's value when what is left of it,
without the worse pairs inside and the worse values across it, is harmful too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.ruling import ALPHA, Comparison
from ghmlops.core.predictions.subgroups.family import Tested
from ghmlops.core.predictions.subgroups.onset import smoothed_error

Item = tuple[str, object]
Items = frozenset[Item]
Series = tuple[str, str]
"""Data set and metric id."""
ALL: Items = frozenset()
_LEAST = 0.1


class Part(NamedTuple):
    """A set of rows and their loss, taken as a mean over the rows."""

    n: float
    loss: float
    error: float
    least: float = 0.0
    """Least `n * error`: 1 for shares, where rows without a single change say less than that nothing can change."""


def harm(found: Comparison) -> float:
    """Return the score: rows times the loss beyond the margin, in margins, so that metrics can be ranked together.

    With a margin of 0 in standard deviations of a row's change.
    """
    margin = found.margin or 0.0
    unit = margin if margin > 0 else smoothed_error(found) * math.sqrt(found.n)
    return found.n * (found.loss - margin) / unit if unit > 0 else math.inf


def without(whole: Part, parts: Sequence[Part]) -> Part | None:
    """Return `whole` without disjoint parts of it; None where no row is left.

    Exact for means over independent rows; other metrics are treated as if they were one. Because clusters and other
    metrics do not add up, the rest is never taken to vary less than a tenth as much, a row, as the whole.
    """
    n = whole.n - sum(part.n for part in parts)
    if n < 1:
        return None
    loss = (whole.n * whole.loss - sum(part.n * part.loss for part in parts)) / n
    total = (whole.n * whole.error) ** 2
    square = total - sum((part.n * part.error) ** 2 for part in parts)
    return Part(n, loss, math.sqrt(max(square, _LEAST * total * n / whole.n, whole.least**2)) / n, whole.least)


def index(places: Sequence[Place]) -> dict[Series, dict[Items, Place]]:
    """Find places by what they are; those that are undefined cannot explain another."""
    known: dict[Series, dict[Items, Place]] = {}
    for place in places:
        if math.isfinite(place.found.loss) and math.isfinite(place.found.error):
            known.setdefault(_series(place), {})[_items(place)] = place
    return known


def _series(place: Place) -> Series:
    return place.dataset, place.found.metric.id


def _items(place: Place) -> Items:
    return frozenset(place.slice.items())


def _part(place: Place) -> Part:
    found = place.found
    return Part(float(found.n), found.loss, smoothed_error(found), 1.0 if found.metric.unit == "ratio" else 0.0)


def p_worse(places: Sequence[Place], known: Mapping[Series, Mapping[Items, Place]]) -> NDArray[np.float64]:
    """Return, a place, the one-sided p-value against "no worse than the rest of all rows", shape (len(places),).

    0 where all rows are not in `known`, so that nothing is claimed. Normal tail.
    """
    return np.array([special.ndtr(-_apart(place, known.get(_series(place), {}).get(ALL))) for place in places])


def pruned(harmful: Sequence[Tested], known: Mapping[Series, Mapping[Items, Place]]) -> list[Tested]:
    """Return the places that are needed to tell the harm.

    A pair is held against its two attributes at `ALPHA` over all pairs of each; what is left of an attribute at `ALPHA`
    over all of `harmful`.
    """
    z = float(special.ndtri(1.0 - ALPHA / max(len(harmful), 1)))
    pairs = {series: Counter(i for items in own if len(items) > 1 for i in items) for series, own in known.items()}
    apart = [one for one in harmful if _stands_out(one.place, known, pairs)]
    chosen: dict[Series, set[Items]] = {_series(one.place): set() for one in apart}
    singles = []
    for one in apart:
        if len(one.place.slice) > 1:
            chosen[_series(one.place)].add(_items(one.place))
        else:
            singles.append(one)
    for one in sorted(singles, key=lambda one: -harm(one.place.found)):
        own = chosen[_series(one.place)]
        if not _explained(one.place, own, known[_series(one.place)], z):
            own.add(_items(one.place))
    return [one for one in apart if _items(one.place) in chosen[_series(one.place)]]


def _stands_out(
    place: Place, known: Mapping[Series, Mapping[Items, Place]], pairs: Mapping[Series, Mapping[Item, int]]
) -> bool:
    """Is the loss of a pair larger than in the rest of each of its attributes?"""
    series = _series(place)
    if len(place.slice) < 2 or series not in known:
        return True
    for item in _items(place):
        z = float(special.ndtri(1.0 - ALPHA / max(pairs[series].get(item, 1), 1)))
        if not _apart(place, known[series].get(frozenset({item}))) > z:
            return False
    return True


def _apart(place: Place, whole: Place | None) -> float:
    """Return by how many standard errors the loss is larger than in the rest of `whole`; infinite without one."""
    if whole is None:
        return math.inf
    own = _part(place)
    rest = without(_part(whole), [own])
    if rest is None:
        return -math.inf
    spread = math.hypot(own.error, rest.error)
    return (own.loss - rest.loss) / spread if spread > 0 else math.inf if own.loss > rest.loss else -math.inf


def _explained(place: Place, chosen: Set[Items], known: Mapping[Items, Place], z: float) -> bool:
    """Is what is left of a single attribute's place harmless, once it is cut along another attribute?

    Cut away are the chosen pairs inside the place, and where it crosses chosen values of the other attribute.
    """
    own, items = _part(place), _items(place)
    cuts: dict[str, dict[Items, Part]] = {}
    for other in chosen:
        crossing = items | other
        if len(crossing) == 2 and crossing in known:
            ((column, _),) = crossing - items
            cuts.setdefault(column, {})[crossing] = _part(known[crossing])
    for parts in cuts.values():
        rest = without(own, list(parts.values()))
        shown = rest is not None and rest.loss > max(place.found.margin or 0.0, z * rest.error)
        if not shown:
            return True
    return False
