"""R2 of a label that does not vary."""

from __future__ import annotations

import numpy as np

from ghmlops.core.metrics.r2 import R2
from paired_rows import compare, random_decisions, valued


def test_r2_of_a_constant_label_is_undefined() -> None:
    """Value, loss and upper limit are NaN, so nothing can pass."""
    _, first, _ = random_decisions(200)
    comparison = compare(R2, valued(np.full(50, 3.0), first[:50], 1 - first[:50]))
    assert np.isnan([comparison.baseline[0], comparison.loss[0], comparison.loss_high[0]]).all()
