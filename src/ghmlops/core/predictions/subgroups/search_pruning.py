"""Pruning of the slice search: slices whose regression another slice explains are removed.

A pair of values stays if it is worse than the rest of each of its two values. A single value stays if what is left of
it, without the worse pairs inside it and without its overlap with worse values of other columns, is worse as well.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ghmlops.core.predictions.constants import ALPHA, MIN_REST_VARIANCE
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.family import SubgroupTest
from ghmlops.core.predictions.subgroups.onset import smoothed_error
from ghmlops.core.stats import special

Item = tuple[str, object]
"""A column and its value."""
Items = frozenset[Item]
"""The items of a slice: one for a single value, two for a pair."""
Series = tuple[str, str]
"""Data set and metric id; slices are compared within a series only."""
Index = Mapping[Series, Mapping[Items, Subgroup]]
"""Subgroups by series and items."""
ALL_ROWS: Items = frozenset()


class Part(NamedTuple):
    """A set of rows with its loss, treated as a mean over the rows."""

    n: float
    """Number of rows, or sum of their weights."""
    loss: float
    error: float
    """Standard error of the loss."""
    min_total_error: float = 0.0
    """Smallest value of `n * error`: that of one row for ratios, because no discordant row does not mean that none can
    occur."""
    row: float = 1.0
    """Weight of one row: the mean, weighted by itself."""


def excess_loss(comparison: Comparison) -> float:
    """Return rows times the loss beyond the margin, in multiples of the margin, so that metrics can be ranked together.

    If the margin is 0, the unit is the standard deviation of a row's change.
    """
    margin = comparison.margin or 0.0
    unit = margin if margin > 0 else smoothed_error(comparison) * math.sqrt(comparison.evidence_rows)
    return comparison.mass * (comparison.loss - margin) / unit if unit > 0 else math.inf


def subtract_parts(total: Part, parts: Sequence[Part]) -> Part | None:
    """Return `total` without disjoint parts of it, or None if no row is left.

    The result is exact for means over independent rows; other metrics are treated as if they were such means. Since
    the variances of clusters and of other metrics do not add up, the variance per row of the rest is at least
    `MIN_REST_VARIANCE` times that of the total.
    """
    n = total.n - sum(part.n for part in parts)
    if n < total.row:
        return None
    loss = (total.n * total.loss - sum(part.n * part.loss for part in parts)) / n
    total_square = (total.n * total.error) ** 2
    square = total_square - sum((part.n * part.error) ** 2 for part in parts)
    square = max(square, MIN_REST_VARIANCE * total_square * n / total.n, total.min_total_error**2)
    return Part(n, loss, math.sqrt(square) / n, total.min_total_error, total.row)


def index_subgroups(subgroups: Sequence[Subgroup]) -> dict[Series, dict[Items, Subgroup]]:
    """Return the subgroups by series and items; undefined ones are left out, because they cannot explain another."""
    index: dict[Series, dict[Items, Subgroup]] = {}
    for subgroup in subgroups:
        if math.isfinite(subgroup.comparison.loss) and math.isfinite(subgroup.comparison.error):
            index.setdefault(_series(subgroup), {})[_items(subgroup)] = subgroup
    return index


def _series(subgroup: Subgroup) -> Series:
    return subgroup.dataset, subgroup.comparison.metric.id


def _items(subgroup: Subgroup) -> Items:
    return frozenset(subgroup.slice.items())


def _part(subgroup: Subgroup) -> Part:
    comparison = subgroup.comparison
    row = comparison.mass / comparison.evidence_rows if comparison.evidence_rows > 0 else 1.0
    min_total_error = row if comparison.metric.unit == "ratio" else 0.0
    return Part(comparison.mass, comparison.loss, smoothed_error(comparison), min_total_error, row)


def p_worse_than_rest(subgroups: Sequence[Subgroup], index: Index) -> NDArray[np.float64]:
    """Return the one-sided p-value of each subgroup against "no worse than the rest of all rows", by a normal tail.

    Shape (len(subgroups),); 0 if the index has no entry for all rows, so that this claim is not tested.
    """
    return np.array([special.ndtr(-_z_worse_than_rest(s, index.get(_series(s), {}).get(ALL_ROWS))) for s in subgroups])


def prune(flagged_tests: Sequence[SubgroupTest], index: Index) -> list[SubgroupTest]:
    """Return the tests of those subgroups whose regression no other subgroup explains.

    A pair is compared with each of its values at `ALPHA` divided by the number of pairs with that value; what is left
    of a single value is tested at `ALPHA` divided by the number of flagged subgroups (Bonferroni).

    Args:
        flagged_tests: Tests of the subgroups that fail or warn.
        index: All defined subgroups, as `index_subgroups` returns them.
    """
    z = float(special.ndtri(1.0 - ALPHA / max(len(flagged_tests), 1)))
    pair_counts = {
        series: Counter(item for items in subgroups if len(items) > 1 for item in items)
        for series, subgroups in index.items()
    }
    candidates = [test for test in flagged_tests if _worse_than_its_values(test.subgroup, index, pair_counts)]
    survivors: dict[Series, set[Items]] = {_series(test.subgroup): set() for test in candidates}
    singles = []
    for test in candidates:
        if len(test.subgroup.slice) > 1:
            survivors[_series(test.subgroup)].add(_items(test.subgroup))
        else:
            singles.append(test)
    # Values with the largest loss come first, so that they explain those that merely overlap with them.
    for test in sorted(singles, key=lambda test: -excess_loss(test.subgroup.comparison)):
        series = _series(test.subgroup)
        if not _is_explained(test.subgroup, survivors[series], index[series], z):
            survivors[series].add(_items(test.subgroup))
    return [test for test in candidates if _items(test.subgroup) in survivors[_series(test.subgroup)]]


def _worse_than_its_values(subgroup: Subgroup, index: Index, pair_counts: Mapping[Series, Mapping[Item, int]]) -> bool:
    """Return whether the loss of a pair is larger than in the rest of each of its values; True for single values."""
    series = _series(subgroup)
    if len(subgroup.slice) < 2 or series not in index:
        return True
    for item in _items(subgroup):
        z = float(special.ndtri(1.0 - ALPHA / max(pair_counts[series].get(item, 1), 1)))
        if not _z_worse_than_rest(subgroup, index[series].get(frozenset({item}))) > z:
            return False
    return True


def _z_worse_than_rest(subgroup: Subgroup, total: Subgroup | None) -> float:
    """Return by how many standard errors the loss exceeds that in the rest of `total`; infinite if `total` is None."""
    if total is None:
        return math.inf
    part = _part(subgroup)
    rest = subtract_parts(_part(total), [part])
    if rest is None:
        return -math.inf
    error = math.hypot(part.error, rest.error)
    if error > 0:
        return (part.loss - rest.loss) / error
    return math.inf if part.loss > rest.loss else -math.inf


def _is_explained(subgroup: Subgroup, survivors: Set[Items], subgroups: Mapping[Items, Subgroup], z: float) -> bool:
    """Return whether what is left of a single value is harmless after its surviving parts along one column are removed.

    Removed are the surviving pairs inside the value, and its overlap with surviving values of the other column.
    """
    part, items = _part(subgroup), _items(subgroup)
    parts_by_column: dict[str, dict[Items, Part]] = {}
    for other in survivors:
        overlap = items | other
        if len(overlap) == 2 and overlap in subgroups:
            ((column, _),) = overlap - items
            parts_by_column.setdefault(column, {})[overlap] = _part(subgroups[overlap])
    for parts in parts_by_column.values():
        rest = subtract_parts(part, list(parts.values()))
        if rest is None or not rest.loss > max(subgroup.comparison.margin or 0.0, z * rest.error):
            return True
    return False
