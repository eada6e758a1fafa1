"""The policy file `.github/ghmlops.yml`: its types and its defaults; `policy_reading` reads it.

Every default of the suite stands here once. Durations are seconds, rates are per second, ratios are fractions.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.section import Section

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
PROTOCOLS = ("http/1.1", "http/2", "grpc")
PRESETS = ("open-inference", "openai-chat")


class LatencyMargin(Section, frozen=True, kw_only=True):
    """The two limits of the duet verdict on one quantile, as ratios of the baseline.

    The candidate fails when it is shown to be slower by more than `fail` (m0), and passes when it is shown to be
    slower by less than `safe` (m1).
    """

    fail: float
    safe: float


DEFAULT_LATENCY_MARGINS = {
    "p50": LatencyMargin(fail=0.02, safe=0.10),
    "p95": LatencyMargin(fail=0.03, safe=0.15),
    "p99": LatencyMargin(fail=0.05, safe=0.20),
}


class JsonCheck(Section, frozen=True, kw_only=True):
    """What one place of a JSON answer must hold: the value `equals`, or text in which `matches` is found."""

    path: str
    """Dotted, with list places in brackets: `outputs[0].name`."""
    equals: str = ""
    """The value as the policy spells it; compared with the answer's text, number, `true`, `false` or `null`."""
    matches: str = ""
    """Regular expression, searched in the answer's text."""


class Expect(Section, frozen=True, kw_only=True):
    """What makes an answer a good one. An answer with another status, or that misses a check, is a failed request."""

    status: tuple[int, ...] = ()
    """Good statuses; any 2xx where empty."""
    contains: str = ""
    """Text that the body must hold."""
    json: tuple[JsonCheck, ...] = ()
    smallest: int = 0
    largest: int | None = None
    """Bounds of the body in bytes."""


class Request(Section, frozen=True, kw_only=True):
    """One endpoint: the request that is sent again and again, its body taken from the payloads."""

    name: str = ""
    """Of an endpoint of a mix, for people."""
    weight: float = 1.0
    """Share of the requests, relative to the other endpoints of the mix."""
    method: str = "POST"
    path: str = "/"
    """May hold `{{column}}` fields of the payload's row."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """`${NAME}` in a value is taken from the environment."""
    timeout: float = 10.0
    payloads: str = ""
    """File of this endpoint; the section's `payloads` where empty."""
    template: str = ""
    """Body with `{{column}}` fields, filled with the JSON of each payload row's values."""
    expect: Expect = Expect()


class Trace(Section, frozen=True, kw_only=True):
    """A recording of real arrivals that is replayed: its gaps are kept."""

    file: str
    format: Literal["", "common", "combined", "csv", "jsonl", "parquet"] = ""
    """Known by the file's name and content where empty."""
    time: str = "time"
    """Column or key of the time stamp (CSV, JSONL, Parquet)."""
    speed: float = 1.0
    """2 replays twice as fast."""


class Arrivals(Section, frozen=True, kw_only=True):
    """When requests are sent: an open model, independent of the answers."""

    model: Literal["poisson", "constant", "ramp", "steps", "spike", "diurnal", "replay"] = "poisson"
    rate: float = 50.0
    """Mean rate over the duration; 0 for a replay, whose file says it."""
    duration: float = 60.0
    """For a replay: the most of the recording that is sent, in seconds of the run; 0: all of it."""
    warmup: float = 5.0
    curve: tuple[tuple[float, float], ...] = ()
    """Rate over time as straight lines through (second, rate) points from 0 to `duration`; two at one second are a
    jump. Empty for `poisson`, `constant` and `replay`."""
    trace: Trace | None = None

    @property
    def shaped(self) -> bool:
        """True where the demand has a course that a run must not cut short."""
        return bool(self.curve) or self.trace is not None


class Latency(Section, frozen=True, kw_only=True):
    """The latency smoke test."""

    request: Request = Request()
    mix: tuple[Request, ...] = ()
    """Several endpoints with weights, instead of `request`."""
    protocol: Literal["http/1.1", "http/2", "grpc"] = "http/1.1"
    preset: Literal["", "open-inference", "openai-chat"] = ""
    model: str = ""
    """Name of the model, for a preset."""
    stream: Literal["", "sse", "chunked"] = ""
    """How a streaming answer is cut into tokens: one an event, or one a chunk."""
    ca_file: str = ""
    """PEM file of the authorities to trust for https, instead of the system's."""
    payloads: str = ""
    arrivals: Arrivals = Arrivals()
    slo: Objectives = Objectives()
    margins: dict[str, LatencyMargin] = msgspec.field(default_factory=lambda: dict(DEFAULT_LATENCY_MARGINS))
    connections: int = 64
    """Most connections the generator opens to each arm."""
    processes: int = 0
    """Generator processes; 0: as many as the rate and the protocol ask for, at most one a core."""

    @property
    def endpoints(self) -> tuple[Request, ...]:
        """What is requested: the mix, or the one request."""
        return self.mix or (self.request,)
