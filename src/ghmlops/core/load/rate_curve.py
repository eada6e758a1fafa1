"""Arrival rate over time: the policy's shaped arrival models as piecewise linear curves."""

from __future__ import annotations

import math
from itertools import pairwise

Curve = tuple[tuple[float, float], ...]
"""Points (time in seconds, rate in requests per second), joined by straight lines.

Times ascend from 0 to the duration. Two points at the same time are a jump.
"""
_WAVE_POINTS = 48
"""Line segments per period of a wave; the rate is off by less than 0.3 % of the amplitude."""


def ramp(duration: float, start: float, end: float) -> Curve:
    """Return a straight line from the rate `start` to the rate `end`."""
    return ((0.0, start), (duration, end))


def steps(duration: float, rates: tuple[float, ...]) -> Curve:
    """Return steps of equal length, one per rate."""
    width = duration / len(rates)
    return tuple(point for k, rate in enumerate(rates) for point in ((k * width, rate), ((k + 1) * width, rate)))


def spike(duration: float, base: float, peak: float, at: float, lasts: float) -> Curve:
    """Return a base rate with one step to a peak and back.

    Args:
        duration: Length of the curve in seconds.
        base: Rate before and after the peak, in requests per second.
        peak: Rate during the peak, in requests per second.
        at: Start of the peak in seconds.
        lasts: Length of the peak in seconds.
    """
    end = at + lasts
    return ((0.0, base), (at, base), (at, peak), (end, peak), (end, base), (duration, base))


def diurnal(duration: float, low: float, high: float, period: float) -> Curve:
    """Return a sinusoidal daily cycle that starts at its low and reaches its high after half a period.

    Args:
        duration: Length of the curve in seconds.
        low: Lowest rate in requests per second.
        high: Highest rate in requests per second.
        period: Length of one cycle in seconds.
    """
    count = max(math.ceil(_WAVE_POINTS * duration / period), 2)
    middle, amplitude = (low + high) / 2, (high - low) / 2
    times = [duration * k / count for k in range(count + 1)]
    # Rounding keeps the schedule identical on machines whose cosine differs in the last bit.
    return tuple((t, round(middle - amplitude * math.cos(2 * math.pi * t / period), 9)) for t in times)


def mean_rate(curve: Curve) -> float:
    """Return the mean rate over the duration of the curve, in requests per second."""
    area = sum((t1 - t0) * (r0 + r1) / 2 for (t0, r0), (t1, r1) in pairwise(curve))
    return area / curve[-1][0]


def truncate(curve: Curve, seconds: float) -> Curve:
    """Return the curve up to `seconds`, or the complete curve if it is shorter."""
    if seconds >= curve[-1][0]:
        return curve
    points = [(t, rate) for t, rate in curve if t <= seconds]
    (t0, r0), (t1, r1) = points[-1], curve[len(points)]
    return (*points, (seconds, r0 + (r1 - r0) * (seconds - t0) / (t1 - t0)))
