"""The course of demand: the policy's shaped arrival models as points of (second, rate) joined by straight lines."""

from __future__ import annotations

import math
from itertools import pairwise

Curve = tuple[tuple[float, float], ...]
"""(second, rate a second), seconds ascending from 0 to the duration; two points at one second are a jump."""
_WAVE_POINTS = 48
"""Straight lines for one period of a wave: the rate is off by less than 0.3 % of the amplitude."""


def ramp(duration: float, start: float, end: float) -> Curve:
    """Return a straight line from one rate to another."""
    return ((0.0, start), (duration, end))


def steps(duration: float, rates: tuple[float, ...]) -> Curve:
    """Return stairs: each rate for an equal part of the duration."""
    width = duration / len(rates)
    return tuple(point for k, rate in enumerate(rates) for point in ((k * width, rate), ((k + 1) * width, rate)))


def spike(duration: float, base: float, peak: float, at: float, lasts: float) -> Curve:
    """Return a base rate with one sudden stay at the peak, from second `at` for `lasts` seconds."""
    end = at + lasts
    return ((0.0, base), (at, base), (at, peak), (end, peak), (end, base), (duration, base))


def diurnal(duration: float, low: float, high: float, period: float) -> Curve:
    """Return a wave as of a day: from the low at 0 to the high after half a period and back, again and again."""
    count = max(math.ceil(_WAVE_POINTS * duration / period), 2)
    middle, swing = (low + high) / 2, (high - low) / 2
    times = [duration * k / count for k in range(count + 1)]
    # Rounded, so that the last bit of another machine's cosine makes no other schedule.
    return tuple((t, round(middle - swing * math.cos(2 * math.pi * t / period), 9)) for t in times)


def mean_rate(curve: Curve) -> float:
    """Return the mean rate over the curve's duration."""
    area = sum((t1 - t0) * (r0 + r1) / 2 for (t0, r0), (t1, r1) in pairwise(curve))
    return area / curve[-1][0]


def cut(curve: Curve, seconds: float) -> Curve:
    """Return the curve up to `seconds`; all of it where it is shorter."""
    if seconds >= curve[-1][0]:
        return curve
    kept = [(t, rate) for t, rate in curve if t <= seconds]
    (t0, r0), (t1, r1) = kept[-1], curve[len(kept)]
    return (*kept, (seconds, r0 + (r1 - r0) * (seconds - t0) / (t1 - t0)))
