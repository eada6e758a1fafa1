"""Interface between the arms of a run and the protocols: request slots, and the adapter of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ghmlops.measure.load.connecting.dial import UnusableConnection

if TYPE_CHECKING:
    from array import array
    from collections.abc import Awaitable, Callable, Sequence

    from ghmlops.core.latency.kind import Kind
    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.checks import Check
    from ghmlops.measure.load.kernel_timestamps import ArrivalClock
    from ghmlops.measure.load.poller import Poller
    from ghmlops.measure.load.protocols.response_shape import Shape
    from ghmlops.measure.load.streams.token_stream import TokenLog
    from ghmlops.measure.load.target import Target

__all__ = ["ArmInterface", "ProtocolAdapter", "RequestSlot", "UnusableConnection", "is_repeatable"]

MAX_RESPONSE_BYTES = 16 * 1024 * 1024
"""A longer response is a failure, so that an endless body ends."""
MAX_CONCURRENT_REQUESTS = 32
"""Requests that one connection of HTTP/2 or gRPC carries at once, if the service allows as many."""
NO_REQUEST = -1
"""Index of a slot that carries no request."""


_IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE")
_IDEMPOTENCY_KEYS = ("idempotency-key", "x-idempotency-key")


def is_repeatable(endpoint: Request) -> bool:
    """Return whether a request may be sent twice: its method is idempotent, or a header identifies repetitions."""
    return endpoint.method in _IDEMPOTENT or any(key in endpoint.headers for key in _IDEMPOTENCY_KEYS)


class RequestSlot(Protocol):
    """A slot for one request in flight: an HTTP/1.1 connection, an HTTP/2 stream or a gRPC call.

    A slot calls `add` of its arm once it can be used, `release` when it is free again, `remove` when it is closed, and
    `finish` for every request that it was given, unless it returns the request by `requeue` or `send_again`.

    Attributes:
        index: Index of the request that it carries; negative if it carries none.
    """

    index: int

    def send(self, index: int) -> None:
        """Send request `index` now."""

    def time_out(self, limit: float) -> None:
        """Give up the current request, which has taken `limit` seconds from its scheduled send."""

    def drop(self) -> None:
        """Close for good; may be called twice."""


class ArmInterface(Protocol):
    """What request slots use of their arm: the requests, the columns they fill, and the pool they belong to.

    `ghmlops.measure.load.arm.Arm` documents the attributes.
    """

    @property
    def target(self) -> Target: ...
    @property
    def requests(self) -> Sequence[Any]: ...
    @property
    def endpoint(self) -> array[int]: ...
    @property
    def shapes(self) -> Sequence[Shape | None]: ...
    @property
    def stream(self) -> str: ...
    @property
    def tokens(self) -> TokenLog: ...
    @property
    def sent(self) -> memoryview[float]: ...
    @property
    def first(self) -> memoryview[float]: ...
    @property
    def done(self) -> memoryview[float]: ...
    @property
    def status(self) -> memoryview[int]: ...
    @property
    def kind(self) -> bytearray: ...
    @property
    def idle(self) -> list[RequestSlot]: ...
    @property
    def free_capacity(self) -> int: ...
    def next_address(self) -> str: ...

    arrival_clock: ArrivalClock | None

    def check(self, index: int) -> Check: ...
    def poller(self) -> Poller: ...
    def add(self, slot: RequestSlot) -> None: ...
    def release(self, slot: RequestSlot) -> None: ...
    def requeue(self, index: int) -> None: ...
    def send_again(self, index: int) -> bool: ...
    def remove(self, slot: RequestSlot) -> None: ...
    def finish_ok(self, index: int, now: float, status: int) -> None: ...
    def learn_shape(self, index: int, response: bytes, status: int) -> None: ...
    def follow(self, index: int, status: int, location: bytes) -> tuple[Kind, str] | None: ...
    def finish(self, index: int, now: float, kind: Kind, status: int = 0, example: str = "") -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolAdapter:
    """Implementation of one protocol.

    Attributes:
        prepare: Converts each call once, before the run, into what `RequestSlot.send` needs. Raises a PolicyError if
            the policy requires something that the protocol cannot do.
        connect: Opens one more connection of an arm, which adds one or more slots to the arm. Raises an OSError if
            it cannot be opened. The time-out of the arm cancels it.
        slots_per_connection: Maximum number of slots that one connection adds.
        requests_per_process: Requests per second, of all arms together, that one generator process sends.
    """

    prepare: Callable[[Sequence[Request], Target, Sequence[Call]], Sequence[Any]]
    connect: Callable[[ArmInterface], Awaitable[None]]
    slots_per_connection: int = 1
    requests_per_process: float = 10_000.0
