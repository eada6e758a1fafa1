"""One request to send, independent of the protocol and the arm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with the fields of its payload filled in.

    Attributes:
        endpoint: Index of the endpoint in the policy (`Latency.endpoints`).
        path: Path with the payload's fields filled in; not yet percent-encoded.
        body: Request body; `None` for a request without one.
    """

    endpoint: int
    path: str
    body: bytes | None
