"""Distributions with an exact sum and maximum: statistics, addition and their JSON."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.histograms.exact_histogram import Distribution, as_json, from_json


def test_statistics_of_a_distribution() -> None:
    """Sum and maximum are exact, percentiles have three digits and do not exceed the maximum."""
    values = Distribution.of(np.array([0.010, 0.020, 0.0301234567]))
    assert (values.n, values.total, values.maximum) == (3, 60_123_457, 30_123_457)
    assert [pytest.approx(20e6, rel=1e-3), 30_123_457] == [values.quantile(0.5), values.quantile(1.0)]
    empty = Distribution.of(np.empty(0))
    assert np.isnan([empty.mean, empty.quantile(0.5)]).all()
    assert empty + values == values
    assert values != empty
    assert Distribution.of(np.array([-1.0, 1e9])).maximum == 3_600_000_000_000


def test_json_round_trip() -> None:
    """A distribution read from its JSON equals the original, also without values."""
    for values in (Distribution.of(np.array([0.010, 0.020])), Distribution.of(np.empty(0))):
        assert from_json(Distribution, as_json(values)) == values
