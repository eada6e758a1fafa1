"""Control of false alarms over several targets: a metric fails on a target only if Holm's method confirms its loss.

Each target has its own test, so without a correction twenty targets would fail by chance twenty times as often as one.
A pass needs no correction, because all targets have to pass. Source: Holm (1979), Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.model import Outcome
from ghmlops.core.policy.targets import split_scope
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.predictions.ruling import Comparison, Ruling
from ghmlops.core.stats.multiplicity import holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TargetComparisons(msgspec.Struct, frozen=True, kw_only=True):
    """The comparisons of several targets over all rows, before they are judged."""

    by_scope: Mapping[str, Sequence[Comparison]]
    """By the name of data set and target (`scope_name`)."""
    adjusted: Mapping[tuple[str, str], float]
    """By scope and metric id: p-value after Holm's method over the targets of the data set; only defined ones."""


def adjust_over_targets(by_scope: Mapping[str, Sequence[Comparison]]) -> TargetComparisons:
    """Return the comparisons with their adjusted p-values: for each data set and metric, one family of all targets.

    A target whose p-value is undefined counts as a test.
    """
    families: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for scope, comparisons in by_scope.items():
        for comparison in comparisons:
            family = families.setdefault((split_scope(scope)[0], comparison.metric.id), [])
            family.append((scope, comparison.p))
    adjusted: dict[tuple[str, str], float] = {}
    for (_, metric), members in families.items():
        p = holm(np.array([1.0 if math.isnan(p) else p for _, p in members], dtype=np.float64))
        adjusted |= {
            (scope, metric): float(value) for (scope, own), value in zip(members, p, strict=True) if not math.isnan(own)
        }
    return TargetComparisons(by_scope=by_scope, adjusted=adjusted)


def limit_by_holm(ruling: Ruling, adjusted: float | None) -> Ruling:
    """Return the ruling, `inconclusive` in place of a failure that Holm's method over the targets does not confirm.

    A metric without a p-value, such as churn with a margin, is judged by its exact interval alone.
    """
    if ruling.outcome is not Outcome.FAIL or adjusted is None or adjusted <= ALPHA:
        return ruling
    return Ruling(Outcome.INCONCLUSIVE, ruling.basis)
