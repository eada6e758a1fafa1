"""Servers before traffic: each arm of a rung is ready, and large enough, before it receives its share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.act.targets.base import ReplicatedTarget
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.replicas import missing_servers
from ghmlops.core.promotion.walk import Stop
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, CANDIDATE, POOL, TWIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ghmlops.act.targets.base import ScalableTarget, Target
    from ghmlops.commands.promote.job import Job
    from ghmlops.core.promotion.weights import Shares


@dataclass(slots=True, kw_only=True)
class Servers:
    """The servers of the arms during a promotion.

    Args:
        job: Everything that it needs.
        now: The current time (UTC).
        note: Reports a change to the user.
    """

    job: Job
    now: Callable[[], datetime]
    note: Callable[[str], None]
    _before: dict[str, int] = field(init=False, default_factory=dict)
    """Servers of the arms before this run added some."""

    def prepare(self, shares: Shares, demand: float | None, meanwhile: Callable[[], Stop | None]) -> Stop | None:
        """Have the servers ready that the shares need; return why the promotion stops, or `None`.

        Args:
            shares: Shares that are to be set.
            demand: Requests per second of all arms; `None` if it is not known.
            meanwhile: Observes the candidate, and waits; a reason to stop ends the preparation.
        """
        scalable, capacity = self.job.scalable, self.job.server_capacity
        if scalable and capacity:
            missing = missing_servers(shares, scalable.ready(), demand=demand or 0.0, capacity=capacity)
            if stop := self._add(scalable, missing):
                return stop
            return self._wait({arm: count for arm, (_, count) in missing.items()}, meanwhile)
        # A target that reports its servers and does not scale: those that are there must be ready.
        ready, servers = self.job.target.ready(), self._desired(self.job.target) or self.job.target.servers()
        return self._wait(
            {arm: servers[arm] for arm in (CANDIDATE, TWIN) if shares.share(arm) > 0 and arm in ready}, meanwhile
        )

    def prepare_rollback(self, demand: float) -> None:
        """Ask for the servers that the baseline needs for all traffic; the rollback itself waits for them."""
        scalable, capacity = self.job.scalable, self.job.server_capacity
        if not scalable or not capacity:
            return
        try:
            missing = missing_servers(BASELINE_ONLY, scalable.ready(), demand=demand, capacity=capacity)
            if stop := self._add(scalable, missing):
                self.note(f"rollback: {stop.reason}")
        except ServiceError as error:
            self.note(f"rollback: the baseline was not scaled: {error.message}")

    def give_back(self, *, complete: bool) -> None:
        """Return servers that are no longer needed; what the target refuses is a note.

        After a complete promotion the baseline and its twin keep `capacity.keep` servers each; after a rollback the
        candidate and the twin have as many as before.
        """
        scalable, keep = self.job.scalable, self.job.policy.capacity.keep
        if not scalable:
            return
        try:
            present = self._desired(scalable) or scalable.ready()
            before = self._before
            if isinstance(scalable, ReplicatedTarget):
                before = {**before, **scalable.scaled_from()}  # perhaps by a run that was killed
            if complete:
                counts = {} if keep is None else dict.fromkeys((POOL, TWIN), keep)
            else:
                counts = {arm: before[arm] for arm in (CANDIDATE, TWIN) if arm in before}
            for arm, count in counts.items():
                if arm in scalable.servers() and count < present.get(arm, 0):
                    scalable.scale(arm, count)
                    self.note(f"capacity: the {arm} has {count} servers again, after {present[arm]}")
            if isinstance(scalable, ReplicatedTarget):
                scalable.forget_scaled()
        except ServiceError as error:
            self.note(f"capacity: servers were not returned: {error.message}")

    def _add(self, scalable: ScalableTarget, missing: Mapping[str, tuple[int, int]]) -> Stop | None:
        largest, desired = self.job.policy.capacity.max_servers, self._desired(scalable)
        for arm, (ready, count) in missing.items():
            present = desired.get(arm, ready)
            if present >= count:
                continue  # they were requested already, and are not ready yet
            if count > largest:
                return Stop(
                    reaction="hold",
                    reason_code="capacity-limit",
                    reason=f"The {arm} needs {count} servers, and `capacity.max-servers` allows {largest}.",
                )
            self._before.setdefault(arm, present)
            scalable.scale(arm, count)
            self.note(f"capacity: the {arm} is scaled from {present} to {count} servers")
        return None

    def _desired(self, target: Target) -> Mapping[str, int]:
        """Return how many servers each arm should have; nothing if the target only knows those that are ready."""
        return target.desired() if isinstance(target, ReplicatedTarget) else {}

    def _wait(self, needed: Mapping[str, int], meanwhile: Callable[[], Stop | None]) -> Stop | None:
        deadline = self.now().timestamp() + self.job.policy.capacity.ready_within
        while True:
            ready = self.job.target.ready()
            short = {arm: count for arm, count in needed.items() if ready.get(arm, 0) < count}
            if not short:
                return None
            if self.now().timestamp() > deadline:
                arm, count = min(short.items(), key=lambda item: ARMS.index(item[0]))
                return Stop(
                    reaction="hold",
                    reason_code="not-ready",
                    reason=f"Of the {arm}, {ready.get(arm, 0)} of {count} servers are ready after "
                    f"{self.job.policy.capacity.ready_within:.0f} s.",
                )
            if stop := meanwhile():
                return stop
