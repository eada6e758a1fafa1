"""One request as it is to be made, whatever the protocol and the arm. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with its payload filled in.

    Attributes:
        endpoint: place in the policy's endpoints (`Latency.endpoints`).
        path: with the payload's fields filled in; not yet percent-encoded.
        body: `None` for a request without one.
    """

    endpoint: int
    path: str
    body: bytes | None
