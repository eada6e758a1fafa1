"""Policy section `shadow`: its types and defaults. `core.policyfile.before_traffic.shadow` reads it.

Durations are in seconds, rates in requests per second, ratios are fractions.
"""

from __future__ import annotations

import msgspec

from ghmlops.core.policy.before_traffic.expect import Expect
from ghmlops.core.policy.latency import LatencyMargin
from ghmlops.core.policy.section import Section


class Compare(Section, frozen=True, kw_only=True):
    """How two answers are compared."""

    ignore: tuple[str, ...] = ()
    """Paths of the answer that are not compared, with everything below them."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Lists whose elements are matched by a field: path of the list to name of the field."""
    tolerance: dict[str, float] = msgspec.field(default_factory=dict)
    """Largest difference of two numbers that counts as equal, by path; at other paths it is learned from the twin."""
    decision: str = ""
    """Path of the value that the caller acts on."""


class ShadowMargins(Section, frozen=True, kw_only=True):
    """What may change beyond the noise of the baseline; `None`: shown and not judged."""

    disagreement: float | None = None
    """Share of the rows on which any compared value changed."""
    decisions: float | None = None
    """Share of the rows on which `compare.decision` changed."""
    latency: dict[str, LatencyMargin] | None = None
    """Margins of the service times by quantile, as in `latency`. `None`: a slower candidate only warns."""


class Send(Section, frozen=True, kw_only=True):
    """How the requests are sent."""

    rate: float = 50.0
    """Recorded requests per second at most; each is sent once to every arm."""
    workers: int = 4
    """Requests that each arm answers at the same time, at most."""
    timeout: float = 10.0
    budget: float = 600.0
    """Seconds of sending; requests that were not sent until then are dropped and counted."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Headers of each request; `${NAME}` in a value is replaced by the environment variable."""
    recorded_headers: tuple[str, ...] = ()
    """Recorded headers that are sent in addition to `content-type` and `accept`."""


class AccessLogs(Section, frozen=True, kw_only=True):
    """Logs of answers, joined by request id."""

    live: str
    """JSON lines, or folder with traces of Envoy's tap filter, of the live service."""
    candidate: str
    """The same of the candidate, which receives mirrored requests."""
    twin: str = ""
    """The same of a second mirror at the version of the live service; empty: none."""
    id: str = "x-request-id"
    """Key of a line, or header of a trace, with the id of the request."""


class Shadow(Section, frozen=True, kw_only=True):
    """The same requests to baseline, its twin and candidate: exactly one of `requests`, `har` and `access_logs`."""

    requests: str = ""
    """Parquet or JSONL file of recorded requests, or of their bodies alone."""
    har: str = ""
    """HTTP archive (HAR 1.2)."""
    access_logs: AccessLogs | None = None
    """Logs of live and mirrored traffic; nothing is sent."""
    safe: tuple[str, ...] = ()
    """Endpoints with other methods than GET, HEAD and OPTIONS that change nothing: `POST /predict`."""
    twin: bool = True
    """Whether a second process of the baseline measures its noise; otherwise the baseline is asked twice."""
    expect: Expect = "new-model"
    compare: Compare = Compare()
    margins: ShadowMargins = ShadowMargins()
    coverage: float = 0.99
    """Share of the recorded requests that must be compared."""
    answers: str = ""
    """Folder that receives the answers of both arms as `baseline.parquet` and `candidate.parquet`; empty: none."""
    private: tuple[str, ...] = ()
    """Names of fields whose values no example shows, at any depth."""
    send: Send = Send()
