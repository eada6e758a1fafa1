"""The spread ratio keeps its digits far from 0 and from the mean of the data set."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.metrics.spread_ratio import SPREAD_RATIO
from paired_rows import compare, sums, valued


def test_the_ratio_is_exact_far_from_0_and_in_a_slice_far_from_the_others() -> None:
    """A million above 0, and 50 deviations from the mean of all rows: the ratio is exact, its error a little larger."""
    rng = np.random.default_rng(6)
    first = rng.normal(0.0, 1.0, 4000)
    second = 1.05 * first + 0.2 * rng.normal(size=4000)
    rows = valued(first, first, second)
    near = compare(SPREAD_RATIO, rows)
    far = compare(SPREAD_RATIO, valued(first, first + 1e6, second + 1e6))
    fields = ("candidate", "low", "high", "error", "p")
    assert [getattr(far, f)[0] for f in fields] == pytest.approx([getattr(near, f)[0] for f in fields], rel=1e-6)
    assert SPREAD_RATIO.compare_rows
    templates = [sql.replace("{p0}", "50.0") for sql in SPREAD_RATIO.rows]
    off_center = SPREAD_RATIO.compare_rows(tuple(sums(sql, SPREAD_RATIO, rows) for sql in templates), 0.01)
    assert [getattr(off_center, f)[0] for f in fields] == pytest.approx([getattr(near, f)[0] for f in fields], rel=0.1)
