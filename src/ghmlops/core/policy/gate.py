"""Policy section `gate`: the environment and the evidence that a deployment requires."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.policy.section import Section

FirstRun = Literal["warn", "inconclusive", "fail"]


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
