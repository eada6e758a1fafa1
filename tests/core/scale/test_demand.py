"""Demand that counts, and every reason why it does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.scale.demand import Problem, Rules, Sample, level, make_series
from scaled_service import DAY, LABELS, NOW, RULES, STEP, daily, judged, series_of

if TYPE_CHECKING:
    from collections.abc import Callable


def changed(samples: list[Sample], places: slice, change: Callable[[Sample], Sample]) -> list[Sample]:
    """Return samples of which some are changed."""
    result = list(samples)
    result[places] = [change(sample) for sample in samples[places]]
    return result


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (daily(), None),
        (daily()[:-2], None),
        ([], Problem.MISSING),
        (daily()[:-5], Problem.STALE),
        ([*daily()[:-12], *daily()[-9:]], Problem.HOLES),
        (changed(daily(), slice(-3, -2), lambda s: Sample(s.time, math.nan)), Problem.NOT_A_NUMBER),
        (changed(daily(), slice(-3, -2), lambda s: Sample(s.time, None)), Problem.NOT_A_NUMBER),
        (changed(daily(), slice(-3, -2), lambda s: Sample(s.time, math.inf)), Problem.NOT_A_NUMBER),
        (changed(daily(), slice(-3, -2), lambda s: Sample(math.nan, s.value)), Problem.NOT_A_NUMBER),
        (changed(daily(), slice(-3, -2), lambda s: Sample(-1e308, s.value)), Problem.NOT_A_NUMBER),
        (changed(daily(), slice(-3, -2), lambda s: Sample(s.time, -1.0)), Problem.NEGATIVE),
        ([*daily(), Sample(NOW + DAY, 1.0)], Problem.FUTURE),
        (changed(daily(), slice(-6, None), lambda s: Sample(s.time, 1.0)), Problem.COLLAPSED),
        (changed(daily(), slice(-6, None), lambda s: Sample(s.time, (s.value or 0.0) / 2.0)), None),
    ],
)
def test_each_problem(samples: list[Sample], problem: Problem | None) -> None:
    """Data that is absent, old, damaged or implausible is named; a lower demand counts."""
    assert judged(samples).problem is problem


def test_damage_in_the_past_does_not_hide_the_present() -> None:
    """A value that is no number days ago is a hole there, and no reason now."""
    series = judged(changed(daily(), slice(100, 110), lambda s: Sample(s.time, math.nan)))
    assert series.problem is None
    assert np.isnan(series.rates).sum() == 10


def without(samples: list[Sample], *days: int, left: float = 0.0) -> list[Sample]:
    """Return samples with only a share of the demand in the two hours before this time of past days; 0: today."""
    return [
        Sample(s.time, (s.value or 0.0) * left) if any(0 <= NOW - day * DAY - s.time < 7200 for day in days) else s
        for s in samples
    ]


@pytest.mark.parametrize("day", [1, 2, 5])
@pytest.mark.parametrize("left", [0.0, 0.01])
def test_one_outage_of_the_past_hides_no_other_one(day: int, left: float) -> None:
    """Whether all or almost all demand was gone at this time of one day."""
    assert judged(without(daily(), 0, day, left=left)).problem is Problem.COLLAPSED
    assert judged(without(daily(), day, left=left)).problem is None


def test_a_service_that_rests_at_times_does_not_collapse() -> None:
    """At this time on two other days, or a week ago, the demand was as low."""
    assert judged(without(daily(), 0, 2, 4)).problem is None
    rules = Rules(step=STEP, period=DAY, history=14 * DAY, stale=900.0, labels={})
    two_weeks = daily(14.0)
    for days, problem in (((0, 7), None), ((0, 6), Problem.COLLAPSED), ((0, 13), Problem.COLLAPSED)):
        assert make_series(without(two_weeks, *days), {}, rules, NOW).problem is problem


def test_one_outage_hides_no_other_one_of_a_weekly_period() -> None:
    """A week ago is then one of several periods."""
    rules = Rules(step=STEP, period=7 * DAY, history=42 * DAY, stale=900.0, labels={})
    assert make_series(without(daily(42.0), 0, 7), {}, rules, NOW).problem is Problem.COLLAPSED


def test_a_foreign_series() -> None:
    """Other labels are another service, whatever the values are."""
    for labels in ({}, {"app": "shop"}):
        assert make_series(daily(), labels, RULES, NOW).problem is Problem.FOREIGN
    rules = Rules(step=STEP, period=DAY, history=DAY, stale=900.0, labels={})
    assert make_series(daily(), LABELS, rules, NOW).problem is None


def test_the_level_is_the_mean_of_the_last_hour() -> None:
    """Missing intervals do not count as 0."""
    rates = np.concatenate([np.full(20, 9.0), np.array([np.nan, 4.0] * 6)])
    assert level(series_of(rates)) == 4.0


def test_the_past_of_a_series() -> None:
    """`until` removes the newest intervals."""
    series = series_of(np.arange(5.0))
    assert series.until(2).rates.tolist() == [0.0, 1.0, 2.0]
    assert series.until(2).end == 3 * STEP
    assert series.until(0) is series
