"""Policy section `gate`: the environment and the evidence that a deployment requires, and who may override it."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.policy.section import Section

FirstRun = Literal["warn", "inconclusive", "fail"]
Role = Literal["write", "maintain", "admin"]


class Override(Section, frozen=True, kw_only=True):
    """Who may let an inconclusive verdict through."""

    role: Role = "maintain"
    """Lowest role in the repository."""
    teams: tuple[str, ...] = ()
    """Teams `organisation/slug` whose members may do so, too; read with a token that may read teams."""


class Window(Section, frozen=True, kw_only=True):
    """Hours of some days of the week in which deployments are allowed."""

    days: tuple[int, ...]
    """Days, 0 for Monday."""
    start: int
    """Minute of the day, inclusive."""
    end: int
    """Minute of the day, exclusive."""
    notation: str
    """As the policy writes it."""


class Gate(Section, frozen=True, kw_only=True):
    """The requirements of a deployment."""

    environment: str = "production"
    require: tuple[str, ...] = ()
    """Commands whose evidence must be there; where empty, `latency` and `regression` if the policy has them. A stress
    test takes its time, so `capacity` is only required where it is named."""
    max_age: float = 7 * 86400.0
    """Maximum age of evidence in seconds; older evidence is stale."""
    legs: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Command to the legs that must all be there; a command that is not named has one leg without a name."""
    first_run: FirstRun = "warn"
    """Outcome of a margin that nothing can be compared with, because nothing was deployed yet."""
    after: dict[str, str] = msgspec.field(default_factory=dict)
    """Environment to the one in which the same commit must be live before."""
    override: Override = Override()
    windows: tuple[Window, ...] = ()
    """When `environment` may be deployed to; empty: at any time."""
    time_zone: str = "UTC"
    """Time zone of the windows, an IANA name."""
