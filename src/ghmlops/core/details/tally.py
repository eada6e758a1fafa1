"""JSON form of a tally: the counts and distributions of one shard that `merge-shards` adds up.

The structs mirror `ghmlops.core.latency.tally` field by field, except that a distribution is its encoded histogram.
They fix the shape of a file that another job wrote; `ghmlops.core.latency.tally_file` checks and decodes the numbers.
"""

from __future__ import annotations

from msgspec import field

from ghmlops.core.details.over_time import OverTime
from ghmlops.core.model import Frozen


class PackedDistribution(Frozen, frozen=True, kw_only=True):
    """Distribution of non-negative integers.

    Attributes:
        n: number of values.
        sum: exact sum of the values, in decimal digits, because it can exceed 64 bits.
        max: largest value; 0 without values.
        histogram: HdrHistogram V2, base64; empty without values.
    """

    n: int
    sum: str
    max: int
    histogram: str


class PackedEndpoint(Frozen, frozen=True, kw_only=True):
    """One endpoint of a mix: its requests and the response times (ns) of its successful ones."""

    requests: int
    response: PackedDistribution


class PackedArm(Frozen, frozen=True, kw_only=True):
    """Counts and distributions of one arm."""

    kinds: dict[str, int]
    statuses: dict[str, int]
    distributions: dict[str, PackedDistribution]
    compared: PackedDistribution | None = None
    endpoints: list[PackedEndpoint]
    buffered: int = 0
    """Number of streamed responses whose tokens arrived all at once."""


class PackedPair(Frozen, frozen=True, kw_only=True):
    """One compared pair of blocks: its position in the shard, the shard, and its log ratios by name."""

    block: int
    shard: int
    log_ratios: dict[str, float]


class PackedSends(Frozen, frozen=True, kw_only=True):
    """How well the generator kept its schedule: numbers of requests and blocks, and the lateness (ns)."""

    late: int
    late_blocks: int
    blocks: int
    achieved: int
    lateness: PackedDistribution
    stolen: float = 0.0
    """Share of the CPU time that the hypervisor gave to other machines."""


class PackedShare(Frozen, frozen=True, kw_only=True):
    """How many requests missed one objective, of how many; the values compared with its limit, if it is on a time."""

    missed: int
    n: int
    values: PackedDistribution | None = None


class PackedTally(Frozen, frozen=True, kw_only=True):
    """Everything that one shard counted."""

    requests: int
    candidate: PackedArm
    baseline: PackedArm | None
    objectives: dict[str, PackedShare]
    baseline_objectives: dict[str, PackedShare] = field(default_factory=dict)
    only_candidate: int
    only_baseline: int
    pairs: list[PackedPair]
    missing: int
    planned_pairs: int
    max_requests: int
    full_schedule: bool
    sends: PackedSends
    over_time: OverTime | None = None
