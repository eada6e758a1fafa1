"""The sample is unbiased, contains rare slices, and follows from the keys alone."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.harvest.sample import UNLIMITED, Pool, draw


def pool_of(keys: np.ndarray, codes: np.ndarray, *, rows: int, rare: int) -> Pool:
    """Return a pool that reaches as far as `read_candidates` reads, without the requests beyond it."""
    limits = []
    last = np.sort(keys)[rows] if len(keys) > rows else UNLIMITED
    inside = keys < last if len(keys) > rows else np.ones(len(keys), bool)
    for column in codes:
        row = []
        for code in range(int(column.max(initial=-1)) + 1):
            of_value = np.sort(keys[column == code])
            bound = int(of_value[rare]) if len(of_value) > rare else UNLIMITED
            inside |= (column == code) & ((keys < bound) | (bound == UNLIMITED))
            row.append(bound)
        limits.append(row)
    return Pool(keys=keys[inside], codes=codes[:, inside], limit=int(last), slice_limits=limits)


def random_keys(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return uniform keys."""
    return rng.integers(0, 2**64 - 1, count, np.uint64)


def test_weighted_sums_are_unbiased() -> None:
    """Over 600 draws, sums of all requests and of two slices deviate by less than 4 standard errors."""
    rng = np.random.default_rng(7)
    count = 3_000
    codes = np.array([np.where(np.arange(count) % 150 == 0, 1, 0), rng.integers(0, 3, count)])
    values = rng.lognormal(size=count)
    sums = []
    for _ in range(600):
        keys = random_keys(rng, count)
        pool = pool_of(keys, codes, rows=130, rare=20)
        index_of = {int(key): index for index, key in enumerate(keys)}
        sample = draw(pool, rows=100, rare=10)
        members = np.array([index_of[int(pool.keys[i])] for i in sample.indices])
        weights = 1 / sample.probabilities
        sums.append(
            [
                (weights * values[members]).sum(),
                weights.sum(),
                (weights * (codes[0][members] == 1)).sum(),
                (weights * values[members] * (codes[1][members] == 2)).sum(),
            ]
        )
    truth = np.array([values.sum(), count, (codes[0] == 1).sum(), values[codes[1] == 2].sum()])
    error = (np.mean(sums, axis=0) - truth) / (np.std(sums, axis=0) / np.sqrt(len(sums)))
    assert np.abs(error).max() < 4.0


def test_each_slice_has_its_rows() -> None:
    """As many as there are, up to `rare`; the sample of all requests keeps its size."""
    rng = np.random.default_rng(1)
    codes = np.array([np.repeat([0, 1, 2], [4_000, 40, 5])])
    keys = random_keys(rng, 4_045)
    pool = pool_of(keys, codes, rows=300, rare=60)
    sample = draw(pool, rows=200, rare=30)
    drawn = np.bincount(pool.codes[0][sample.indices], minlength=3)
    assert drawn[1] >= 30
    assert drawn[2] == 5
    assert 200 <= len(sample.indices) <= 235
    assert list(pool.keys[sample.indices]) == sorted(pool.keys[sample.indices])


def test_fewer_requests_than_rows_are_all_taken_with_weight_one() -> None:
    """Without a limit, nothing was drawn."""
    keys = np.array([5, 9, UNLIMITED], np.uint64)
    pool = Pool(keys=keys, codes=np.zeros((0, 3), np.int64), limit=UNLIMITED, slice_limits=[])
    sample = draw(pool, rows=10, rare=1)
    assert list(sample.probabilities) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_pool_without_requests_gives_no_rows(rows: int) -> None:
    """Everything may have been quarantined."""
    pool = Pool(keys=np.zeros(0, np.uint64), codes=np.zeros((1, 0), np.int64), limit=7, slice_limits=[[3]])
    assert len(draw(pool, rows=rows, rare=2).indices) == 0
