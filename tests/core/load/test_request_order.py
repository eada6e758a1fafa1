"""The mix: endpoints by weight, each through its payloads in turn, the same for every run with the seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.load.request_order import order

PLACES = [range(3), range(3, 4), range(4, 104)]


def test_endpoints_are_drawn_by_weight() -> None:
    """Of 30,000 requests each endpoint gets the share of its weight, as a chi-square test sees it."""
    found = order(PLACES, [6.0, 3.0, 1.0], 30_000, 0, seed=1)
    counts = [int(np.isin(found, list(places)).sum()) for places in PLACES]
    assert stats.chisquare(counts, [18_000, 9_000, 3_000]).pvalue > 0.01


@settings(deadline=None)
@given(n=st.integers(1, 400), share=st.floats(0, 0.99), seed=st.integers(0, 2**32))
def test_each_endpoint_goes_round_its_payloads(n: int, share: float, seed: int) -> None:
    """Each endpoint's first judged request takes its first payload, and the next one the next, round and round."""
    warmup = int(n * share)
    found = order(PLACES, [1.0, 2.0, 3.0], n, warmup, seed)
    for places in PLACES:
        judged = [place for place in found[warmup:].tolist() if place in places]
        assert [places.start + k % len(places) for k in range(len(judged))] == judged
        before = [place for place in found[:warmup].tolist() if place in places]
        assert [places.start + -k % len(places) for k in range(len(before), 0, -1)] == before


def test_one_endpoint_takes_its_payloads_in_turn() -> None:
    """Without a mix the payloads follow each other, also across the end of the warm-up."""
    assert order([range(3)], [1.0], 7, 2, seed=5).tolist() == [1, 2, 0, 1, 2, 0, 1]


def test_the_seed_fixes_the_order() -> None:
    """The same seed is the same order, for both arms and for every run; another seed is another."""
    first = order(PLACES, [1.0, 1.0, 1.0], 500, 50, seed=1)
    assert first.tobytes() == order(PLACES, [1.0, 1.0, 1.0], 500, 50, seed=1).tobytes()
    assert first.tobytes() != order(PLACES, [1.0, 1.0, 1.0], 500, 50, seed=2).tobytes()


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_weights_are_relative(scale: float) -> None:
    """Only the ratio of the weights counts, however large or small they are."""
    plain = order([range(1), range(1, 2)], [1.0, 1.0], 100, 0, seed=3)
    assert plain.tolist() == order([range(1), range(1, 2)], [scale, scale], 100, 0, seed=3).tolist()
