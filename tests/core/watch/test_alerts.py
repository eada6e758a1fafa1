"""Alerts: lasting changes are found, spikes are not, and what is accepted becomes normal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.model import Direction
from ghmlops.core.watch.alerts import Kind, Rules, find_alerts, open_alerts
from watched_series import DAY, HOUR, days, hours, make

RULES = Rules(period=DAY, change=0.5)


def test_without_a_change_there_is_no_alert() -> None:
    """Daily and hourly noise raises nothing, and the points after the first seasons are judged."""
    for series in (make(days(200)), make(hours(24 * 40), HOUR)):
        alerts, judged = find_alerts(series, RULES)
        assert alerts == []
        assert judged > 0.7 * len(series.times)


@pytest.mark.parametrize("direction", [Direction.LOWER, Direction.HIGHER])
def test_a_step_for_the_worse_is_found_at_its_second_point(direction: Direction) -> None:
    """Its onset and its level are those of the step; a step for the better is none."""
    logs = days(100)
    logs[70:] += np.log(2.0) if direction is Direction.LOWER else -np.log(2.0)
    (alert,), _ = find_alerts(make(logs, direction=direction), RULES)
    assert (alert.kind, alert.onset, alert.raised, alert.end) == (Kind.STEP, 70 * DAY, 71 * DAY, None)
    factor = alert.value / alert.level
    assert factor == pytest.approx(2.0 if direction is Direction.LOWER else 0.5, rel=0.15)
    other = Direction.HIGHER if direction is Direction.LOWER else Direction.LOWER
    assert find_alerts(make(logs, direction=other), RULES)[0] == []


def test_a_spike_of_one_point_is_no_alert() -> None:
    """However large it is."""
    logs = days(100)
    logs[70] += np.log(20.0)
    assert find_alerts(make(logs), RULES)[0] == []


def test_a_spike_beside_an_odd_point_is_no_step() -> None:
    """Of two points of which one is twice the other, the third decides: it is back, or the step lasts."""
    steady = 0.01 * np.random.default_rng(1).normal(size=60)
    for following, is_step in ((0.0, False), (0.5, True)):
        logs = steady.copy()
        logs[50:53] += (0.45, 1.05, following)
        alerts, _ = find_alerts(make(logs[:53]), RULES)
        assert [alert.raised // DAY for alert in alerts] == ([52] if is_step else [])


def test_noise_hides_no_step_that_just_has_the_least_change() -> None:
    """Half a standard deviation of the noise is allowed; the same step of a quiet series is none."""
    for noise, is_step in ((0.1, True), (0.01, False)):
        logs = noise * np.tile([0.0, 1.0, -1.0], 20)
        logs[50:53] = np.log(1.5) - 0.03
        assert bool(find_alerts(make(logs[:53]), RULES)[0]) == is_step


def test_an_incident_ends_and_is_not_its_own_reference() -> None:
    """After twenty days the metric is back at the level before, and the alert ends at the third good point."""
    logs = days(100)
    logs[50:70] += np.log(3.0)
    (alert,), _ = find_alerts(make(logs), RULES)
    assert (alert.onset, alert.end) == (50 * DAY, 72 * DAY)
    assert open_alerts([alert]) == []


def test_the_past_does_not_change() -> None:
    """The alerts at a time are those of a longer series up to that time."""
    logs = days(100)
    logs[50:70] += np.log(3.0)
    early = find_alerts(make(logs[:60]), RULES)[0]
    late = find_alerts(make(logs), RULES)[0]
    assert [(a.onset, a.raised, a.level) for a in early] == [(a.onset, a.raised, a.level) for a in late]
    assert early[0].end is None


def test_what_is_accepted_becomes_normal() -> None:
    """Until the accepted time nothing is raised, and afterwards the new level is the reference."""
    logs = days(100)
    logs[50:] += np.log(2.0)
    rules = Rules(period=DAY, change=0.5, accepted_until=70 * DAY)
    assert find_alerts(make(logs), rules)[0] == []
    logs[85:] += np.log(2.0)
    assert [alert.onset for alert in find_alerts(make(logs), rules)[0]] == [85 * DAY]


def test_a_small_shift_is_found_in_hours_and_not_in_days() -> None:
    """+10 % at 3 % noise: with a point per day such a change of the level needs no cause."""
    logs = hours(24 * 50, noise=0.03)
    logs[24 * 40 :] += np.log(1.1)
    (alert,), _ = find_alerts(make(logs, HOUR), RULES)
    assert alert.kind is Kind.SHIFT
    assert 24 * 40 <= alert.raised // HOUR <= 24 * 41
    logs = days(100, noise=0.03)
    logs[70:] += np.log(1.1)
    assert find_alerts(make(logs), RULES)[0] == []


def test_days_that_differ_are_no_shift() -> None:
    """Each day has its own level: 24 high hours are one day."""
    rng = np.random.default_rng(5)
    logs = hours(24 * 60, noise=0.02) + np.repeat(0.05 * rng.normal(size=60), 24)
    assert find_alerts(make(logs, HOUR), RULES)[0] == []


def test_points_around_a_hole_are_no_succession() -> None:
    """A high point before and one after ten days without data do not make two of three."""
    logs = days(100)
    logs[70] += np.log(3.0)
    logs[81] += np.log(3.0)
    series = make(logs)
    present = (series.times <= 70 * DAY) | (series.times >= 81 * DAY)
    holey = replace(series, times=series.times[present], values=series.values[present])
    assert find_alerts(holey, RULES)[0] == []


DISMISSED = 24 * 40
"""Hours before the change that a person dismissed."""


def dismissed(kind: Kind, factor: float, last: int) -> tuple[np.ndarray, Rules]:
    """Return hourly values with a change that is dismissed, after two days a step by a factor, and then `last` hours
    at the level of the dismissed change."""
    logs = hours(24 * 60, noise=0.03)
    if kind is Kind.RAMP:
        logs[DISMISSED:] += np.linspace(0.0, 0.25, 24 * 20)
    else:
        logs[DISMISSED:] += np.log(1.8 if kind is Kind.STEP else 1.1)
    rules = replace(RULES, deployments=(float(DISMISSED * HOUR),) if kind is Kind.RAMP else ())
    alert = next(alert for alert in find_alerts(make(logs, HOUR), rules)[0] if alert.kind is kind)
    place = alert.raised // HOUR + 48
    logs = logs[: place + 24]
    logs[place:] += np.log(factor)
    after = np.full(last, logs[place - 24 : place].mean()) + 0.4 * np.sin(
        2 * np.pi * np.arange(place, place + last) / 24
    )
    return np.concatenate([logs, after]), replace(rules, dismissed=(float(alert.onset),))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_step_after_a_dismissed_alert_is_an_alert(kind: Kind) -> None:
    """Its level is that of the dismissed change, and both last; without it there is the dismissed alert alone."""
    logs, rules = dismissed(kind, 10.0, 0)
    first, second = open_alerts(find_alerts(make(logs, HOUR), rules)[0])
    assert (first.kind, second.kind) == (kind, Kind.STEP)
    assert second.onset == (len(logs) - 24) * HOUR
    assert second.value / second.level == pytest.approx(10.0, rel=0.15)
    logs, rules = dismissed(kind, 1.0, 0)
    assert [alert.onset for alert in open_alerts(find_alerts(make(logs, HOUR), rules)[0])] == [first.onset]


def test_back_at_the_level_of_a_dismissed_alert_a_step_ends() -> None:
    """The dismissed alert lasts, and ends as others do; nothing else is raised."""
    logs, rules = dismissed(Kind.STEP, 10.0, 48)
    first, second = find_alerts(make(logs, HOUR), rules)[0]
    assert (first.end, second.end) == (None, (len(logs) - 46) * HOUR)
    usual = 0.4 * np.sin(2 * np.pi * np.arange(len(logs), len(logs) + 48) / 24)
    first, second = find_alerts(make(np.concatenate([logs, usual]), HOUR), rules)[0]
    assert (first.end, second.end) == ((len(logs) + 2) * HOUR, (len(logs) - 46) * HOUR)


def test_a_dismissed_step_after_a_dismissed_step() -> None:
    """Both last without a third one, and a third step is one."""
    logs, rules = dismissed(Kind.STEP, 10.0, 0)
    rules = replace(rules, dismissed=(*rules.dismissed, float((len(logs) - 24) * HOUR)))
    assert len(open_alerts(find_alerts(make(logs, HOUR), rules)[0])) == 2
    logs[-5:] += np.log(3.0)
    *_, third = open_alerts(find_alerts(make(logs, HOUR), rules)[0])
    assert third.onset == (len(logs) - 5) * HOUR


def test_what_is_accepted_ends_a_dismissed_alert() -> None:
    """The accepted level is normal from then on."""
    logs, rules = dismissed(Kind.STEP, 1.0, 24 * 10)
    rules = replace(rules, accepted_until=float((len(logs) - 24) * HOUR))
    assert open_alerts(find_alerts(make(logs, HOUR), rules)[0]) == []
