"""Policy section `history`: what a deployment states beforehand, and where its dashboard is."""

from __future__ import annotations

import msgspec

from ghmlops.core.policy.section import Section

STALE = 36 * 3600.0


class HypothesisRules(Section, frozen=True, kw_only=True):
    """Which deployments need a stated expectation."""

    required: tuple[str, ...] = ()
    """Environments that the gate opens only for a change whose pull request has a line `Expect: ...`."""


class Page(Section, frozen=True, kw_only=True):
    """The dashboard that `ghmlops history page` writes."""

    url: str = ""
    """Address at which it is published; comments link to it. Empty: it is not published."""
    stale: float = STALE
    """Age in seconds after which the page says that it is out of date."""


class History(Section, frozen=True, kw_only=True):
    """The history of deployments."""

    keep: float | None = None
    """Age in seconds of the oldest deployment on the page; the branch keeps all. `None`: the page has all."""
    page: Page = Page()
    hypothesis: HypothesisRules = msgspec.field(default_factory=HypothesisRules)
