"""Details of the evidence of `latency`: settings in force, log ratios, failures, the generator, a shard's part."""

from __future__ import annotations

from msgspec import field

from ghmlops.core.details.load_runs import GeneratorDetails, RateSearch, ShardRun
from ghmlops.core.details.over_time import OverTime
from ghmlops.core.details.tally import PackedTally
from ghmlops.core.model import Frozen
from ghmlops.core.policy.latency import Arrivals, LatencyMargin


class Slot(Frozen, frozen=True, kw_only=True):
    """One arm and its address; the order of the slots is swapped in a confirming run."""

    arm: str
    url: str


class RequestSettings(Frozen, frozen=True, kw_only=True):
    """One endpoint as it was requested.

    Attributes:
        name: display name of the endpoint; empty if the policy gives none.
        method: HTTP method.
        path: path without its query, which may contain a secret.
        weight: share of the requests, relative to the other endpoints.
        timeout_s: seconds until a request counts as timed out.
        headers: names only; values may be secrets.
    """

    name: str
    method: str
    path: str
    weight: float
    timeout_s: float
    headers: list[str]


class PlannedRequests(Frozen, frozen=True, kw_only=True):
    """Requests per arm that the whole schedule plans; `extension` are sent only while the verdict is undecided."""

    warmup: int
    planned: int
    extension: int


class LatencySettings(Frozen, frozen=True, kw_only=True):
    """Settings in force. All shards of one run have equal ones."""

    slots: list[Slot]
    requests: list[RequestSettings]
    arrivals: Arrivals
    requests_per_arm: PlannedRequests
    connections: int
    payloads: int
    margins: dict[str, LatencyMargin]


class SkippedLines(Frozen, frozen=True, kw_only=True):
    """Unreadable lines of a recording: why, how many, and the number of the first."""

    why: str
    lines: int
    first: int


class ReplayDetails(Frozen, frozen=True, kw_only=True):
    """Which requests of a recording were sent again."""

    first: str
    last: str
    notes: list[str]
    skipped: list[SkippedLines]
    requests: int
    out_of_order: int


class WriteOrder(Frozen, frozen=True, kw_only=True):
    """Randomised arm order: how often each slot was written first; the seed reproduces every draw."""

    seed: int
    pairs: int
    written_first: dict[str, int]


class LogEvidence(Frozen, frozen=True, kw_only=True, rename={"passing": "pass", "failing": "fail"}):
    """Logarithms of the e-values for "slower than the failing margin" and "not slower than the safe margin"."""

    failing: float | None
    passing: float | None


class DuetDetails(Frozen, frozen=True, kw_only=True):
    """How the paired verdict came about.

    Attributes:
        decision: `pass`, `fail` or `undecided`.
        pairs: compared pairs of blocks.
        decided_at_pair: pair after which the decision stood; `None` if undecided.
        extended: whether the run was extended because it was undecided.
        blocks_without_enough_answers: pairs of blocks that could not be compared.
        blocks: number of each pair's block in its shard, in order.
        lasting_noise: requests that the noise of one arm lasts; beyond 6 it dilutes the evidence.
        log_ratios: log(candidate / baseline) per block, by quantile, in order, and the other statistics of each pair.
        spread_of_log_ratios: robust standard deviation of these, by quantile.
        log_e: by quantile, after dilution; empty without a compared pair.
    """

    decision: str
    pairs: int
    decided_at_pair: int | None
    extended: bool
    blocks_without_enough_answers: int
    blocks: list[int]
    lasting_noise: float | None
    log_ratios: dict[str, list[float]]
    spread_of_log_ratios: dict[str, float | None]
    log_e: dict[str, LogEvidence]


class EndpointArm(Frozen, frozen=True, kw_only=True):
    """Requests, failures and response times (ms) of one endpoint on one arm."""

    requests: int
    failed: int
    response_time_ms: dict[str, float | None]


class EndpointDetails(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """One endpoint of a mix on each arm."""

    endpoint: str
    baseline: EndpointArm | None = None
    candidate: EndpointArm


class FailureKind(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """Failed requests of one kind: how many, the first example, and the counts by status code if the kind has any."""

    count: int
    example: str
    codes: dict[str, int] = field(default_factory=dict)


class FailedRun(Frozen, frozen=True, kw_only=True):
    """The failed run that a confirming run repeats: its file, its origin and the ids of its failed findings."""

    sha256: str
    run_id: str
    started: str
    failed: list[str]


class Confirmation(FailedRun, frozen=True, kw_only=True):
    """A failed run, and which of its failed findings failed again."""

    failed_again: list[str]


Failures = dict[str, dict[str, FailureKind]]
"""Failed requests by arm and kind."""


class LatencyCommon(Frozen, frozen=True, kw_only=True):
    """What the evidence of one run and that of joined shards have in common.

    Attributes:
        settings: settings in force.
        replay: the recording that was replayed; `None` without one.
        judged_per_arm: judged requests per arm.
        duet: the paired verdict; `None` without a baseline.
        endpoints: of a mix, one row per endpoint.
        failures: failed requests by arm and kind.
        confirms: the failed run that this one confirms; `None` for any other run.
        over_time: requests and failures over the time of the run.
    """

    settings: LatencySettings
    replay: ReplayDetails | None = None
    judged_per_arm: int
    duet: DuetDetails | None = None
    endpoints: list[EndpointDetails]
    failures: Failures
    confirms: Confirmation | None = None
    over_time: OverTime | None = None


class LatencyDetails(LatencyCommon, frozen=True, kw_only=True, tag_field="command", tag="latency"):
    """Details of the evidence of `latency`.

    Attributes:
        write_order: randomised arm order; `None` without a baseline.
        generator: the generator.
        rate_search: how `rate: auto` was determined; `None` if the policy states the rate.
        shard: of a shard, its part of the run.
        tally: of a shard, what it counted.
    """

    write_order: WriteOrder | None = None
    generator: GeneratorDetails
    rate_search: RateSearch | None = None
    shard: ShardRun | None = None
    tally: PackedTally | None = None
