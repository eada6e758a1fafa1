"""Policy section `scale`: its types and defaults. `core.policyfile.production.scale` reads it.

Durations are in seconds, rates in requests per second, ratios are fractions.
"""

from __future__ import annotations

from typing import Literal

from ghmlops.core.policy.production.watch import Log
from ghmlops.core.policy.promote import Prometheus
from ghmlops.core.policy.section import Section
from ghmlops.core.policy.target import ManagerName

Consent = Literal["other-commit", "other-machine", "uncommitted-changes"]
"""What capacity evidence may differ in."""
Mode = Literal["plan", "apply"]


class ScaledTarget(Section, frozen=True, kw_only=True, tag_field="kind"):
    """What has replicas. Every kind is a subclass, with a reader in `core.policyfile.production.scaled_target`."""


class ScaledDeployment(ScaledTarget, frozen=True, kw_only=True, tag="kubernetes"):
    """A Deployment, whose replicas are read and set through `kubectl`."""

    namespace: str
    deployment: str
    context: str = ""
    """Context of the kubeconfig; empty: the current one, or the service account of the pod."""
    coexists_with: tuple[ManagerName, ...] = ()
    """Controllers that manage the Deployment too, and are set up to leave its replicas alone."""
    timeout: float = 30.0
    """Seconds after which a call of `kubectl` is ended."""


class ScaledBackend(ScaledTarget, frozen=True, kw_only=True, tag="haproxy"):
    """Servers of a backend of HAProxy, which are taken into and out of maintenance by its runtime API."""

    socket: str
    """Path of the socket with `level admin`, or `host:port`."""
    backend: str
    servers: tuple[str, ...]
    """Servers whose processes run; the first ones serve, the others are in maintenance."""


class ScaledCommand(ScaledTarget, frozen=True, kw_only=True, tag="command"):
    """Own commands, split into words without a shell."""

    get: str
    """Prints the number of replicas."""
    set: str
    """Sets it, e.g. `./replicas set {replicas}`."""
    timeout: float = 30.0
    """Seconds after which a command is ended."""


class CapacityFile(Section, frozen=True, kw_only=True):
    """Evidence of `capacity`."""

    file: str
    replicas: int = 1
    """Replicas that served the requests of the measurement."""


class ScaleCapacity(Section, frozen=True, kw_only=True):
    """The measured capacity."""

    evidence: tuple[CapacityFile, ...]
    max_age: float = 30 * 86_400.0
    """Age in seconds beyond which the evidence is refused."""
    machine: str = ""
    """Text that the name of the measuring machine contains, e.g. `EPYC 7763`; empty: it is not compared."""
    accept: tuple[Consent, ...] = ()
    """Differences that a person consents to."""


class Queue(Section, frozen=True, kw_only=True):
    """Requests that wait."""

    prometheus: str
    """Query of their number."""
    drain: float = 300.0
    """Seconds within which they are served, in addition to what arrives."""


class Demand(Section, frozen=True, kw_only=True):
    """One demand: requests per second over time, or a fixed rate."""

    name: str = "demand"
    prometheus: str = ""
    """Query of the requests per second."""
    log: Log | None = None
    """Log whose rows are the requests."""
    rate: float = 0.0
    """A fixed rate, e.g. of a load test or a contract."""
    every: float = 60.0
    """Seconds between two points of the query."""
    period: float = 86_400.0
    """Seconds after which the demand repeats itself."""
    history: float = 14 * 86_400.0
    """Seconds of the past that are read."""
    quantile: float = 0.95
    """Quantile of the past periods that is served."""
    lead: float = 300.0
    """Seconds until a replica that is started now is ready."""
    stale: float = 300.0
    """Age in seconds beyond which the newest point says nothing about now."""
    labels: dict[str, str] = {}  # noqa: RUF012  (msgspec copies the default value)
    """Labels that the series of the query must have."""
    queue: Queue | None = None


class Limits(Section, frozen=True, kw_only=True):
    """Limits of the replicas and of each step."""

    max: int
    min: int = 1
    step_up: float = 2.0
    """Largest factor of one step up."""
    step_down: float = 0.1
    """Largest share of the replicas that one step removes; at least one replica."""
    settle_down: float = 600.0
    """Seconds for which fewer replicas must suffice, and after a step, before any is removed."""


class ScaleToZero(Section, frozen=True, kw_only=True):
    """When no replica runs."""

    cold_start: str
    """Evidence of `preview`, which measures the time until a started service is ready."""
    within: float
    """Longest cold start in seconds that the first request may wait for."""
    idle: float = 1800.0
    """Seconds without a request."""


class Manifest(Section, frozen=True, kw_only=True):
    """Names in the manifests of the platform's autoscaler."""

    deployment: str
    namespace: str = "default"
    metric: str = "requests_per_second"
    """External metric of the HorizontalPodAutoscaler, which an adapter serves."""


class Scale(Section, frozen=True, kw_only=True):
    """Replicas from measured capacity and demand."""

    capacity: ScaleCapacity
    demand: tuple[Demand, ...]
    limits: Limits
    target: ScaledDeployment | ScaledBackend | ScaledCommand | None = None
    """What is scaled; without it the plan names the replicas, and nothing is read or set."""
    prometheus: Prometheus | None = None
    """Where the queries are answered."""
    headroom: float = 0.3
    """Share of the capacity that stays unused."""
    fallback: int | None = None
    """Least number of replicas while a demand does not count."""
    zero: ScaleToZero | None = None
    manifest: Manifest | None = None
    """Names in the manifests; by default those of a target `kubernetes`."""
    pause: bool = False
    """Switch: while it is on, no replica is added or removed."""
    freeze_file: str = ""
    """While this file exists, no replica is removed: the switch for an incident."""
    mode: Mode = "plan"
