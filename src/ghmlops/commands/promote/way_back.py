"""Returns the traffic to the baseline, as fast as the baseline can take it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.act.targets import apply_shares
from ghmlops.core.errors import DataError, ServiceError
from ghmlops.core.promotion.error_process import ErrorProcess
from ghmlops.core.promotion.rollback import RecentRate, effective_share, nominal_share, rollback_share
from ghmlops.core.promotion.split import Split, compare_split
from ghmlops.core.promotion.weights import BASELINE_ONLY, CANDIDATE, POOL, Shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ghmlops.act.targets import Target
    from ghmlops.commands.promote.capacity import Servers
    from ghmlops.commands.promote.job import Job
    from ghmlops.measure.telemetry import TrafficSource

ATTEMPTS, ATTEMPT_SECONDS = 10, 0.5
"""Attempts to change the weights of a router that does not answer, and seconds between two of them."""
LOOK_SECONDS = 0.5
"""Seconds between two looks at the baseline while it cannot carry all traffic."""
DEMAND_LOOKS = 4
"""Looks after which a demand that is still unknown no longer delays the rollback."""
EFFECT_SECONDS = 5.0
"""Seconds after which a rollback without evidence against it counts as in effect: few requests show nothing."""
GRACE_SECONDS = 0.5
"""Seconds after the change in which requests may still go by the old weights."""
_SMALLEST_CHANGE = 0.002
"""Share below which a change of the weights is not worth making."""


@dataclass(slots=True, kw_only=True)
class WayBack:
    """One rollback.

    Args:
        job: Everything that it needs.
        source: Where the requests are read.
        rate: The demand so far.
        now: The current time (UTC).
        sleep: Waits for some seconds.
        note: Reports a step to the user.
        servers: The servers of the arms; `None` if they are not scaled.

    Attributes:
        problem: Reason code and sentence if the rollback stopped before its end; empty otherwise.
        is_observed: Whether requests could be read after it.
    """

    job: Job
    source: TrafficSource
    rate: RecentRate
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    servers: Servers | None = None
    problem: tuple[str, str] = ("", "")
    is_observed: bool = field(init=False, default=False)
    _baseline: ErrorProcess = field(init=False)
    _returned: float = field(init=False)
    _header_due: Target | None = field(init=False)
    """Route of requests with a header that is not at the baseline yet."""
    _header_problem: str = field(init=False, default="")

    def run(self, shares: Shares) -> Shares:
        """Return the traffic by the steps of the policy, and the shares at the end.

        The rollback stops if the baseline itself fails more requests than the objective allows, and if it cannot carry
        the traffic within the longest duration of a rung. A route of requests with a header that cannot be changed
        stops nothing: the other users do not wait for it.

        Raises:
            ServiceError: The target cannot be reached, or refuses a change, in every attempt.
        """
        policy, self._header_due = self.job.policy, self.job.header_target
        self._baseline, self._returned = ErrorProcess(policy.judge.errors), self.now().timestamp()
        self._return_header(attempts=1)
        for index, step in enumerate(policy.rollback.steps):
            if index and step < shares.candidate:
                self._observe_for(policy.rollback.step_duration)
                self._return_header(attempts=1)
            shares = self._go_to(step, shares)
            if self.problem[0]:
                break
        self._return_header(attempts=ATTEMPTS)
        if self.problem[0] and self._header_problem:
            self.problem = (self.problem[0], f"{self.problem[1]} {self._header_problem}")
        return shares

    def confirm(self, before: Shares) -> tuple[str, str]:
        """Look whether the candidate still receives requests; return reason code and sentence, empty if it does not.

        Sticky sessions, and routers that follow late or never, send it some although its weight is 0. So does a route
        of requests with a header that was not returned.

        Args:
            before: Shares before the rollback.
        """
        changed, settle = self.now().timestamp(), self.job.policy.rung.settle
        counts: Counter[str] = Counter()
        is_served = False
        while (elapsed := self.now().timestamp() - changed) <= (settle if is_served else min(settle, EFFECT_SECONDS)):
            self.sleep(LOOK_SECONDS)
            try:
                traffic = self.source.read()
            except DataError:
                continue
            if traffic:
                self.is_observed = True
                traffic = traffic.since(changed + GRACE_SECONDS)
                counts.update(traffic.routed() if self._header_problem else traffic.counts())
            if counts[CANDIDATE]:
                is_served = True
                counts.clear()  # perhaps it follows late
            elif compare_split(counts, before=before, after=BASELINE_ONLY) is Split.IN_EFFECT:
                break
        if not is_served or not elapsed > settle:
            return ("header-route-not-returned" if self._header_problem else "", self._header_problem)
        return (
            "rollback-not-in-effect",
            f"The candidate still received requests {elapsed:.0f} s after its weight became 0: sessions stay at it, or "
            f"the router does not follow. {self._header_problem}".rstrip(),
        )

    def _return_header(self, *, attempts: int) -> None:
        """Return the route of requests with a header, unless it is returned."""
        if self._header_due is None:
            return
        try:
            self._apply(BASELINE_ONLY, self._header_due, attempts)
        except ServiceError as error:
            self._header_problem = f"The route of requests with a header is not at the baseline: {error.message}."
        else:
            self._header_due, self._header_problem = None, ""

    def _go_to(self, step: float, shares: Shares) -> Shares:
        deadline = self.now().timestamp() + self.job.policy.rung.max_duration
        if self.job.is_rollback_limited or self.job.scalable:
            self._measure_demand()
        if self.servers:
            self.servers.prepare_rollback(self.rate.rate() or 0.0)
        last = step == self.job.policy.rollback.steps[-1]
        while True:
            if self._baseline.alarm is not None:
                self.problem = (
                    "baseline-failing",
                    f"The baseline failed {self._baseline.errors} of {self._baseline.requests} requests during the "
                    "rollback, more than the objective allows.",
                )
                return shares
            ready, capacity = self._ready()
            current = effective_share(shares.candidate, ready)
            share = rollback_share(current=current, step=step, demand=self.rate.rate() or 0.0, ready_capacity=capacity)
            if current - share > _SMALLEST_CHANGE or (share == step and last):
                nominal = nominal_share(share, ready or 1.0)
                shares = self._apply(Shares(candidate=nominal, pool=1.0 - nominal))
                self.note(f"rollback: the candidate has {shares.candidate:.2%} of the traffic")
            if share <= step:
                return shares
            if self.now().timestamp() > deadline:
                self.problem = (
                    "capacity-missing",
                    f"The ready servers of the baseline carry only {1 - share:.0%} of the traffic.",
                )
                return shares
            self._observe_for(LOOK_SECONDS)

    def _measure_demand(self) -> None:
        """Observe until the demand is known; without a log it stays unknown, and then limits nothing."""
        for _ in range(DEMAND_LOOKS):
            if self.rate.rate() is not None:
                return
            self._observe_for(LOOK_SECONDS)
        self.note("rollback: the demand is not known, so that the capacity of the baseline is no limit")

    def _ready(self) -> tuple[float, float | None]:
        """Return the fraction of the baseline's servers that are ready, and requests per second that they carry.

        Without a limit, all are taken to be ready.
        """
        if not self.job.is_rollback_limited:
            return 1.0, None
        try:
            ready, servers = self.job.target.ready().get(POOL, 0), self.job.target.servers()[POOL]
        except ServiceError:
            return 0.0, 0.0  # a baseline of which nothing is known receives nothing more
        # Replicas behind one weight share the arm's traffic, however many of them are ready.
        return min(1.0, ready / servers), ready * (self.job.server_capacity or 0.0)

    def _observe_for(self, seconds: float) -> None:
        """Wait, and look at the demand and at the baseline's failed requests since its traffic grew."""
        end = self.now().timestamp() + seconds
        while (left := end - self.now().timestamp()) > 0:
            self.sleep(min(left, LOOK_SECONDS))
            try:
                traffic = self.source.read()
            except DataError:
                continue  # the last demand stays; without a log, the way back is the safer one
            if traffic is None:
                continue
            self.rate.add(self.now().timestamp(), sum(traffic.counts().values()))
            self._baseline.feed_all(traffic.pool.since(self._returned).judged_requests().failed)

    def _apply(self, shares: Shares, target: Target | None = None, attempts: int = ATTEMPTS) -> Shares:
        for attempt in range(attempts):
            try:
                return apply_shares(target or self.job.target, shares)
            except ServiceError as error:
                if attempt == attempts - 1:
                    raise
                self.note(f"rollback: {error.message}; the {CANDIDATE} is tried again")
                self.sleep(ATTEMPT_SECONDS)
        raise AssertionError("unreachable: the last attempt returns or raises")
