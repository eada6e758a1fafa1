"""Policy section `latency`: its types and defaults. `core.policyfile.latency` reads it.

Durations are in seconds, rates in requests per second, ratios are fractions.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.section import Section

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
ProtocolName = Literal["http/1.1", "http/2", "grpc"]
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
PRESETS = ("open-inference", "openai-chat", "openai-responses", "anthropic-messages")
STREAMED_PRESETS = ("openai-chat", "openai-responses", "anthropic-messages")
"""Presets whose responses are streams of events."""


class LatencyMargin(Section, frozen=True, kw_only=True):
    """The two margins of the latency verdict on one quantile, as fractions of the baseline.

    The candidate fails if it is slower by more than `fail` (m0) and passes if it is slower by less than `safe` (m1),
    each with the error probability of the e-process.
    """

    fail: float
    safe: float


DEFAULT_LATENCY_MARGINS = {
    "p50": LatencyMargin(fail=0.02, safe=0.10),
    "p95": LatencyMargin(fail=0.03, safe=0.15),
    "p99": LatencyMargin(fail=0.05, safe=0.20),
}


class JsonCheck(Section, frozen=True, kw_only=True):
    """A check on one value of a JSON response: it equals `equals`, or is text with a match of `matches`."""

    path: str
    """Dotted path with list indices in brackets: `outputs[0].name`."""
    equals: str = ""
    """The value as written in the policy; compared with the text, number, `true`, `false` or `null` of the response."""
    matches: str = ""
    """Regular expression that is searched in the text of the value."""


class Expect(Section, frozen=True, kw_only=True):
    """The expected response. A response with another status, or that violates a check, is a failed request."""

    status: tuple[int, ...] = ()
    """Expected status codes; if empty, any 2xx."""
    contains: str = ""
    """Text that the body must contain."""
    json: tuple[JsonCheck, ...] = ()
    smallest: int = 0
    largest: int | None = None
    """Bounds of the size of the body in bytes."""


class Request(Section, frozen=True, kw_only=True):
    """The request that is sent to one endpoint; its body comes from the payloads."""

    name: str = ""
    """Display name of the endpoint (used with `mix`)."""
    weight: float = 1.0
    """Fraction of the requests, relative to the weights of the other endpoints of the mix."""
    method: str = "POST"
    path: str = "/"
    """May contain `{{column}}` fields, filled from the row of the payload."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """`${NAME}` in a value is replaced by the environment variable."""
    timeout: float = 10.0
    follow_redirect: bool = False
    """Whether one redirect is followed (HTTP/1.1, no stream)."""
    payloads: str = ""
    """Payload file of this endpoint; if empty, the `payloads` of the section."""
    template: str = ""
    """Body with `{{column}}` fields, each replaced by the JSON of the value in the row of the payload."""
    expect: Expect = Expect()

    @property
    def public_path(self) -> str:
        """Path without its query, which may contain a secret."""
        return self.path.partition("?")[0]


class Trace(Section, frozen=True, kw_only=True):
    """A recording of real arrivals, replayed with its original gaps."""

    file: str
    format: Literal["", "common", "combined", "w3c", "alb", "envoy", "csv", "jsonl", "har", "parquet", "demand"] = ""
    """Format of the file; if empty, it is detected from name and content."""
    time: str = "time"
    """Column or key of the timestamp (W3C, CSV, JSONL, Parquet); `a.b` is the key `b` of the object `a` (JSONL)."""
    zone: str = ""
    """Time zone of the times that state none, for example `Europe/Berlin`; if empty, UTC is assumed as long as no
    change of the clocks can have affected them."""
    speed: float = 1.0
    """Factor by which the replay is faster than the recording."""
    share: float = 1.0
    """Fraction of the requests of a demand profile (format `demand`) that is sent; other recordings are whole."""


class Arrivals(Section, frozen=True, kw_only=True):
    """The arrival process: an open model, in which requests are sent independently of the responses."""

    model: Literal["poisson", "constant", "ramp", "steps", "spike", "diurnal", "replay"] = "poisson"
    rate: float = 50.0
    """Mean rate over the duration in requests per second; 0 for a replay, whose file determines it."""
    auto: bool = False
    """Whether a short ramp before the run determines the rate: half of the knee of the slower arm."""
    duration: float = 60.0
    """Run time in seconds. Replay only: the maximum run time; 0 replays the entire recording."""
    warmup: float = 5.0
    curve: tuple[tuple[float, float], ...] = ()
    """Rate over time, interpolated linearly between (second, rate) points from 0 to `duration`; two points at the same
    second are a jump. Empty for `poisson`, `constant` and `replay`."""
    trace: Trace | None = None

    @property
    def shaped(self) -> bool:
        """True if the rate changes over time, so that a run must not end before its duration."""
        return bool(self.curve) or self.trace is not None


class Latency(Section, frozen=True, kw_only=True):
    """The latency smoke test."""

    request: Request = Request()
    mix: tuple[Request, ...] = ()
    """Several endpoints with weights, in place of `request`."""
    protocol: ProtocolName = "http/1.1"
    preset: Literal["", "open-inference", "openai-chat", "openai-responses", "anthropic-messages"] = ""
    model: str = ""
    """Name of the model, for a preset."""
    stream: Literal["", "sse", "chunked"] = ""
    """How a streamed response is split into tokens: one per event, or one per chunk."""
    ca_file: str = ""
    """PEM file of the certificate authorities for https, in place of those of the system."""
    payloads: str = ""
    arrivals: Arrivals = Arrivals()
    slo: Objectives = Objectives()
    margins: dict[str, LatencyMargin] = msgspec.field(default_factory=lambda: dict(DEFAULT_LATENCY_MARGINS))
    connections: int = 64
    """Maximum number of connections per arm."""
    processes: int = 0
    """Number of generator processes; 0: chosen from rate and protocol, at most one per core."""

    @property
    def endpoints(self) -> tuple[Request, ...]:
        """The requests of the run: the mix, or the single request."""
        return self.mix or (self.request,)
