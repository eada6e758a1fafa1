"""Follows one redirect per request during a run: at the same service, or at another host."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ghmlops.core.errors import GhmlopsError
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.redirects import RedirectError
from ghmlops.measure.load.redirects.hop_target import contact_hop
from ghmlops.measure.load.redirects.rewriting import is_same_origin, resolve_redirect, rewrite

if TYPE_CHECKING:
    from ghmlops.core.load.redirects import Hop, RedirectRules
    from ghmlops.measure.load.target import Target

NOT_FOLLOWED = "redirects are not followed"
ONE_ONLY = "a second redirect; one is followed"


class Branch(Protocol):
    """What sends requests to another host: an arm that shares the columns of its own arm."""

    def offer(self, index: int) -> None:
        """Send request `index`, or enqueue it if no slot is free."""


class FollowingArm(Protocol):
    """What a follower uses of its arm; `ghmlops.measure.load.arm.Arm` documents the attributes."""

    @property
    def target(self) -> Target: ...
    @property
    def requests(self) -> list[bytes]: ...
    @property
    def sent(self) -> memoryview[float]: ...
    @property
    def first(self) -> memoryview[float]: ...
    @property
    def queue(self) -> deque[int]: ...
    def branch(self, target: Target) -> Branch: ...
    def refuse(self, index: int, kind: Kind, why: str) -> None: ...
    def start(self, task: asyncio.Task[None]) -> None: ...


class Follower:
    """The redirects of one arm.

    Attributes:
        sends: First send of each redirected request, by its index: its service time covers both requests.
        waiting: Requests to each origin that is being contacted.
    """

    __slots__ = ("_arm", "_branches", "_rules", "sends", "waiting")

    def __init__(self, arm: FollowingArm, rules: RedirectRules) -> None:
        self._arm, self._rules = arm, rules
        self._branches: dict[tuple[str, str, int], Branch | tuple[Kind, str]] = {}
        self.sends: dict[int, float] = {}
        self.waiting: dict[tuple[str, str, int], deque[int]] = {}

    def follow(self, index: int, status: int, location: bytes) -> tuple[Kind, str] | None:
        """Follow the redirect that answers request `index`; if it is not followed, return how the request ends.

        Args:
            index: Index of the request.
            status: Status of the response, 300 to 399.
            location: Its header `location`; empty without one.
        """
        arm = self._arm
        if index in self.sends:
            return Kind.SECOND_REDIRECT, ONE_ONLY
        try:
            hop = resolve_redirect(arm.requests[index], arm.target, status, location)
        except RedirectError as error:
            return Kind.REDIRECT, str(error)
        same = is_same_origin(hop, arm.target)
        branch = None if same else self._branches.get(hop.origin)
        if isinstance(branch, tuple):
            return branch
        self.sends[index], arm.first[index] = arm.sent[index], 0.0
        arm.requests[index] = rewrite(arm.requests[index], hop, same_origin=same)
        if same:
            arm.queue.appendleft(index)  # The slot that carried it sends it again as soon as it is free.
        elif branch is not None:
            branch.offer(index)
        elif hop.origin in self.waiting:
            self.waiting[hop.origin].append(index)
        else:
            self.waiting[hop.origin] = deque([index])
            arm.start(asyncio.get_running_loop().create_task(self._contact(hop)))
        return None

    async def _contact(self, hop: Hop) -> None:
        """Check and contact another host, then send the requests that wait for it."""
        loop, arm = asyncio.get_running_loop(), self._arm
        result: Branch | tuple[Kind, str]
        try:
            # Resolving a name blocks, and the schedule must go on.
            result = arm.branch(await loop.run_in_executor(None, contact_hop, hop, arm.target, self._rules))
        except RedirectError as error:
            result = Kind.REDIRECT, str(error)
        except GhmlopsError as error:
            result = Kind.CONNECT, error.message
        self._branches[hop.origin] = result
        for index in self.waiting.pop(hop.origin):
            if isinstance(result, tuple):
                arm.refuse(index, *result)
            else:
                result.offer(index)

    def restore_sends(self, sent: memoryview[float], start: int, stop: int) -> None:
        """Set the time of the first send of the redirected requests `start` to `stop`."""
        for index in range(start, stop) if self.sends else ():
            if index in self.sends:
                sent[index] = self.sends[index]
