"""Policy section `promote`: the traffic ladder of a candidate and what judges it.

Durations are in seconds, ratios and shares are fractions.
"""

from __future__ import annotations

from typing import Literal

from ghmlops.core.policy.section import Section
from ghmlops.core.policy.target import TargetSettings

Reaction = Literal["rollback", "hold"]
Compare = Literal["twin", "pool"]
LatencyJudge = Literal["margins", "off"]
RollbackLimit = Literal["ready-capacity", "none"]


class Rung(Section, frozen=True, kw_only=True):
    """What a rung needs before the next one."""

    min_requests: int = 500
    """Requests of the candidate below which a rung does not pass."""
    max_duration: float = 1800.0
    """Seconds after which an undecided rung ends."""
    settle: float = 30.0
    """Seconds within which the router must follow new weights."""
    bake: float = 300.0
    """Seconds between the pass of a rung and the next rung, in which the candidate is judged on."""


class Judge(Section, frozen=True, kw_only=True):
    """What judges the candidate."""

    errors: float = 0.001
    """Highest share of failed requests that is allowed."""
    latency: LatencyJudge = "margins"
    """`margins`: the candidate is compared with the twin by the margins of the section `latency`."""


class Reactions(Section, frozen=True, kw_only=True):
    """Reactions to the result of a rung."""

    fail: Reaction = "rollback"
    inconclusive: Reaction = "hold"
    low_traffic: Reaction = "hold"


class HoldLimit(Section, frozen=True, kw_only=True):
    """How long a hold waits for a person."""

    max: float = 86_400.0
    then: Reaction = "rollback"


class LockLimit(Section, frozen=True, kw_only=True):
    """When the lock of an environment counts as left behind."""

    max_age: float = 21_600.0
    """Seconds; longer than any promotion lasts. The lock of a run that has ended is taken over at once."""


class Rollback(Section, frozen=True, kw_only=True):
    """How traffic returns to the baseline."""

    steps: tuple[float, ...] = (0.0,)
    """Shares of the candidate on the way back, falling; the last one is 0."""
    step_duration: float = 10.0
    """Seconds between two steps."""
    limit: RollbackLimit = "none"
    """`ready-capacity`: the baseline never receives more than its ready servers carry."""


class MeasuredCapacity(Section, frozen=True, kw_only=True):
    """Capacity of one server of the baseline, as `capacity` measured it."""

    evidence: str = ""
    """File of the evidence, relative to the repository."""
    headroom: float = 0.3
    """Fraction of the capacity that is kept free."""


class Observe(Section, frozen=True, kw_only=True):
    """Where the requests of each arm are read."""

    access_log: str = ""
    """File to which the router appends one line per request."""
    format: Literal["haproxy", "jsonl"] = "haproxy"
    status: str = "5xx"
    """Statuses that count as failed: 5xx."""


class Promote(Section, frozen=True, kw_only=True):
    """The promotion of a candidate."""

    target: TargetSettings
    ladder: tuple[float, ...] = (0.01, 0.05, 0.25, 1.0)
    """Shares of the candidate, rising; the last one is 1."""
    rung: Rung = Rung()
    judge: Judge = Judge()
    compare: Compare = "twin"
    """`pool`: there is no twin. Latency is not judged then: arms of different age and size are not comparable."""
    on: Reactions = Reactions()
    hold: HoldLimit = HoldLimit()
    lock: LockLimit = LockLimit()
    rollback: Rollback = Rollback()
    capacity: MeasuredCapacity = MeasuredCapacity()
    watch: float = 3600.0
    """Seconds at full traffic during which the candidate is judged on."""
    observe: Observe = Observe()
