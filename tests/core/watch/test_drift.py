"""The population stability index: against its definition, and about zero without drift."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.watch.drift import stability_index


def test_the_definition() -> None:
    """On large counts, chance and the added halves of rows do not matter."""
    reference, counts = {"a": 500_000, "b": 500_000}, {"a": 800_000, "b": 200_000}
    expected = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert stability_index(reference, counts) == pytest.approx(expected, rel=1e-4)


def test_small_intervals_are_no_drift() -> None:
    """The mean of what remains of chance is far below the value that warns (.05); no row is no value."""
    rng = np.random.default_rng(3)
    reference = {str(n): 1000 for n in range(10)}
    draws = [np.bincount(rng.integers(0, 10, 100), minlength=10) for _ in range(300)]
    values = [stability_index(reference, {str(n): int(c) for n, c in enumerate(row)}) for row in draws]
    assert float(np.mean(values)) < 0.04
    assert math.isnan(stability_index(reference, {}))


def test_an_empty_bin_is_finite() -> None:
    """A value that the reference never had, and one that is gone."""
    value = stability_index({"a": 1000}, {"b": 1000})
    assert 5.0 < value < 20.0
