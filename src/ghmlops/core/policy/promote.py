"""Policy section `promote`: the traffic ladder of a candidate and what judges it.

Durations are in seconds, ratios and shares are fractions.
"""

from __future__ import annotations

from typing import Literal

from ghmlops.core.model import Direction
from ghmlops.core.policy.section import Section
from ghmlops.core.policy.target import TargetSettings

Reaction = Literal["rollback", "hold"]
Compare = Literal["twin", "pool"]
LatencyJudge = Literal["margins", "off"]
LogFormat = Literal["haproxy", "envoy-json", "jsonl"]
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


class HeaderRung(Section, frozen=True, kw_only=True):
    """The rung before the ladder, if the target has a route for requests with a header: the candidate answers them."""

    min_requests: int = 50
    """Requests with the header below which it does not pass."""
    max_duration: float = 1800.0
    """Seconds after which it ends undecided."""


class Metric(Section, frozen=True, kw_only=True):
    """A metric of the service that is compared between the arms while a rung lasts."""

    name: str
    prometheus: str
    """Query that returns one number for an arm; `{arm}` is replaced by the servers of the arm, joined by `|`."""
    direction: Direction
    margin: float | None = None
    """Change for the worse, relative to the twin (`compare: pool`: to the pool), that is allowed."""
    limit: float | None = None
    """Worst value that is allowed, whatever the other arms have; in place of `margin`."""
    interval: float = 15.0
    """Seconds between two values; the range of the query should not be longer, so that values do not overlap."""
    dry_run: bool = False
    """Whether the metric is shown and not judged."""


class Judge(Section, frozen=True, kw_only=True):
    """What judges the candidate."""

    errors: float = 0.001
    """Highest share of failed requests that is allowed."""
    latency: LatencyJudge = "margins"
    """`margins`: the candidate is compared with the twin by the margins of the section `latency`."""
    metrics: tuple[Metric, ...] = ()


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
    """Capacity of one server, as `capacity` measured it, and the servers that a target may be scaled to."""

    evidence: str = ""
    """File of the evidence, relative to the repository."""
    headroom: float = 0.3
    """Fraction of the capacity that is kept free."""
    ready_within: float = 300.0
    """Seconds within which the servers of a rung must be ready."""
    max_servers: int = 100
    """Servers of one arm beyond which a promotion holds."""
    keep: int | None = None
    """Servers that the baseline and its twin keep after a complete promotion; `None`: all of them."""


class Hook(Section, frozen=True, kw_only=True):
    """A command of the user: either `run` or `command`. The rung is in its environment."""

    run: str = ""
    """Text for bash."""
    command: tuple[str, ...] = ()
    """Program and arguments, run without a shell."""
    timeout: float = 60.0
    """Seconds after which it is ended, which is a failure."""
    on_failure: Reaction = "hold"


class Hooks(Section, frozen=True, kw_only=True):
    """Commands before the weights of a rung are set, and after the rung has passed."""

    before_rung: tuple[Hook, ...] = ()
    after_rung: tuple[Hook, ...] = ()


class Prometheus(Section, frozen=True, kw_only=True):
    """Where metrics are read."""

    url: str
    """Address without `/api/v1`."""
    token_variable: str = ""
    """Environment variable with a bearer token; empty: none is sent."""


class Observe(Section, frozen=True, kw_only=True):
    """Where the requests of each arm are read."""

    access_log: str = ""
    """File to which the router appends one line per request."""
    format: LogFormat = "haproxy"
    status: str = "5xx"
    """Statuses that count as failed: 5xx."""
    session: str = ""
    """What names the session of a request: `cookie` or `header` (captured by HAProxy), or a key of a log in JSON."""
    prometheus: Prometheus | None = None
    total: str = ""
    """Query of the counter of all requests of an arm, in place of an access log; `{arm}` as in a metric."""
    errors: str = ""
    """Query of the counter of its failed requests."""
    interval: float = 15.0
    """Seconds between two readings of the counters, at least the time between two scrapes."""


class Promote(Section, frozen=True, kw_only=True):
    """The promotion of a candidate."""

    target: TargetSettings
    ladder: tuple[float, ...] = (0.01, 0.05, 0.25, 1.0)
    """Shares of the candidate, rising; the last one is 1."""
    rung: Rung = Rung()
    header: HeaderRung = HeaderRung()
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
    hooks: Hooks = Hooks()
