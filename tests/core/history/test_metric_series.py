"""Metrics over deployments, and the deployments at which their level changed."""

from __future__ import annotations

import numpy as np

from dashboard_samples import SERVICES, STEP_AT, history
from ghmlops.core.history.deployments import find_deployments
from ghmlops.core.history.metric_series import change_points, metric_series


def test_a_lasting_step_is_marked_at_its_deployment() -> None:
    """p99 rises by a quarter and the capacity falls; auc does not move. Only live deployments are points."""
    count = 240
    deployments = find_deployments(history(count))
    series = metric_series(deployments)
    live = {name: [d for d in deployments if d.service == name and d.state == "live"] for name in SERVICES}
    assert {len(s.points) for s in series} == {len(items) for items in live.values()}
    for item in series:
        changed = [point for point in item.points if point.changed]
        assert len(changed) == (0 if item.metric == "auc" else 1)
        for point in changed:
            hours = (point.time - deployments[0].time).total_seconds() / 3600
            assert abs(hours - STEP_AT * count * 12.0) <= 48.0


def test_steps_in_both_directions_and_spikes() -> None:
    """Each step is one change, up and down; a spike is none, and a series below zero or of few points has none."""
    noise = np.random.default_rng(3).lognormal(0.0, 0.02, 90)
    level = np.repeat([10.0, 15.0, 8.0], 30)
    assert sorted(change_points(list(level * noise))) == [30, 60]
    spike = 10.0 * noise
    spike[40] = 30.0
    assert change_points(list(spike)) == set()
    assert change_points([-1.0] * 40) == change_points([1.0, 9.0]) == set()
