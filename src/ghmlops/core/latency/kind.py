"""How a request ended: well, or by which kind of failure."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Result of a request.

    `OK` is a complete response with an expected status that passed its checks; all others are failures.
    """

    OK = 0
    STATUS = 1
    """A response with an unexpected status."""
    TIMEOUT = 2
    REFUSED = 3
    RESET = 4
    CLOSED = 5
    """The service closed the connection before or during the response."""
    GARBAGE = 6
    """The response is not valid HTTP."""
    TOO_LARGE = 7
    CONNECT = 8
    """No connection for another reason: unreachable, TLS."""
    LOCAL = 9
    """The machine of the generator ran out of sockets, ports or memory."""
    UNSENT = 10
    """Never sent: the generator ran out of time."""
    REDIRECT = 11
    """A 3xx response that is not followed."""
    THROTTLED = 12
    """429, or 503 with Retry-After: the service asks for less load."""
    CHECK = 13
    """A response with an expected status that does not satisfy a check of the policy's `expect`."""
    ERROR_EVENT = 14
    """A stream that began with an expected status and reports a failure in one of its events."""
    SECOND_REDIRECT = 15
    """A 3xx response to a request that had followed a redirect."""

    @property
    def label(self) -> str:
        """Human-readable name in kebab-case."""
        return self.name.lower().replace("_", "-")
