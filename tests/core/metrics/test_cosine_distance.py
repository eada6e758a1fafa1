"""The cosine distance of an embedding."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.metrics.cosine_distance import COSINE_DISTANCE
from paired_rows import cells


def test_a_cosine_distance_is_a_rate_of_the_pair() -> None:
    """The mean distance with limits that contain it and are never below 0, and no p-value."""
    distance = np.random.default_rng(3).beta(0.2, 8, 40)
    assert COSINE_DISTANCE.compare
    comparison = COSINE_DISTANCE.compare(cells(np.zeros(40), distance), 0.01)
    assert comparison.candidate[0] == pytest.approx(distance.mean())
    assert 0 <= comparison.low[0] < comparison.candidate[0] < comparison.high[0]
    assert np.isnan(comparison.p[0])
    assert COSINE_DISTANCE.paired_only
