"""Policy value `target`: the router whose weights a promotion changes. One type per kind of target."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.policy.section import Section

ManagerName = Literal["argo-cd", "argo-rollouts", "flagger", "flux"]
"""Controllers that set weights or replicas to those of their own source."""


class TargetSettings(Section, frozen=True, kw_only=True, tag_field="kind"):
    """Settings of one target. Every kind of target is a subclass, with a reader in `core.policyfile.target`."""

    @property
    def has_twin(self) -> bool:
        """Whether the target has a fresh copy of the baseline with its own weight."""
        return bool(getattr(self, "twin", False))

    @property
    def header_settings(self) -> TargetSettings | None:
        """Settings of the route for requests with a header, with the candidate and the baseline; `None` without one."""
        return None

    @property
    def is_scalable(self) -> bool:
        """Whether the servers of an arm can be added and removed."""
        return bool(getattr(self, "scale", ""))


class DryRunTarget(TargetSettings, frozen=True, kw_only=True, tag="dry-run"):
    """No router: weights are printed and kept in a file, so that a ladder can be rehearsed."""

    file: str = "ghmlops-weights.json"
    """File with the weights, relative to the repository."""
    twin: bool = True
    """Whether the rehearsed target has a twin."""


class CommandTarget(TargetSettings, frozen=True, kw_only=True, tag="command"):
    """Own commands. Each is split into words without a shell; `{arm}` and `{weight}` are replaced in single words."""

    set: str
    """Sets the weight of one arm, e.g. `./router set {arm} {weight}`. Exit code 0 means that it is in effect."""
    get: str
    """Prints the weight of one arm as a whole number, e.g. `./router get {arm}`."""
    limit: int = 100
    """Highest weight that the router accepts."""
    twin: bool = False
    """Whether the router has an arm `twin`."""
    timeout: float = 30.0
    """Seconds after which a command is ended."""
    ready: str = ""
    """Prints the number of ready servers of one arm, e.g. `./router ready {arm}`; empty: it is not known."""
    scale: str = ""
    """Sets the number of servers of one arm, e.g. `./router scale {arm} {replicas}`; needs `ready`."""


class HaproxyTarget(TargetSettings, frozen=True, kw_only=True, tag="haproxy"):
    """A backend of HAProxy, whose weights are changed by the runtime API on its socket."""

    socket: str
    """Path of the socket with `level admin`, or `host:port`."""
    backend: str
    candidate: tuple[str, ...]
    """Servers of each arm."""
    baseline: tuple[str, ...]
    twin: tuple[str, ...] = ()
    header_route: str = ""
    """Backend with servers of the same names, for requests with a header; empty: there is none."""

    @property
    def header_settings(self) -> HaproxyTarget | None:
        """Settings of that backend."""
        if not self.header_route:
            return None
        return msgspec.structs.replace(self, backend=self.header_route, twin=(), header_route="")


class EnvoyTarget(TargetSettings, frozen=True, kw_only=True, tag="envoy"):
    """A route of Envoy with weighted clusters, whose weights are runtime values."""

    admin: str
    """Admin address, `host:port`."""
    runtime_key_prefix: str
    """`runtime_key_prefix` of the route's weighted clusters."""
    candidate: tuple[str, ...]
    """Clusters of each arm."""
    baseline: tuple[str, ...]
    twin: tuple[str, ...] = ()
    header_route: str = ""
    """Name and `runtime_key_prefix` of the route, with the same clusters, for requests with a header; may be empty."""

    @property
    def header_settings(self) -> EnvoyTarget | None:
        """Settings of that route."""
        if not self.header_route:
            return None
        return msgspec.structs.replace(self, runtime_key_prefix=self.header_route, twin=(), header_route="")


class NginxTarget(TargetSettings, frozen=True, kw_only=True, tag="nginx"):
    """An upstream of nginx, whose servers are in an included file; every change is a checked reload."""

    servers: str
    """File with the servers of the upstream, which ghmlops writes; relative to the repository, or absolute."""
    candidate: tuple[str, ...]
    """Addresses of each arm, `host:port`."""
    baseline: tuple[str, ...]
    twin: tuple[str, ...] = ()
    check: str = "nginx -t"
    """Command that checks the configuration."""
    reload: str = "nginx -s reload"
    """Command that reloads it."""


class Deployments(Section, frozen=True, kw_only=True):
    """The Deployments behind the Services of the arms."""

    candidate: str
    baseline: str
    twin: str = ""


class KubernetesTarget(TargetSettings, frozen=True, kw_only=True, tag="kubernetes"):
    """A rule of an HTTPRoute of the Gateway API, whose weights are changed through `kubectl`."""

    route: str
    """Name of the HTTPRoute."""
    namespace: str
    candidate: str
    """Service of each arm, a backend of the rule."""
    baseline: str
    twin: str = ""
    rule: str = ""
    """Name or index of the rule, from 0; needed if the route has several."""
    context: str = ""
    """Context of the kubeconfig; empty: the current one, or the service account of the pod."""
    deployments: Deployments | None = None
    """Deployments of the arms; without them it is not known which servers are ready."""
    scale: bool = False
    """Whether the replicas of the Deployments are changed."""
    coexists_with: tuple[ManagerName, ...] = ()
    """Controllers that manage the route or the Deployments too, and are set up to leave weights and replicas alone."""
    timeout: float = 30.0
    """Seconds after which a call of `kubectl` is ended."""
