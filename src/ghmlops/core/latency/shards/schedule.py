"""Checks a shard against the policy: the requests of its part of the schedule, and its count of each objective.

Shards come from other machines. Their counts must be those that follow from the policy and the seed, and must agree
with their own histograms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.latency.constants import MAX_COUNTED_SCHEDULE
from ghmlops.core.latency.objectives import allowed_shares, limits
from ghmlops.core.load import arrivals

if TYPE_CHECKING:
    from ghmlops.core.latency.shards.evidence import Shard
    from ghmlops.core.latency.tally import Tally
    from ghmlops.core.policy.latency import Latency


def planned_requests(policy: Latency, seed: int | None) -> tuple[int, int] | None:
    """Return the warm-up and the judged requests per arm of the total schedule.

    Returns:
        `None` if the schedule depends on a recording, which is not available here, if the seed is unknown, or if there
        are more than `MAX_COUNTED_SCHEDULE` requests.
    """
    model = policy.arrivals
    if model.trace is not None or seed is None or seed < 0:
        return None
    if model.rate * (model.warmup + model.duration) > MAX_COUNTED_SCHEDULE:
        return None
    return len(arrivals.warmup_times(model, seed)), len(arrivals.demand_times(model, seed))


def find_contradiction(shard: Shard, policy: Latency, schedule: tuple[int, int] | None) -> str:
    """Return why a shard cannot be a part of the run that `policy` describes; empty if it can.

    Args:
        shard: The shard.
        policy: The section `latency` of the policy.
        schedule: Result of `planned_requests`.
    """
    tally, run = shard.tally, shard.run
    endpoints = len(policy.mix)
    if tally.objectives.keys() != allowed_shares(policy.slo).keys() or any(
        len(arm.endpoints) != endpoints for arm in tally.arms.values()
    ):
        return "its objectives or endpoints are not those of the policy"
    if schedule is not None:
        warmup, judged = schedule
        shard_warmup = _count_of_shard(warmup, run.shard, run.shards)
        shard_judged = _count_of_shard(warmup + judged, run.shard, run.shards) - shard_warmup
        if (run.schedule, run.warmup, tally.requests) != (judged, shard_warmup, shard_judged):
            expected = f"{shard_judged:,} requests after {shard_warmup:,} of warm-up, of {judged:,} in total"
            return f"its part of the schedule must have {expected}"
    return _find_miscount(tally, policy)


def _count_of_shard(requests: int, shard: int, shards: int) -> int:
    """Return how many of the first `requests` of a schedule one shard sends."""
    return max(0, -((shard - 1 - requests) // shards))


def _find_miscount(tally: Tally, policy: Latency) -> str:
    """Return which objective's count contradicts its histogram; empty if none does."""
    failed = tally.requests - tally.candidate.ok
    for name, (_, limit) in limits(policy.slo).items():
        share = tally.objectives[name]
        if name not in policy.slo.quantiles or share.values is None:
            continue
        slow, limit_ns = share.missed - failed, limit * 1e9
        histogram = share.values.histogram
        # The histogram contains times rounded to nanoseconds.
        if not histogram.count_above(limit_ns + 1) <= slow <= histogram.count_possibly_above(limit_ns - 1):
            return f"it counts {slow:,} slow responses for {name}, which contradicts its histogram"
    return ""
