"""The policy file `.github/ghmlops.yml`: its types and its defaults; `policy_reading` reads it.

Every default of the suite stands here once. Durations are seconds, rates are per second, ratios are fractions.
"""

from __future__ import annotations

from typing import Literal

import msgspec

DEFAULT_PATH = ".github/ghmlops.yml"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
OBJECTIVES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
PILLARS = ("preview", "latency", "regression")


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the sections."""


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


class Preview(Section, frozen=True, kw_only=True):
    """How to get a running service: exactly one of `command` and `url`."""

    command: str = ""
    """Shell-like words, split without a shell; `{port}` becomes a free port."""
    url: str = ""
    baseline_url: str = ""
    ready: str = "/"
    """Path that answers 2xx when the service is ready."""
    timeout: float = 60.0


class Request(Section, frozen=True, kw_only=True):
    """The request that is sent again and again, its body taken from the payloads."""

    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    timeout: float = 10.0


class Arrivals(Section, frozen=True, kw_only=True):
    """When requests are sent: an open model, independent of the answers."""

    model: Literal["poisson", "constant"] = "poisson"
    rate: float = 50.0
    duration: float = 60.0
    warmup: float = 5.0


class Objectives(Section, frozen=True, kw_only=True):
    """Limits on the candidate alone: seconds for quantiles of the response time, a ratio for errors."""

    quantiles: dict[str, float] = {}
    errors: float | None = None


class Latency(Section, frozen=True, kw_only=True):
    """The latency smoke test."""

    request: Request = Request()
    payloads: str = ""
    arrivals: Arrivals = Arrivals()
    slo: Objectives = Objectives()
    margins: dict[str, LatencyMargin] = msgspec.field(default_factory=lambda: dict(DEFAULT_LATENCY_MARGINS))
    connections: int = 64
    """Most connections the generator opens to each arm."""


class Artifacts(Section, frozen=True, kw_only=True):
    """Where the prediction artifacts of both sides lie, relative to the repository."""

    baseline: str = ""
    candidate: str = ""


class Regression(Section, frozen=True, kw_only=True):
    """The diff of two prediction artifacts."""

    task: Literal["binary", "regression"]
    key: tuple[str, ...]
    label: str
    score: str = ""
    """Column of the probability of the positive class (binary)."""
    prediction: str = ""
    """Column of the decision (binary) or of the predicted value (regression)."""
    threshold: float = 0.5
    """Decision threshold on `score` where there is no `prediction` column; at or above is positive."""
    classes: tuple[str, ...] = ()
    """Binary: `[negative, positive]` where labels are not 0/1 or booleans."""
    time: str = ""
    window: Literal["", "1h", "1d", "1w", "1mo"] = ""
    slices: tuple[tuple[str, ...], ...] = ()
    minimum_rows: int = 200
    """Slices and windows with fewer rows are listed as not measured."""
    group: str = ""
    """Column that groups dependent rows (user, session): tests then work on groups."""
    margins: dict[str, float] = {}
    """By metric id: absolute for accuracy-like metrics, a fraction of the baseline's value for losses."""
    undecided: Literal["inconclusive", "warn"] = "inconclusive"
    """What an overall metric is called that neither passes nor fails."""
    intent: Literal["improve", "unchanged"] = "improve"
    artifacts: Artifacts = Artifacts()
    labels: str = ""


class Gate(Section, frozen=True, kw_only=True):
    """What a deployment needs."""

    environment: str = "production"
    require: tuple[str, ...] = ()
    """Commands whose evidence must be there; every section of the policy that measures, where empty."""
    max_age: float = 7 * 86400.0
    """Evidence older than this is stale."""


class Policy(Section, frozen=True, kw_only=True):
    """The whole file."""

    service: str
    version: int = 1
    preview: Preview | None = None
    latency: Latency | None = None
    regression: Regression | None = None
    gate: Gate = Gate()

    @property
    def required(self) -> tuple[str, ...]:
        """Commands whose evidence the gate needs."""
        if self.gate.require:
            return self.gate.require
        return tuple(name for name in ("latency", "regression") if getattr(self, name) is not None)
