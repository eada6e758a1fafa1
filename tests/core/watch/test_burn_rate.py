"""Burn rates: both windows, coverage, and few requests."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.watch.burn_rate import Counts, burn_onset, burn_rates

STEP, DAYS = 300, 4


def counts(per_interval: int, failed: int, last: int) -> Counts:
    """Return four days of requests, of which `failed` of each of the last intervals failed."""
    n = DAYS * 86_400 // STEP
    failures = np.zeros(n, np.int64)
    failures[n - last :] = failed
    return Counts(
        step=STEP, times=np.arange(n, dtype=np.int64) * STEP, total=np.full(n, per_interval, np.int64), failed=failures
    )


def test_a_rate_is_that_of_both_windows() -> None:
    """2 % of failures for an hour use a budget of .1 % twenty times as fast; the long windows have less."""
    hour, six, days = burn_rates(counts(100, 2, 12), 0.999, DAYS * 86_400)
    assert (round(hour.long_rate, 6), round(hour.short_rate, 6), hour.failures, hour.requests) == (20.0, 20.0, 24, 1200)
    assert (hour.exceeded, hour.proven, hour.measured) == (True, True, True)
    assert (round(six.long_rate, 4), round(six.short_rate, 6), six.exceeded) == (3.3333, 20.0, False)
    assert not days.exceeded


def test_an_hour_that_is_over_does_not_count() -> None:
    """The short window is quiet again."""
    shifted = counts(100, 2, 24)
    shifted.failed[-12:] = 0
    hour, *_ = burn_rates(shifted, 0.999, DAYS * 86_400)
    assert (hour.failures, hour.exceeded) == (0, False)


def test_few_requests_prove_nothing() -> None:
    """One failure of twelve is 83 times the budget, and by chance once in eighty hours."""
    few = counts(1, 0, 0)
    few.failed[-1] = 1
    hour, *_ = burn_rates(few, 0.999, DAYS * 86_400)
    assert (hour.exceeded, hour.proven) == (True, False)


def test_a_hole_is_not_health() -> None:
    """A window of which half is missing is not measured."""
    full = counts(100, 0, 0)
    present = full.times < DAYS * 86_400 - 1800
    holey = Counts(step=STEP, times=full.times[present], total=full.total[present], failed=full.failed[present])
    hour, *_ = burn_rates(holey, 0.999, DAYS * 86_400)
    assert not hour.measured


def test_an_interval_longer_than_the_window_gives_no_rate() -> None:
    """Hourly counts resolve the pair of three days and six hours alone."""
    hourly = Counts(
        step=3600,
        times=np.arange(96, dtype=np.int64) * 3600,
        total=np.ones(96, np.int64),
        failed=np.zeros(96, np.int64),
    )
    assert [burn.long for burn in burn_rates(hourly, 0.999, 96 * 3600)] == [259_200]


def test_the_onset_is_where_the_failures_begin() -> None:
    """Failures as usual before it do not move it, and one odd interval long before is none."""
    for last in (3, 12, 200):
        content = counts(100, 5, last)
        content.failed[:-last:50] = 1
        content.failed[300] = 20
        assert burn_onset(content, 0.999) == int(content.times[-last])


@pytest.mark.parametrize(("usual", "rate"), [(0.0, 0.02), (0.0005, 0.02), (0.0009, 0.1)])
@pytest.mark.parametrize("earlier", [None, (288, 0.05), (100, 0.3), (60, 0.1)])
def test_the_onset_of_noisy_failures(usual: float, rate: float, earlier: tuple[int, float] | None) -> None:
    """Nine of ten onsets are within the intervals in which a deployment counts as the cause, also if half an hour or
    more ago another burn ended."""
    rng = np.random.default_rng(3)
    n = DAYS * 86_400 // STEP
    exact = []
    for last in range(5, 45):
        share = np.full(n, usual)
        if earlier:
            share[n - earlier[0] - 6 : n - earlier[0]] = earlier[1]
        share[n - last :] = rate
        total = rng.poisson(500 * (1.0 + 0.5 * np.sin(2 * np.pi * np.arange(n) * STEP / 86_400)))
        times = np.arange(n, dtype=np.int64) * STEP
        content = Counts(step=STEP, times=times, total=total, failed=rng.binomial(total, share))
        exact.append(abs(burn_onset(content, 0.999) - int(times[n - last])) <= STEP)
    assert np.mean(exact) >= 0.9


def test_failures_from_the_start_begin_there() -> None:
    """Without a rise, the first interval that is looked at is the onset."""
    content = counts(100, 5, DAYS * 86_400 // STEP)
    assert burn_onset(content, 0.999) == int(content.times[-1]) - 259_200
