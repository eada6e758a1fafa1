"""The persistence of noise: its value on known processes, its symmetry, and the dilution that follows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.latency.constants import BLOCK_SIZE, LASTING_TO_FAIL, LASTING_TO_PASS, OUTWEIGHED
from ghmlops.core.latency.saturation.persistence import (
    Dilution,
    Persistence,
    noise_between_blocks,
    outweigh,
)


def of_requests(log_ratios: np.ndarray, shards: int = 1) -> Persistence:
    """Return the persistence of the log ratios of single requests in schedule order; shards take turns."""
    persistence = Persistence()
    for number, window in enumerate(log_ratios.reshape(-1, BLOCK_SIZE * shards)):
        for shard in range(shards):
            part = window[shard::shards]
            persistence.add(float(part.mean()), float(part.std(ddof=1)), number)
    return persistence


def autoregressive(n: int, lasting: float, rng: np.random.Generator) -> np.ndarray:
    """Return an AR(1) process with variance 1 whose integrated autocorrelation time is `lasting`."""
    factor = (lasting - 1) / (lasting + 1)
    values = np.empty(n)
    values[0] = rng.standard_normal()
    for i in range(1, n):
        values[i] = factor * values[i - 1] + math.sqrt(1 - factor * factor) * rng.standard_normal()
    return values


@pytest.mark.parametrize("lasting", [1.0, 5.0, 20.0])
def test_the_persistence_is_the_autocorrelation_time(lasting: float) -> None:
    """On an AR(1) process it is about the integrated autocorrelation time (truncation of large steps: down to 0.8)."""
    values = autoregressive(400 * BLOCK_SIZE, lasting, np.random.default_rng(3))
    assert 0.7 * lasting < of_requests(values).requests < 1.2 * lasting


def test_a_change_is_not_noise() -> None:
    """A constant log ratio, however large, changes nothing."""
    values = np.random.default_rng(4).standard_normal(40 * BLOCK_SIZE) * 0.3
    assert of_requests(values).requests == pytest.approx(of_requests(values + 3.0).requests)


def test_swapped_arms_are_equal() -> None:
    """The persistence does not depend on which arm is the candidate."""
    values = autoregressive(40 * BLOCK_SIZE, 50.0, np.random.default_rng(5))
    assert of_requests(values).requests == pytest.approx(of_requests(-values).requests)


def test_one_phase_of_one_arm_is_truncated() -> None:
    """A single slow phase of one arm in 40 blocks stays below the limit of a failure."""
    values = np.random.default_rng(6).standard_normal(40 * BLOCK_SIZE) * 0.3
    values[10 * BLOCK_SIZE : 13 * BLOCK_SIZE] += 2.0
    assert of_requests(values).requests < LASTING_TO_FAIL


def test_tiny_noise_is_harmless() -> None:
    """Blocks that differ by 0.1 % dilute nothing, even if the requests of a block are equal."""
    persistence = Persistence()
    for number, mean in enumerate(np.random.default_rng(7).standard_normal(60) * 0.001):
        persistence.add(float(mean), 0.0, number)
    assert persistence.dilution == Dilution()
    assert Persistence().dilution == Dilution()


def test_equal_times_have_no_noise() -> None:
    """Without any noise the persistence is 0, not undefined."""
    assert of_requests(np.zeros(10 * BLOCK_SIZE)).requests == 0.0


@given(st.lists(st.tuples(st.floats(-64, 64), st.floats(0, 64)), max_size=30))
def test_factors_are_finite_and_never_below_one(pairs: list[tuple[float, float]]) -> None:
    """No input sharpens the evidence, and a failure is diluted at least as much as a pass."""
    persistence = Persistence()
    for number, (mean, sd) in enumerate(pairs):
        persistence.add(mean, sd, number)
        dilution = persistence.dilution
        assert 1.0 <= dilution.passing <= dilution.fail < math.inf


def test_noise_that_outlasts_a_block_dilutes() -> None:
    """A walk of 20 blocks dilutes by more than the 9 pairs that a failure needs can outweigh."""
    values = np.cumsum(np.random.default_rng(8).standard_normal(20 * BLOCK_SIZE)) * 0.02
    dilution = of_requests(values).dilution
    assert dilution.fail > 10
    assert dilution.passing == pytest.approx(dilution.fail * LASTING_TO_FAIL / LASTING_TO_PASS)


def test_shards_observe_the_same_noise() -> None:
    """Four shards of one walk are diluted; four shards of independent requests are not."""
    rng = np.random.default_rng(9)
    independent = of_requests(rng.standard_normal(40 * 4 * BLOCK_SIZE), shards=4)
    walk = of_requests(np.cumsum(rng.standard_normal(40 * 4 * BLOCK_SIZE)) * 0.02, shards=4)
    assert independent.shards == 4.0
    assert independent.dilution.fail < 1.2
    assert walk.dilution.fail > 10


def test_noise_between_blocks_is_that_of_neighbours() -> None:
    """It is the standard deviation of independent values, undefined for one, and does not see a slow course."""
    values = np.random.default_rng(10).standard_normal(5000)
    assert noise_between_blocks(values)[-1] == pytest.approx(1.0, abs=0.05)
    assert noise_between_blocks(values)[0] == math.inf
    course = values * 0.01 + np.linspace(0.0, 5.0, len(values))
    assert noise_between_blocks(course)[-1] == pytest.approx(0.01, abs=0.001)


def test_a_change_beyond_its_noise_is_diluted_less() -> None:
    """At 40 times its noise the factor falls with the square; what no block exceeds stays diluted."""
    noise = np.tile([0.001, -0.001], 10)  # between neighbours: sqrt(2) x .001
    factors = np.full(20, 8.0)
    assert outweigh(factors, 1.0 + noise, 0.1)[-1] == 1.0
    near = outweigh(factors, 0.2 + noise, 0.1)
    assert near[-1] == pytest.approx(8.0 * (OUTWEIGHED * math.sqrt(2) * 0.001 / (0.2 - 0.001 - 0.1)) ** 2)
    for d in (0.15 + noise, 0.1 + noise, noise, noise - 1.0):
        assert outweigh(factors, d, 0.1) == pytest.approx(factors)
    one_block = 1.0 + noise
    one_block[4] = 0.1
    assert outweigh(factors, one_block, 0.1)[4:] == pytest.approx(factors[4:])


@given(
    st.lists(st.tuples(st.floats(-8, 8), st.floats(1, 100)), min_size=1, max_size=30), st.floats(-8, 8), st.floats(0, 8)
)
def test_outweighed_factors_are_between_one_and_the_given_ones(
    pairs: list[tuple[float, float]], log_ratio: float, step: float
) -> None:
    """They never sharpen the evidence, and grow with the log ratio, so that an interval has one lower end."""
    d, factors = (np.array(column) for column in zip(*pairs, strict=True))
    low, high = outweigh(factors, d, log_ratio), outweigh(factors, d, log_ratio + step)
    assert (low >= 1.0).all()
    assert (low <= high).all()
    assert (high <= factors).all()
