"""The arithmetic of the pruning: excess loss, and what is left of a slice without its parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.predictions.constants import MIN_REST_VARIANCE
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.predictions.subgroups.search_pruning import Part, excess_loss, index_subgroups, subtract_parts
from subgroup_data import accuracy_cells, compare_cells, random_slices, undefined


def comparison(n: float, loss: float) -> Comparison:
    (result,) = compare_cells(accuracy_cells(np.array([n]), np.array([n * (0.02 + loss)]), np.array([n * 0.02])))
    return result


def test_size_and_loss_both_count_for_the_rank() -> None:
    """A large loss on few rows ranks below a moderate loss on many rows, and above a smaller loss on few rows."""
    large, small, tiny = (excess_loss(comparison(n, loss)) for n, loss in ((1e5, 0.02), (1e3, 0.2), (1e3, 0.1)))
    assert large > small > tiny > 0
    assert large == pytest.approx(1e5 * 0.015 / 0.005)


def test_a_margin_of_zero_still_ranks() -> None:
    """In standard deviations of a row, without division by zero."""
    assert 0 < excess_loss(replace(comparison(1000, 0.08), margin=0.0)) < math.inf


def test_the_rest_of_a_part_has_its_own_mean() -> None:
    """Means and variances of disjoint parts add up to those of the total; no row is left without a rest."""
    values = np.random.default_rng(3).normal(0.1, 1.0, 5000)

    def part(selection: np.ndarray) -> Part:
        return Part(len(selection), float(selection.mean()), float(selection.std() / math.sqrt(len(selection))))

    rest = subtract_parts(part(values), [part(values[:1000]), part(values[1000:1500])])
    assert rest is not None
    assert rest.loss == pytest.approx(values[1500:].mean())
    assert rest.error == pytest.approx(values[1500:].std() / math.sqrt(3500), rel=0.01)
    assert subtract_parts(part(values), [part(values)]) is None


def test_the_rest_never_varies_much_less_than_the_total() -> None:
    """If a part has all the variance, the rest still has a tenth of the total's variance per row."""
    rest = subtract_parts(Part(1000, 0.1, 0.01), [Part(500, 0.1, 0.02)])
    assert rest is not None
    assert rest.error == pytest.approx(math.sqrt(MIN_REST_VARIANCE * 10**2 * 0.5) / 500)


def test_undefined_subgroups_are_not_indexed() -> None:
    """They cannot explain another subgroup."""
    slices, overall = random_slices(np.random.default_rng(0), 5000, (4, 4))
    index = index_subgroups([*slices, *overall, undefined(slices[0])])
    assert {series: len(subgroups) for series, subgroups in index.items()} == {("", "accuracy"): len(slices) + 1}
