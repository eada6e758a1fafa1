"""Details of how a load was sent: the generator, the search for a rate, and shards."""

from __future__ import annotations

import msgspec

from ghmlops.core.model import Frozen


class Punctuality(Frozen, frozen=True, kw_only=True):
    """How well the generator kept its schedule: shares of requests and blocks, and lateness in ms."""

    late_share: float | None
    late_blocks_share: float | None
    achieved_share: float | None
    lateness_p50_ms: float | None
    lateness_p99_ms: float | None
    lateness_max_ms: float | None


class GeneratorDetails(Punctuality, frozen=True, kw_only=True, omit_defaults=True):
    """The generator of one run.

    Attributes:
        timer: what woke the generator for each send; a list if its processes differ.
        answers_timed_by: `kernel` or `process`; a list if its processes differ.
        answers_not_stamped: responses without a kernel time stamp, per slot.
        priority: scheduling priority of the process; a list if its processes differ.
        priority_raised: whether every process raised its priority.
        requests_sent: requests sent per arm, including warm-up.
        connections: largest number of connections open at once, per slot.
        waited_for_a_connection: requests that found no free connection, per slot.
        token_gaps_dropped: gaps between tokens beyond the memory limit, per slot.
        requests_sent_again: requests that were sent a second time, because the service closed an idle connection in the
            moment of the send, per slot.
        redirected: requests that followed a redirect, per slot; empty if no endpoint does.
        processes: generator processes.
        start_skew: seconds between the first and the last start of several processes.
        began: time of the schedule's second 0, in seconds of the Unix epoch.
        start_at: requested common start of all shards, in seconds of the Unix epoch.
        started_late_s: seconds behind that common start.
    """

    timer: str | list[str]
    answers_timed_by: str | list[str]
    answers_not_stamped: list[int]
    priority: str | list[str]
    priority_raised: bool
    requests_sent: int
    connections: list[int]
    waited_for_a_connection: list[int]
    token_gaps_dropped: list[int]
    requests_sent_again: list[int] = msgspec.field(default_factory=list)
    redirected: list[int] = msgspec.field(default_factory=list)
    processes: int = 1
    start_skew: float | None = None
    began: float
    start_at: float | None = None
    started_late_s: float | None = None


class RampStep(Frozen, frozen=True, kw_only=True):
    """One step of the ramp: offered and completed rate (requests per second), median response time (ms), failures."""

    rate: float
    completed: float
    median_ms: float | None
    failed: float


class RateSearch(Frozen, frozen=True, kw_only=True):
    """How `rate: auto` was determined: the steps, the knee of the slower arm, and the rate (requests per second)."""

    steps: list[RampStep]
    knee: float
    rate: float


class ShardRun(Frozen, frozen=True, kw_only=True):
    """One shard's part of the run, in addition to its tally.

    Attributes:
        shard: number of the shard, from 1 to `shards`.
        shards: number of shards.
        start_at: common start of all shards, in seconds of the Unix epoch; `None` for a single shard without one.
        began: actual start of this shard, in seconds of the Unix epoch.
        warmup: requests per arm that it sent before the judged ones.
        schedule: judged requests per arm of the whole schedule.
        arms: names of the slots.
        connections: largest number of connections open at once, per slot.
        waited: requests that found no free connection, per slot.
        hlog: `sha256:<hex>` of the histogram log of this shard.
    """

    shard: int
    shards: int
    start_at: float | None
    began: float
    warmup: int
    schedule: int
    arms: list[str]
    connections: list[int]
    waited: list[int]
    hlog: str

    @property
    def late(self) -> float:
        """Seconds behind the common start; at least 0."""
        return 0.0 if self.start_at is None else max(0.0, self.began - self.start_at)

    @property
    def early(self) -> float:
        """Seconds before the common start, which only a wrong clock can give; at least 0."""
        return 0.0 if self.start_at is None else max(0.0, self.start_at - self.began)
