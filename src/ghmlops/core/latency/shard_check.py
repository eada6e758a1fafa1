"""What a policy asks of a shard: the requests of its part, and each objective counted at its limit. Pure.

Shards come from other machines. Their counts must be those that the policy and the seed give, and must not say
something else than the histogram beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.latency.objectives import allowed_shares, limits
from ghmlops.core.load import arrivals

if TYPE_CHECKING:
    from ghmlops.core.latency.shards import Shard
    from ghmlops.core.latency.tally import Tally
    from ghmlops.core.policy.latency import Latency

MOST_PLANNED = 50_000_000
"""Requests up to which a schedule is laid out again to count it."""


def planned(policy: Latency, seed: int | None) -> tuple[int, int] | None:
    """Return the requests an arm of the whole schedule, warm-up and judged.

    `None` where a recording decides, which is not at hand, or where there are more than `MOST_PLANNED`.
    """
    model = policy.arrivals
    if model.trace is not None or seed is None or seed < 0:
        return None
    if model.rate * (model.warmup + model.duration) > MOST_PLANNED:
        return None
    return len(arrivals.warmup_times(model, seed)), len(arrivals.demand_times(model, seed))


def contradiction(shard: Shard, policy: Latency, whole: tuple[int, int] | None) -> str:
    """Say what of a shard cannot be a part of the run that `policy` asks for; empty where all of it can.

    `whole` is what `planned` returned.
    """
    tally, run = shard.tally, shard.run
    endpoints = len(policy.mix)
    if tally.objectives.keys() != allowed_shares(policy.slo).keys() or any(
        len(arm.endpoints) != endpoints for arm in tally.arms.values()
    ):
        return "it does not count what the policy asks for"
    if whole is not None:
        warmup, judged = whole
        before = _part(warmup, run.shard, run.shards)
        own = _part(warmup + judged, run.shard, run.shards) - before
        if (run.schedule, run.warmup, tally.requests) != (judged, before, own):
            return f"its part of the schedule is {own:,} requests after {before:,} of warm-up, of {judged:,} in all"
    return _miscounted(tally, policy)


def _part(requests: int, shard: int, shards: int) -> int:
    """Return how many of the first `requests` of a schedule one shard sends."""
    return max(0, -((shard - 1 - requests) // shards))


def _miscounted(tally: Tally, policy: Latency) -> str:
    failed = tally.requests - tally.candidate.ok
    for name, (_, limit) in limits(policy.slo).items():
        share = tally.objectives[name]
        if name not in policy.slo.quantiles or share.values is None:
            continue
        slow, nanoseconds = share.missed - failed, limit * 1e9
        histogram = share.values.histogram  # times were rounded to whole nanoseconds for it
        if not histogram.count_above(nanoseconds + 1) <= slow <= histogram.count_possibly_above(nanoseconds - 1):
            return f"it counts {slow:,} slow answers for {name}, and its histogram says otherwise"
    return ""
