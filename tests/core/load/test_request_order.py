"""Assignment of calls: endpoints by weight, each cycling through its payloads, reproducible from the seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.load.request_order import assign_calls

ENDPOINTS = [range(3), range(3, 4), range(4, 104)]


def test_endpoints_are_drawn_by_weight() -> None:
    """Of 30,000 requests each endpoint receives the share of its weight, by a chi-square test."""
    calls = assign_calls(ENDPOINTS, [6.0, 3.0, 1.0], requests=30_000, warmup=0, seed=1)
    counts = [int(np.isin(calls, list(call_range)).sum()) for call_range in ENDPOINTS]
    assert stats.chisquare(counts, [18_000, 9_000, 3_000]).pvalue > 0.01


@settings(deadline=None)
@given(n=st.integers(1, 400), share=st.floats(0, 0.99), seed=st.integers(0, 2**32))
def test_each_endpoint_cycles_through_its_payloads(n: int, share: float, seed: int) -> None:
    """The first judged request of each endpoint takes its first payload, and the following ones cycle through them."""
    warmup = int(n * share)
    calls = assign_calls(ENDPOINTS, [1.0, 2.0, 3.0], requests=n, warmup=warmup, seed=seed)
    for call_range in ENDPOINTS:
        judged = [call for call in calls[warmup:].tolist() if call in call_range]
        assert [call_range.start + k % len(call_range) for k in range(len(judged))] == judged
        before = [call for call in calls[:warmup].tolist() if call in call_range]
        assert [call_range.start + -k % len(call_range) for k in range(len(before), 0, -1)] == before


def test_a_single_endpoint_cycles_across_the_end_of_the_warm_up() -> None:
    """Without a mix the payloads follow each other, also across the end of the warm-up."""
    assert assign_calls([range(3)], [1.0], requests=7, warmup=2, seed=5).tolist() == [1, 2, 0, 1, 2, 0, 1]


def test_the_seed_determines_the_order() -> None:
    """The same seed gives the same order in every run; a different seed gives a different one."""
    weights = [1.0, 1.0, 1.0]
    first = assign_calls(ENDPOINTS, weights, requests=500, warmup=50, seed=1)
    assert first.tobytes() == assign_calls(ENDPOINTS, weights, requests=500, warmup=50, seed=1).tobytes()
    assert first.tobytes() != assign_calls(ENDPOINTS, weights, requests=500, warmup=50, seed=2).tobytes()


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_weights_are_relative(scale: float) -> None:
    """Only the ratio of the weights counts, however large or small they are."""
    endpoints = [range(1), range(1, 2)]
    unscaled = assign_calls(endpoints, [1.0, 1.0], requests=100, warmup=0, seed=3)
    scaled = assign_calls(endpoints, [scale, scale], requests=100, warmup=0, seed=3)
    assert unscaled.tolist() == scaled.tolist()
