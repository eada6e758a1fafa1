"""Arrivals have the rates of the profile, hour by hour, and follow from it alone."""

from __future__ import annotations

import msgspec
import numpy as np

from ghmlops.core.load.demand_profile import DemandProfile, arrival_times, hour_times

PROFILE = DemandProfile(
    start="2026-06-01T00:00:00Z",
    period=4 * 3600.0,
    rates=[0.5, 2.0, 0.0, 1.0],
    gap_cv=1.0,
    dispersion=1.0,
    gap_shape=1.0,
    modulation=0.1,
    requests=12_600,
    periods=1,
)


def test_each_hour_has_its_number_of_requests() -> None:
    """A silent hour has none; the times ascend."""
    times = arrival_times(PROFILE)
    assert np.bincount((times // 3600).astype(int), minlength=4).tolist() == [1_800, 7_200, 0, 3_600]
    assert (np.diff(times) >= 0).all()


def test_a_truncated_replay_starts_like_the_whole_one() -> None:
    """The limit may lie within an hour."""
    times = arrival_times(PROFILE)
    assert np.array_equal(arrival_times(PROFILE, limit=4_000.0), times[times < 4_000.0])


def test_a_share_keeps_the_curve() -> None:
    """A tenth of the requests of each hour."""
    times = arrival_times(PROFILE, share=0.1)
    assert np.bincount((times // 3600).astype(int), minlength=4).tolist() == [180, 720, 0, 360]
    other = arrival_times(msgspec.structs.replace(PROFILE, seed=1), share=0.1)
    assert not np.array_equal(times, other)


def test_extreme_burstiness_stays_within_the_hour() -> None:
    """Nearly equal gaps, bursts that are one instant, and low rates, whose mean is kept."""
    rng = np.random.default_rng(1)
    for shape in (0.0, 0.01, 30.0, 1000.0):
        times = hour_times(0.1, shape, 5.0, rng)
        assert len(times) in (360, 361)
        assert (times >= 0).all()
        assert (times < 3600).all()
    counts = [len(hour_times(0.5 / 3600, 1.0, 0.0, rng)) for _ in range(2_000)]
    assert abs(np.mean(counts) - 0.5) < 0.05
