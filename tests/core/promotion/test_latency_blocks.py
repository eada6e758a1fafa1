"""The candidate's response times are compared with the twin's at equal numbers and in equal times."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS as MARGINS
from ghmlops.core.promotion.latency_blocks import BlockPairs, LatencyComparison, Times

NONE = Times(at=np.empty(0), response=np.empty(0))


def arm(requests: int, seed: int, *, factor: float = 1.0, seconds: float = 100.0) -> Times:
    """Return log-normal response times (log-sd 0.4, median 10 ms) at random times of a period."""
    random = np.random.default_rng(seed)
    at = np.sort(random.random(requests) * seconds)
    return Times(at=at, response=factor * 0.01 * np.exp(0.4 * random.standard_normal(requests)))


def test_blocks_are_of_equal_size_and_equal_time() -> None:
    """Of an arm with ten times as many requests, evenly spaced ones of the same interval are taken."""
    few, many = arm(1_000, 1), arm(10_000, 2)
    blocks = list(BlockPairs(250).add(Times(at=few.at, response=few.at), Times(at=many.at, response=many.at)))
    assert len(blocks) == 4
    for twin, candidate in blocks:
        assert len(twin) == len(candidate) == 250
        assert twin[0] == pytest.approx(candidate[0], abs=1.0)
        assert twin[-1] == pytest.approx(candidate[-1], abs=1.0)


def test_a_started_block_is_not_compared() -> None:
    """249 requests are no block, and an arm without requests gives none."""
    assert list(BlockPairs(250).add(arm(249, 1), arm(5_000, 2))) == []
    assert list(BlockPairs(250).add(NONE, arm(5_000, 2))) == []


def test_requests_in_small_portions_are_paired_alike() -> None:
    """A log is read four times a second: started blocks are kept, and the pairs are those of one reading."""
    candidate, twin = arm(1_000, 1), arm(1_300, 2)
    at_once = list(BlockPairs(250).add(candidate, twin))
    pairs, portions = BlockPairs(250), []
    for start in range(0, 100):
        part = [
            Times(at=a.at[keep], response=a.response[keep])
            for a in (candidate, twin)
            for keep in [(a.at >= start) & (a.at < start + 1)]
        ]
        portions += list(pairs.add(part[0], part[1]))
    assert len(portions) == len(at_once) == 4
    for first, second in zip(portions, at_once, strict=True):
        assert np.median(first[0]) == pytest.approx(np.median(second[0]), rel=0.03)
        assert np.median(first[1]) == pytest.approx(np.median(second[1]), rel=0.03)


def test_an_arm_that_waits_for_the_other_is_paired_in_the_order_of_arrival() -> None:
    """A twin whose requests come late: its blocks are those of one reading, whatever the portions and their order."""
    candidate, twin = arm(1_000, 1), arm(1_000, 2)
    at_once = list(BlockPairs(250).add(candidate, twin))
    pairs = BlockPairs(250)
    parts = np.array_split(np.arange(1_000), 40)
    for part in reversed(parts):
        assert list(pairs.add(Times(at=candidate.at[part], response=candidate.response[part]), NONE)) == []
    portions = list(pairs.add(NONE, twin))
    assert len(portions) == len(at_once)
    for first, second in zip(portions, at_once, strict=True):
        assert np.array_equal(first, second)


def test_an_equal_candidate_passes_its_rung_and_never_fails() -> None:
    """20 candidates without a change, 4,000 requests per arm."""
    results = []
    for seed in range(20):
        comparison = LatencyComparison(MARGINS)
        comparison.feed(arm(4_000, 2 * seed), arm(4_000, 2 * seed + 1))
        results.append((comparison.failed, comparison.passed))
    assert not any(failed for failed, _ in results)
    assert sum(passed for _, passed in results) >= 15


def test_doubled_response_times_are_found_within_300_requests() -> None:
    """Goal P3: +100 % at the median by 300 requests per arm in the median of 40 runs, from blocks of 25."""
    failures = 0
    for seed in range(40):
        comparison = LatencyComparison(MARGINS)
        comparison.feed(arm(300, 2 * seed, factor=2.0), arm(300, 2 * seed + 1))
        failures += comparison.failed
    assert failures >= 20


def test_ten_percent_are_found_within_2800_requests() -> None:
    """Goal P3: in the median of 40 runs."""
    failures = 0
    for seed in range(40):
        comparison = LatencyComparison(MARGINS)
        comparison.feed(arm(2_800, 2 * seed, factor=1.1), arm(2_800, 2 * seed + 1))
        failures += comparison.failed
    assert failures >= 20


def test_a_pass_counts_for_its_rung_and_a_failure_for_all() -> None:
    """A candidate that is slow only at the second rung passed the first one, and fails at the second."""
    comparison = LatencyComparison(MARGINS)
    comparison.feed(arm(4_000, 1), arm(4_000, 2))
    assert comparison.passed
    comparison.start_rung(MARGINS)
    assert (comparison.passed, comparison.pairs) == (False, 0)
    comparison.feed(arm(2_000, 3, factor=1.5), arm(2_000, 4))
    assert comparison.failed
