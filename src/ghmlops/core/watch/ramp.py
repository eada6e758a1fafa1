"""Slow growth since a deployment, which a reference that moves along cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.watch import constants
from ghmlops.core.watch.residuals import signed_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.watch.series import Series


class Ramp(NamedTuple):
    """Growth since a deployment: place of the point at which it was reported, and the growth in log units.

    `level` is the signed logarithm of the level at the deployment, and `deployed` its time.
    """

    place: int
    growth: float
    level: float
    deployed: float


def find_ramps(series: Series, period: float, deployments: Sequence[float]) -> list[Ramp]:
    """Return the ends of the periods at which the metric has grown since the reference deployment.

    The reference is the newest deployment that is at least `RAMP_AGE_PERIODS` old. A line through the level before it
    is fitted to the medians of the periods since. The standard error assumes independent periods, or follows from the
    differences of successive blocks before the deployment, whichever is larger.

    Args:
        series: the metric.
        period: seconds of the season.
        deployments: times of accepted deployments in seconds, ascending.
    """
    period = max(period, series.step)
    ends, medians = _period_medians(series, period)
    times = series.times[ends]
    ramps = []
    for place, time in enumerate(times):
        age_limit = time - constants.RAMP_AGE_PERIODS * period
        deployed = max((moment for moment in deployments if moment <= age_limit), default=None)
        if deployed is None:
            continue
        start = int(np.searchsorted(times, deployed))
        if start < constants.RAMP_MIN_LEVEL_PERIODS:
            continue
        ages = np.asarray((times[start : place + 1] + period - deployed) / period, np.float64)
        level, growth, error = _slope(medians[:start], medians[start : place + 1], ages)
        if growth > max(np.log1p(constants.RAMP_CHANGE), constants.RAMP_THRESHOLD * error):
            ramps.append(Ramp(int(ends[place]), growth, level, deployed))
    return ramps


def _slope(
    before: NDArray[np.float64], since: NDArray[np.float64], ages: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return level, growth at the last age, and the growth's standard error, of a line through the level.

    Args:
        before: medians of the periods before the deployment, shape (b,).
        since: medians of the periods since, shape (s,).
        ages: age of those in periods, shape (s,).
    """
    noise, wander = _noise(before)
    recent = before[-constants.RAMP_LEVEL_PERIODS :]
    middle = float(np.median(recent))
    clip = constants.RAMP_CLIP * noise
    level = middle + float(np.mean(np.clip(recent - middle, -clip, clip)))
    # One step from a robust slope: a spike is clipped, and a slope is not.
    start = _weighted_median((since - level) / ages, ages**2) * ages
    rises = start + np.clip(since - level - start, -clip, clip)
    squares = float(ages @ ages)
    growth = float(ages @ rises) / squares * float(ages[-1])
    variance = noise**2 * (1.0 / squares + (float(ages.sum()) / squares) ** 2 / len(recent))
    return level, growth, max(float(np.sqrt(variance)) * float(ages[-1]), wander)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2.0)]])


def _period_medians(series: Series, period: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index of the last point of each well covered period, and the median of its signed logarithms."""
    if not len(series.times):
        return np.empty(0, np.int64), np.empty(0)
    periods = series.times // period
    starts = np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
    ends = np.append(starts[1:], len(periods))
    needed = max(1.0, constants.RAMP_COVERAGE * period / series.step)
    covered = ends - starts >= needed
    logs = signed_logs(series)
    bounds = zip(starts[covered], ends[covered], strict=True)
    return (ends[covered] - 1).astype(np.int64), np.array([np.median(logs[a:b]) for a, b in bounds])


def _noise(before: NDArray[np.float64]) -> tuple[float, float]:
    """Return the standard deviations of a period, and of the level from block to block (0 if unknown)."""
    noise = max(constants.MIN_SCALE, 1.4826 * float(np.median(np.abs(np.diff(before)))) / np.sqrt(2.0))
    count = len(before) // constants.RAMP_BLOCK_PERIODS
    if count < constants.RAMP_BLOCKS:
        return noise, 0.0
    blocks = before[len(before) - count * constants.RAMP_BLOCK_PERIODS :].reshape(count, -1)
    return noise, 1.4826 * float(np.median(np.abs(np.diff(np.median(blocks, axis=1))))) / np.sqrt(2.0)
