"""Demand over time: rates per interval, and why they do not count."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.scale.constants import DROP, LEVEL_SECONDS, MAX_HOLES, MIN_PERIODS, WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FAR = 1e15
"""Seconds since 1970 later than any time of a sample; the same in the past."""


class Problem(StrEnum):
    """Why a demand does not count."""

    MISSING = "missing"
    STALE = "stale"
    HOLES = "holes"
    NOT_A_NUMBER = "not-a-number"
    NEGATIVE = "negative"
    FUTURE = "future"
    FOREIGN = "foreign"
    COLLAPSED = "collapsed"


class Sample(NamedTuple):
    """A raw value: end of its interval (seconds since the epoch), and requests per second; `None` or NaN: no number."""

    time: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Requests per second in intervals of one length, without holes in the index.

    Attributes:
        end: end of the last interval, seconds since the epoch.
        step: seconds of an interval.
        rates: requests per second of each interval, NaN without a value, shape (intervals,).
        problem: why the series does not count; `None` if it does.
        detail: what shows the problem, for a message.
    """

    end: float
    step: float
    rates: NDArray[np.float64]
    problem: Problem | None = None
    detail: str = ""

    def until(self, intervals_back: int) -> Series:
        """Return the series as it was a number of intervals ago."""
        if not intervals_back:
            return self
        return Series(
            end=self.end - intervals_back * self.step,
            step=self.step,
            rates=self.rates[: len(self.rates) - intervals_back],
        )

    def intervals(self, seconds: float) -> int:
        """Return how many intervals a time has, at least one."""
        return max(1, int(np.ceil(seconds / self.step - 1e-9)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What makes a series count.

    Attributes:
        step: seconds of an interval.
        period: seconds after which the demand repeats itself.
        history: seconds that are read.
        stale: age in seconds beyond which the newest interval says nothing about now.
        labels: labels that the source must have.
    """

    step: float
    period: float
    history: float
    stale: float
    labels: Mapping[str, str]


def make_series(samples: Sequence[Sample], labels: Mapping[str, str], rules: Rules, now: float) -> Series:
    """Return the series of raw samples, with the first problem that makes it not count.

    Args:
        samples: raw samples in any order; of equal times the later element counts.
        labels: labels that the source has.
        rules: what makes the series count.
        now: current time in seconds since the epoch.
    """
    step = rules.step
    wrong = [
        f"{name}={labels.get(name, 'absent')!r}" for name, value in rules.labels.items() if labels.get(name) != value
    ]
    last = int(now // step)
    first = last - max(1, int(rules.history // step)) + 1
    rates = np.full(last - first + 1, np.nan)
    bad = {Problem.NOT_A_NUMBER: 0, Problem.NEGATIVE: 0, Problem.FUTURE: 0}
    recent = now - LEVEL_SECONDS
    for time, value in samples:
        if not abs(time) < FAR:
            bad[Problem.NOT_A_NUMBER] += 1
            continue
        if time > now + step:
            bad[Problem.FUTURE] += 1
            continue
        place = round(time / step) - first
        if not 0 <= place < len(rates):
            continue
        if value is None or not np.isfinite(value):
            bad[Problem.NOT_A_NUMBER] += time > recent
        elif value < 0:
            bad[Problem.NEGATIVE] += time > recent
        else:
            rates[place] = value
    series = Series(end=last * step, step=step, rates=rates)
    if wrong:
        return _with(series, Problem.FOREIGN, f"the series has {', '.join(wrong)}")
    for problem, count in bad.items():
        if count:
            return _with(series, problem, f"{count:,} values")
    return judge(series, rules, now)


def judge(series: Series, rules: Rules, now: float) -> Series:
    """Return a series of valid values without what is missing at its end, or with the reason why it does not count."""
    present = np.flatnonzero(np.isfinite(series.rates))
    if not len(present):
        return _with(series, Problem.MISSING, "no interval has a value")
    newest = series.end - (len(series.rates) - 1 - int(present[-1])) * series.step
    if now - newest > rules.stale:
        return _with(series, Problem.STALE, f"the newest value is {now - newest:.0f} s old")
    # What is missing at the end only because its interval has just ended is no hole.
    complete = Series(end=newest, step=series.step, rates=series.rates[: int(present[-1]) + 1])
    window = complete.rates[-complete.intervals(LEVEL_SECONDS) :]
    holes = int(np.count_nonzero(~np.isfinite(window)))
    if holes > MAX_HOLES * len(window):
        return _with(complete, Problem.HOLES, f"{holes:,} of the last {len(window):,} intervals have no value")
    if floor := collapse(complete, rules.period):
        return _with(
            complete, Problem.COLLAPSED, f"{level(complete):.4g}/s, and usually not below {floor:.4g}/s at this time"
        )
    return complete


def _with(series: Series, problem: Problem, detail: str) -> Series:
    return Series(end=series.end, step=series.step, rates=series.rates, problem=problem, detail=detail)


def level(series: Series) -> float:
    """Return the mean of the last hour in requests per second; NaN without a value."""
    return mean(series.rates[-series.intervals(LEVEL_SECONDS) :])


def mean(rates: NDArray[np.float64]) -> float:
    """Return the mean of the values that are present; NaN without any."""
    present = rates[np.isfinite(rates)]
    return float(present.mean()) if len(present) else float("nan")


def collapse(series: Series, period: float) -> float:
    """Return the usual low level at the same phase of the past periods if the demand fell far below it; otherwise 0.

    A demand that collapses is an incident of whatever sends it, and comes back at once when that ends. The lowest past
    level does not count, since it may be such an incident itself; that of a week ago does, for services that rest on
    some days.
    """
    per_period, width, week = series.intervals(period), series.intervals(LEVEL_SECONDS), series.intervals(WEEK)
    count = len(series.rates)
    levels: dict[int, float] = {}
    for end in range(count - per_period, width - 1, -per_period):
        past = mean(series.rates[end - width : end])
        if np.isfinite(past):
            levels[count - end] = past
    if len(levels) < MIN_PERIODS:
        return 0.0
    usual = sorted(levels.values())[1]
    if per_period < week:
        usual = min(usual, levels.get(week, usual))
    # The last few intervals show a collapse an hour before the mean of the hour does.
    newest = series.rates[-min(width, 5) :]
    return usual if mean(newest) < DROP * usual else 0.0
