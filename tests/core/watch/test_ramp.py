"""Ramps: slow growth since a deployment."""

from __future__ import annotations

import numpy as np

from ghmlops.core.watch.alerts import Kind, Rules, find_alerts
from ghmlops.core.watch.ramp import find_ramps
from watched_series import DAY, HOUR, days, hours, make


def test_growth_since_a_deployment_is_found() -> None:
    """+1 % a day is found within two weeks, with the level at the deployment; before the deployment nothing is."""
    logs = days(130, noise=0.015) + np.maximum(0, np.arange(130) - 100) * np.log(1.01)
    first = find_ramps(make(logs), DAY, (100.0 * DAY,))[0]
    assert 107 <= first.place <= 114
    assert abs(first.level) < 0.02
    (alert,), _ = find_alerts(make(logs), Rules(period=DAY, change=0.5, deployments=(100.0 * DAY,)))
    assert (alert.kind, alert.onset) == (Kind.RAMP, 100 * DAY)


def test_a_ramp_lasts_over_the_quiet_hours_of_each_day() -> None:
    """It is raised once, and ends when the metric was back for a day."""
    logs = hours(24 * 60, noise=0.03)
    logs[24 * 40 : 24 * 55] += np.linspace(0.0, 0.25, 24 * 15)
    rules = Rules(period=DAY, change=0.5, deployments=(40.0 * DAY,))
    (alert,) = [alert for alert in find_alerts(make(logs, HOUR), rules)[0] if alert.kind is Kind.RAMP]
    assert alert.end is not None
    assert 55 * DAY < alert.end <= 56 * DAY + 3 * HOUR


def test_a_spike_is_no_ramp() -> None:
    """One day of five times the level does not turn a line."""
    logs = days(130, noise=0.03)
    logs[103] += 1.6
    assert find_ramps(make(logs), DAY, (100.0 * DAY,)) == []


def test_without_a_deployment_that_is_a_week_old_there_is_none() -> None:
    """Neither a young deployment nor one without a week of data before it is a reference."""
    logs = days(130, noise=0.015) + np.arange(130) * np.log(1.01)
    assert find_ramps(make(logs), DAY, ()) == []
    assert find_ramps(make(logs), DAY, (128.0 * DAY,)) == []
    assert find_ramps(make(logs[:20]), DAY, (2.0 * DAY,)) == []
