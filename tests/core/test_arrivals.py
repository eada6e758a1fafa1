"""Arrival schedules: seeded, sorted, as many and as far apart as the model says."""

from __future__ import annotations

import typing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.arrivals import MODELS, coins, schedule
from ghmlops.core.policy import Arrivals


@pytest.mark.parametrize("model", sorted(MODELS))
@given(rate=st.floats(0.5, 2000), seconds=st.floats(0.1, 20), seed=st.integers(0, 2**32))
def test_every_model_keeps_the_contract(model: str, rate: float, seconds: float, seed: int) -> None:
    """A schedule is float64, sorted, within [0, seconds), holds rate * seconds requests, and repeats with its seed."""
    arrivals = Arrivals(model=typing.cast("typing.Any", model), rate=rate)
    times = schedule(arrivals, seconds, seed)
    assert np.float64 == times.dtype
    assert int(rate * seconds + 1e-9) == len(times)
    assert bool((np.diff(times) >= 0).all())
    assert bool(((times >= 0) & (times < seconds + 1e-6)).all())
    assert np.array_equal(times, schedule(arrivals, seconds, seed))


def test_constant_gaps_are_equal() -> None:
    """At 4/s a request is sent every quarter of a second, the first at once."""
    assert schedule(Arrivals(model="constant", rate=4.0), 1.0, seed=1).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_poisson_gaps_are_exponential() -> None:
    """The gaps of a Poisson schedule pass a Kolmogorov-Smirnov test against the exponential law of their rate."""
    times = schedule(Arrivals(model="poisson", rate=200.0), 100.0, seed=3)
    assert stats.kstest(np.diff(times), "expon", args=(0, 1 / 200.0)).pvalue > 0.01


def test_seeds_and_parts_differ() -> None:
    """Another seed is another schedule, and so is another part (warm-up, plan, extension) of the same run."""
    arrivals = Arrivals(rate=50.0)
    first = schedule(arrivals, 2.0, seed=1)
    assert not np.array_equal(first, schedule(arrivals, 2.0, seed=2))
    assert not np.array_equal(first, schedule(arrivals, 2.0, seed=1, part=1))


def test_the_table_and_the_policy_know_the_same_models() -> None:
    """Every model of the policy's type is in the table, and no other."""
    allowed = typing.get_args(typing.get_type_hints(Arrivals)["model"])
    assert sorted(allowed) == sorted(MODELS)


def test_coins_are_seeded_and_fair() -> None:
    """The same seed gives the same coins; of 10,000 about half fall either way."""
    first = coins(10_000, seed=1)
    assert np.array_equal(first, coins(10_000, seed=1))
    assert not np.array_equal(first, coins(10_000, seed=2))
    assert stats.binomtest(int(first.sum()), 10_000).pvalue > 0.001
