"""The whole policy: one field per section."""

from __future__ import annotations

from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.latency import Latency
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policy.regression import Regression
from ghmlops.core.policy.section import Section

DEFAULT_PATH = ".github/ghmlops.yml"


PILLARS = ("preview", "latency", "capacity", "regression")


EXTRA_EVIDENCE = ("import",)
"""Commands beside the pillars whose evidence a gate may require."""


class Policy(Section, frozen=True, kw_only=True):
    """The whole file."""

    service: str
    version: int = 1
    preview: Preview | None = None
    targets: tuple[str, ...] = ()
    """Hosts that may be loaded beside loopback and the preview's own; `*.example.com` stands for all below it."""
    latency: Latency | None = None
    capacity: Capacity | None = None
    regression: Regression | None = None
    gate: Gate = Gate()

    @property
    def required(self) -> tuple[str, ...]:
        """Commands whose evidence the gate needs."""
        if self.gate.require:
            return self.gate.require
        return tuple(name for name in ("latency", "regression") if getattr(self, name) is not None)
