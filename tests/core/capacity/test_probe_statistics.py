"""Statistics of a probe: drift, requests in flight, autocorrelation time."""

from __future__ import annotations

import numpy as np

from ghmlops.core.capacity.probe_statistics import autocorrelation_time, is_drifting, mean_in_flight
from ghmlops.core.capacity.search_state import Probe
from simulated_queue import Queue, recording_of


def test_a_stable_queue_does_not_drift() -> None:
    """Of 100 probes of M/M/2, at most 5 % are drifting at 80 % of saturation, and all at 130 %."""
    queue = Queue(workers=2, mean=0.02)

    def share(rate: float) -> float:
        probe = Probe(rate=rate, seconds=20.0, purpose="ramp")
        recordings = [queue.answer(probe, 2.0, np.random.default_rng(seed)) for seed in range(100)]
        return sum(is_drifting(recording.answers, recording.warmup) for recording in recordings) / 100

    assert share(80.0) <= 0.05
    assert share(130.0) == 1.0


def test_in_flight_is_the_mean_of_each_slice() -> None:
    """Three requests of 1 s, scheduled at 0, 0.5 and 2 s, give the mean of each second."""
    scheduled = np.array([0.0, 0.5, 2.0])
    means = mean_in_flight(recording_of(scheduled, scheduled + 1).answers, np.array([0.0, 1.0, 2.0, 3.0]))
    assert np.allclose(means, [1.5, 0.5, 1.0])


def test_the_autocorrelation_time_of_dependent_requests() -> None:
    """The time is about 1 for independent requests, and about 20 for clusters of 20 equal ones."""
    rng = np.random.default_rng(1)
    clusters = np.repeat(rng.exponential(size=1000), 20)
    assert 1.0 <= autocorrelation_time(rng.exponential(size=20000)) < 1.5
    assert 10 < autocorrelation_time(clusters) < 40
    assert autocorrelation_time(np.full(500, np.inf)) == 1.0
