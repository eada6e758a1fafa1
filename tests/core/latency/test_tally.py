"""Tallies: the sum of the shards equals, count for count, the tally of a single generator."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.latency.details import measurements
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.shards.evidence import sum_shards
from ghmlops.core.latency.shards.findings import judge_shards
from ghmlops.core.latency.shards.tally_file import pack
from ghmlops.core.model import Outcome
from ghmlops.core.policy.latency import Latency
from shard_runs import POLICY, STREAM, shard_of, total_and_shards


@pytest.mark.parametrize("count", [1, 2, 7, 16])
@pytest.mark.parametrize("policy", [POLICY, STREAM], ids=["plain", "stream"])
def test_the_sum_of_shards_equals_one_generator_count_for_count(count: int, policy: Latency) -> None:
    """Every count and every distribution of the sum is that of one generator with the same results."""
    single, parts, _ = total_and_shards(policy, count, paired=False)
    total = sum_shards([shard_of(part, k, count) for k, part in enumerate(parts, start=1)])
    assert single.candidate == total.candidate
    assert single.objectives == total.objectives
    assert (single.requests, single.max_requests) == (total.requests, total.max_requests)
    assert single.sends.lateness == total.sends.lateness
    assert (single.sends.late, single.sends.achieved) == (total.sends.late, total.sends.achieved)
    assert measurements(single) == measurements(total)
    assert [f.outcome for f in judge_tally(single, policy)] == [f.outcome for f in judge_tally(total, policy)]


@pytest.mark.parametrize(("slower", "expected"), [(1.0, Outcome.PASS), (1.5, Outcome.FAIL)])
def test_a_duet_over_shards(slower: float, expected: Outcome) -> None:
    """The sum is judged by the pairs of all shards in the order of their blocks; failures are counted in pairs."""
    single, parts, _ = total_and_shards(POLICY, 4, paired=True, slower=slower)
    shards = [shard_of(part, k, 4) for k, part in enumerate(parts, start=1)]
    total = sum_shards(shards)
    assert (single.only_candidate, single.only_baseline) == (total.only_candidate, total.only_baseline)
    assert single.arms == total.arms
    assert [(pair.block, pair.shard) for pair in total.pairs[:5]] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]
    assert len(total.pairs) == sum(len(part.pairs) for part in parts) == total.planned_pairs
    by_id = {f.id: f for f in judge_shards(shards, POLICY)}
    assert next(iter(by_id)) == "shards"
    assert (by_id["shards"].outcome, by_id["latency-p50"].outcome) == (Outcome.PASS, expected)


def test_addition_is_commutative() -> None:
    """The order of adding tallies does not matter."""
    _, (a, b, c), _ = total_and_shards(POLICY, 3, paired=True)
    assert pack(a + b + c) == pack(c + (b + a))


def test_runs_of_different_measurements_are_not_added() -> None:
    """Runs with and without a baseline, or with different objectives or measurements, cannot be added."""
    _, (paired,), _ = total_and_shards(POLICY, 1, paired=True)
    _, (alone,), _ = total_and_shards(POLICY, 1, paired=False)
    _, (stream,), _ = total_and_shards(STREAM, 1, paired=False)
    for other in (paired, stream, msgspec.structs.replace(alone, candidate=stream.candidate)):
        with pytest.raises(ValueError, match="different"):
            alone + other
