"""The interface of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ghmlops.core.latency.answers import Kind
    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.arm import Arm
    from ghmlops.measure.load.target import Target


class CannotCarry(OSError):
    """A connection was made and cannot be used; `kind` is how the request ends that waited for it."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Carrier(Protocol):
    """What carries one request at a time: a connection, or one of a connection's streams.

    It calls `arm.opened` once it can be used, `arm.released` when it is free again, `arm.dropped` when it is closed,
    and `arm.finish` for every request that it was given, unless it hands it back.
    """

    index: int
    """The request that it carries; negative where it carries none."""

    def send(self, index: int) -> None:
        """Send request `index` now."""

    def time_out(self, limit: float) -> None:
        """Give up on the request that is being carried: it took `limit` seconds from its schedule."""

    def drop(self) -> None:
        """Close for good; may be called twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One protocol.

    Attributes:
        prepare: makes of each call what `Carrier.send` needs, once before the run; raises a PolicyError where the
            policy asks what the protocol cannot do.
        connect: opens one more connection of an arm, which it reports by `arm.opened`, once for each carrier; raises
            an OSError where it cannot. It is ended by the arm's time-out.
        each: carriers that one connection brings, as far as the service allows.
    """

    prepare: Callable[[Sequence[Request], Target, Sequence[Call]], Sequence[Any]]
    connect: Callable[[Arm], Awaitable[None]]
    each: int = 1
