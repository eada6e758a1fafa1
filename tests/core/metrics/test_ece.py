"""The bins of the expected calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.metrics.ece import ECE
from paired_rows import binary, compare


def test_ece_uses_fifteen_equal_bins_the_last_one_closed() -> None:
    """Two bins by hand: scores 0.03 and 1.0 against their labels."""
    comparison = compare(ECE, binary(np.array([0, 0, 1, 1]), np.array([0.03, 0.05, 1.0, 1.0]), np.full(4, 0.5)))
    assert pytest.approx((comparison.baseline[0], comparison.candidate[0]), abs=1e-12) == (0.08 / 4, 0.0)
