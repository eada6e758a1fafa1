"""Details of the evidence that `merge-shards` joins from the shards of a latency run."""

from __future__ import annotations

from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.details.load_runs import Punctuality
from ghmlops.core.model import Frozen


class ShardRow(Frozen, frozen=True, kw_only=True):
    """One joined shard.

    Attributes:
        shard: its number, from 1.
        requests: its judged requests per arm.
        warmup: requests per arm that it sent before these.
        began: its start, in seconds of the Unix epoch.
        started_late_s: seconds behind the common start.
        late_sends: requests that it sent late.
    """

    shard: int
    requests: int
    warmup: int
    began: float
    started_late_s: float
    late_sends: int


class MergeShardsDetails(LatencyCommon, frozen=True, kw_only=True, tag_field="command", tag="merge-shards"):
    """Details of the evidence of `latency` that was joined from shards.

    Attributes:
        generator: how well all generators together kept the schedule.
        shards: the joined shards.
        shards_planned: number of shards of the whole schedule.
    """

    generator: Punctuality
    shards: list[ShardRow]
    shards_planned: int
