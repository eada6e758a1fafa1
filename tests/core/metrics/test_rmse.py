"""RMSE of sides without any error."""

from __future__ import annotations

import numpy as np

from ghmlops.core.metrics.rmse import RMSE
from paired_rows import cells


def test_rmse_from_or_to_no_error_at_all_is_defined() -> None:
    """A side without any error is compared and not undefined."""
    errors, zero = np.abs(np.random.default_rng(1).normal(size=500)), np.zeros(500)
    assert RMSE.compare
    assert RMSE.compare(cells(zero, errors), 0.01).loss_low[0] > 0
    assert RMSE.compare(cells(errors, zero), 0.01).loss_high[0] < 0
