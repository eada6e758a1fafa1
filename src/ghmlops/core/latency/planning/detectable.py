"""What the plan of a paired run can decide: the smallest change that it detects, from its length and a dispersion.

The log ratios of the pairs are taken as normal, with the spread of a pilot. The e-process then grows by a sum of
independent terms, whose mean and variance are integrals over that distribution (Gauss-Hermite quadrature); the smallest
detectable change is the one for which the sum exceeds the threshold with the probability `POWER`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    FAIL_E,
    MIN_PAIRS_TO_FAIL,
    MIN_PAIRS_TO_PASS,
    PASS_E,
    POWER_Z,
    TYPICAL_SPREAD,
)
from ghmlops.core.latency.duet import planned_pairs, robust_sd, stakes_of
from ghmlops.core.latency.e_process import log_increments, log_mixture
from ghmlops.core.policy.latency import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.latency.duet import Duet
    from ghmlops.core.latency.e_process import Stakes
    from ghmlops.core.policy.latency import Arrivals, LatencyMargin

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_MAX_CHANGE = math.log(10.0)
"""Log ratio beyond which a change is not searched."""
_STEPS = 40
"""Halvings of the bisection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispersion:
    """Noise of one quantile.

    Attributes:
        sd: Standard deviation of the log ratio of a pair.
        unit: Unit by which the e-process divides it.
    """

    sd: float
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectable:
    """What a number of pairs of blocks can decide for one quantile.

    Attributes:
        change: Smallest relative change of this quantile alone that fails with a probability of 90 %, before the run
            passes; `None` if no change up to ten times the baseline does.
        passes: Whether equal arms pass with this probability.
        pairs: Pairs that equal arms need to pass with this probability; `None` if more than `MAX_SEARCHED_PAIRS` do not
            suffice.
    """

    change: float | None
    passes: bool
    pairs: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """When an e-process decides, and with which probability: standard score `z`, 90 % for `POWER_Z`."""

    stakes: Stakes
    threshold: float
    z: float = POWER_Z


MAX_SEARCHED_PAIRS = 10_000
"""Pairs up to which the length that a pass needs is searched."""


def plan_pairs(arrivals: Arrivals) -> int:
    """Return the number of pairs of blocks that a plan has, with its extension if it can be extended."""
    requests = int(arrivals.rate * arrivals.duration + 1e-9)
    return requests // BLOCK_SIZE if arrivals.shaped else 2 * planned_pairs(requests)


def typical_dispersion() -> dict[str, Dispersion]:
    """Return the dispersion of the noise model of verdict_latency, for a plan before any measurement."""
    return {name: Dispersion(sd=sd, unit=unit) for name, (sd, unit) in TYPICAL_SPREAD.items()}


def pilot_dispersion(duet: Duet) -> dict[str, Dispersion]:
    """Return the dispersion in the pairs so far; at least two are required."""
    return {
        name: Dispersion(sd=max(robust_sd(duet.log_ratios[name]), 1e-6), unit=float(np.median(duet.units(name))))
        for name in QUANTILES
    }


def detectable(
    pairs: int, margins: Mapping[str, LatencyMargin], dispersion: Mapping[str, Dispersion]
) -> dict[str, Detectable]:
    """Return what `pairs` pairs of blocks can decide, by quantile.

    Args:
        pairs: Number of pairs.
        margins: Margins of the policy by quantile.
        dispersion: Noise by quantile.
    """
    return {name: _detectable(name, pairs, margins[name], dispersion[name]) for name in QUANTILES}


def _detectable(name: str, pairs: int, margin: LatencyMargin, noise: Dispersion) -> Detectable:
    to_fail, to_pass = (
        _Rule(stakes=stakes, threshold=threshold)
        for stakes, threshold in zip(stakes_of(name), (FAIL_E, PASS_E), strict=True)
    )
    m0, m1 = math.log1p(margin.fail), math.log1p(margin.safe)

    def fails(change: float) -> bool:
        beyond, within = change - m0, m1 - change
        count = _first(MIN_PAIRS_TO_FAIL, pairs, lambda n: _decides(n, beyond, noise, to_fail))
        # A change below the safe limit may pass first.
        return count is not None and not _decides(count, within, noise, replace(to_pass, z=-POWER_Z))

    def passes(count: int) -> bool:
        return count >= MIN_PAIRS_TO_PASS and _decides(count, m1, noise, to_pass)

    low, high = m0, _MAX_CHANGE
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return Detectable(
        change=math.expm1(high) if fails(high) else None,
        passes=passes(pairs),
        pairs=_first(MIN_PAIRS_TO_PASS, MAX_SEARCHED_PAIRS, passes),
    )


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Return the smallest number from `low` to `high` for which `holds`, which stays true; `None` if it never does."""
    if high < low or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _decides(pairs: int, shift: float, noise: Dispersion, rule: _Rule) -> bool:
    """Return whether the e-process decides within `pairs` pairs, with the probability of the rule.

    Args:
        pairs: Number of pairs.
        shift: Mean of the log ratio beyond the margin that is tested.
        noise: Noise of the log ratio.
        rule: When the e-process decides.
    """
    terms = log_increments((shift + noise.sd * _NODES) / noise.unit, rule.stakes)
    weights = _WEIGHTS / _WEIGHTS.sum()
    mean = weights @ terms
    sd = np.sqrt(np.maximum(weights @ terms**2 - mean**2, 0.0))
    sums = pairs * mean - rule.z * math.sqrt(pairs) * sd
    return bool(log_mixture(sums[np.newaxis], rule.stakes) >= math.log(rule.threshold))
