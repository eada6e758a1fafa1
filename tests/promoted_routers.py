"""The routers on which promotions run under the runner of the workflows: a real HAProxy and a real Envoy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoy_router import PREFIX, needs_envoy, running_envoy
from ghmlops.act.targets import open_target
from ghmlops.core.policy.target import EnvoyTarget, HaproxyTarget
from ghmlops.measure.telemetry.envoy_log import parse_envoy
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from haproxy_router import needs_haproxy, running_haproxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.act.targets import Target
    from ghmlops.measure.telemetry import LogLine
    from routed_service import StartRouter

FIRST_WEIGHTS = {"v2": 0, "v1t": 0, "v1": 100}
"""Name of the candidate, its twin and the baseline to their first weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterKind:
    """A kind of router.

    Attributes:
        name: `haproxy` or `envoy`.
        start: Starts it.
        log: Name of its access log.
        log_format: Format of the log in the policy.
        parse: Parser of one line.
    """

    name: str
    start: StartRouter
    log: str
    log_format: str
    parse: Callable[[str], LogLine | None]

    def settings(self, folder: Path) -> HaproxyTarget | EnvoyTarget:
        """Return the target with the three arms in a folder where the router runs."""
        candidate, twin, baseline = ("v2",), ("v1t",), ("v1",)
        if self.name == "haproxy":
            return HaproxyTarget(
                socket=str(folder / "admin.sock"),
                backend="scorer",
                candidate=candidate,
                twin=twin,
                baseline=baseline,
            )
        return EnvoyTarget(
            admin=f"127.0.0.1:{(folder / 'admin').read_text()}",
            runtime_key_prefix=PREFIX,
            candidate=candidate,
            twin=twin,
            baseline=baseline,
        )

    def target(self, folder: Path) -> Target:
        """Return the router."""
        return open_target(self.settings(folder), folder)

    def policy(self, folder: Path) -> str:
        """Return the keys `target` and `observe` of the policy, in one line each."""
        arms = "candidate: v2, twin: v1t, baseline: v1"
        if self.name == "haproxy":
            target = f"haproxy: {{socket: {folder}/admin.sock, backend: scorer, {arms}}}"
        else:
            admin = f"127.0.0.1:{(folder / 'admin').read_text()}"
            target = f'envoy: {{admin: "{admin}", runtime-key-prefix: {PREFIX}, {arms}}}'
        log = f"{{access-log: {folder}/{self.log}, format: {self.log_format}}}"
        return f"  target: {{{target}}}\n  observe: {log}\n"

    def lines(self, folder: Path) -> list[LogLine]:
        """Return the requests of the log so far."""
        rows = (self.parse(line) for line in (folder / self.log).read_text().splitlines())
        return [row for row in rows if row]


__all__ = ["ENVOY", "FIRST_WEIGHTS", "HAPROXY", "RouterKind", "needs_envoy", "needs_haproxy"]

HAPROXY = RouterKind(
    name="haproxy", start=running_haproxy, log="haproxy.log", log_format="haproxy", parse=parse_haproxy
)
ENVOY = RouterKind(name="envoy", start=running_envoy, log="access.log", log_format="envoy-json", parse=parse_envoy)
