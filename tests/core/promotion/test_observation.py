"""Requests of one period, per arm."""

from __future__ import annotations

import numpy as np

from ghmlops.core.promotion.observation import ArmTraffic, Traffic


def test_counts_and_successes() -> None:
    """Failed requests count, and their response times do not."""
    candidate = ArmTraffic(
        at=np.array([1.0, 2.0, 3.0]), response=np.array([0.1, 0.001, 0.3]), failed=np.array([False, True, False])
    )
    traffic = Traffic(candidate=candidate)
    assert traffic.counts() == {"candidate": 3, "twin": 0, "pool": 0}
    assert (candidate.requests, candidate.errors) == (3, 1)
    assert candidate.successes().response.tolist() == [0.1, 0.3]
    assert candidate.successes().at.tolist() == [1.0, 3.0]
