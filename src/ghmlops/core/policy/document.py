"""The policy as a whole: one field per section."""

from __future__ import annotations

from ghmlops.core.pillars import PILLARS, Pillar
from ghmlops.core.policy.before_traffic.shadow import Shadow
from ghmlops.core.policy.before_traffic.synthetic import Synthetic
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.latency import Latency
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policy.production.harvest import Harvest
from ghmlops.core.policy.production.history import History
from ghmlops.core.policy.production.scale import Scale
from ghmlops.core.policy.production.watch import Watch
from ghmlops.core.policy.promote import Promote
from ghmlops.core.policy.reactions import Alerts, Revert
from ghmlops.core.policy.regression import Regression
from ghmlops.core.policy.section import Section

DEFAULT_PATH = ".github/ghmlops.yml"


class Policy(Section, frozen=True, kw_only=True):
    """The policy file."""

    service: str
    version: int = 1
    paths: tuple[str, ...] = ()
    """Patterns of the files that belong to the service; a pull request without such a file is not measured. Empty: all
    files of the repository."""
    preview: Preview | None = None
    targets: tuple[str, ...] = ()
    """Hosts beyond loopback and the preview to which the input `allow-hosts` is narrowed; `*.example.com` includes all
    subdomains. Empty: the input alone decides."""
    latency: Latency | None = None
    capacity: Capacity | None = None
    regression: Regression | None = None
    shadow: Shadow | None = None
    synthetic: Synthetic | None = None
    gate: Gate = Gate()
    promote: Promote | None = None
    revert: Revert = Revert()
    alerts: Alerts | None = None
    watch: Watch | None = None
    harvest: Harvest | None = None
    scale: Scale | None = None
    history: History = History()

    @property
    def required(self) -> tuple[str, ...]:
        """Commands whose evidence the gate requires."""
        return self.gate.require or tuple(pillar.command for pillar in PILLARS if pillar.required and self.has(pillar))

    @property
    def required_before_merge(self) -> tuple[str, ...]:
        """Of these, the commands that can run before a merge: logs of live traffic exist from the deployment on."""
        return tuple(command for command in self.required if command != "shadow" or not self.shadows_live_traffic)

    @property
    def shadows_live_traffic(self) -> bool:
        """Whether `shadow` compares logs of live traffic in place of recorded requests."""
        return self.shadow is not None and self.shadow.access_logs is not None

    def has(self, pillar: Pillar) -> bool:
        """Return whether the policy has the section of a pillar; a pillar without a section has none."""
        return bool(pillar.section) and getattr(self, pillar.section) is not None
