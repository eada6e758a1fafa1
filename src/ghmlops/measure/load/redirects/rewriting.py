"""The second request of a redirect: the first one with another address and, for another host, fewer headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.load.redirects import Hop, next_hop

if TYPE_CHECKING:
    from ghmlops.measure.load.target import Target

_PASSED_ON = (
    b"accept", b"accept-encoding", b"accept-language", b"content-length", b"content-type", b"idempotency-key",
    b"user-agent",
)  # fmt: skip
"""Headers that another host receives. A credential can be in a header of any name, so that all others are dropped."""


def resolve_redirect(request: bytes, target: Target, status: int, location: bytes) -> Hop:
    """Return where the response to a request leads.

    Args:
        request: The request as it was written.
        target: The service that answered.
        status: Status of the response, 300 to 399.
        location: Its header `location`; empty without one.

    Raises:
        RedirectError: The redirect is not followed.
    """
    method, address, _ = request.partition(b"\r\n")[0].decode("latin-1").split(" ")
    scheme = "http" if target.tls is None else "https"
    bracketed = f"[{target.host}]" if ":" in target.host else target.host
    path = address if address.startswith("/") else "/" + address.split("/", 3)[3]
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    return next_hop(f"{scheme}://{bracketed}:{target.port}{path}", method, status, text.strip())


def is_same_origin(hop: Hop, target: Target) -> bool:
    """Return whether a redirect stays at the service, whose connections and headers then serve for it."""
    return hop.origin == ("http" if target.tls is None else "https", target.host, target.port)


def rewrite(request: bytes, hop: Hop, *, same_origin: bool) -> bytes:
    """Return the request to the address of a redirect, with the method and the body of the first request.

    Args:
        request: The first request as it was written.
        hop: Where the redirect leads.
        same_origin: Whether that is the same service, which then receives all headers of the first request.
    """
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    method, address, version = line.split(b" ")
    path = hop.path.encode("latin-1")
    if not same_origin:
        passed = [header for header in headers if header.partition(b":")[0].lower() in _PASSED_ON]
        headers = [b"host: " + hop.authority.encode("latin-1"), *passed]
    elif not address.startswith(b"/"):  # through a proxy, which needs a complete address
        path = b"/".join(address.split(b"/", 3)[:3]) + path
    return b"\r\n".join([b" ".join([method, path, version]), *headers]) + b"\r\n\r\n" + body
