"""Shards against the policy: the requests of their part of the schedule, and their counts of slow responses."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from ghmlops.core.latency.shards.evidence import Shard
from ghmlops.core.latency.shards.schedule import find_contradiction, planned_requests
from ghmlops.core.policy.latency import Arrivals, Trace
from ghmlops.core.policy.objectives import Objectives
from shard_runs import POLICY, STREAM, shard_of, total_and_shards


@pytest.fixture(scope="module")
def three() -> list[Shard]:
    """Return three shards of a run without a baseline."""
    _, parts, _ = total_and_shards(POLICY, 3, paired=False)
    return [shard_of(part, k, 3) for k, part in enumerate(parts, start=1)]


@pytest.mark.parametrize("count", [1, 3, 256])
def test_a_shard_has_its_part_of_the_schedule_of_the_policy(count: int) -> None:
    """The counts of a part follow from the policy and the seed; a part of another schedule is refused."""
    _, parts, plans = total_and_shards(POLICY, count, paired=False)
    schedule = planned_requests(POLICY, 1)
    assert schedule == (400, 12_000)
    for k, (part, plan) in enumerate(zip(parts, plans, strict=True), start=1):
        shard = shard_of(part, k, count)
        valid = replace(shard, run=msgspec.structs.replace(shard.run, warmup=plan.warmup))
        assert find_contradiction(valid, POLICY, schedule) == ""
        other = replace(valid, run=msgspec.structs.replace(valid.run, schedule=6000))
        assert "of 12,000 in total" in find_contradiction(other, POLICY, schedule)
        fewer = replace(valid, tally=msgspec.structs.replace(part, requests=part.requests - 1))
        assert "of 12,000 in total" in find_contradiction(fewer, POLICY, schedule)


def test_counts_of_slow_responses_agree_with_the_histogram(three: list[Shard]) -> None:
    """A count of misses that contradicts its histogram is refused; schedules of recordings are not generated."""
    strict = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.012}, errors=0.02))
    _, (tally,), _ = total_and_shards(strict, 1, paired=False)
    shard = replace(three[0], tally=tally)
    assert find_contradiction(shard, strict, None) == ""
    for change in (-50, 50):
        share = tally.objectives["p99"]
        objectives = tally.objectives | {"p99": msgspec.structs.replace(share, missed=share.missed + change)}
        wrong = replace(shard, tally=msgspec.structs.replace(tally, objectives=objectives))
        assert "p99" in find_contradiction(wrong, strict, None)
    assert "objectives" in find_contradiction(shard, STREAM, None)
    trace = Arrivals(model="replay", rate=0.0, duration=0.0, trace=Trace(file="access.log"))
    assert planned_requests(msgspec.structs.replace(POLICY, arrivals=trace), 1) is None
