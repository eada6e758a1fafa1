"""HTTP/1.1 requests: the bytes of each call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.measure.load.target import request_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target

_FRAMING = ("content-length", "transfer-encoding")


def prepare(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[bytes]:
    """Return the request of each call as it is written to a connection.

    Args:
        endpoints: Method and headers of each endpoint.
        target: The service.
        calls: Endpoint, path and body of each request.

    Raises:
        PolicyError: A header of the policy would break the framing of the request.
    """
    headers = [_header_lines(endpoint, target) for endpoint in endpoints]
    return [_serialize(endpoints[call.endpoint].method, headers[call.endpoint], target, call) for call in calls]


def _header_lines(endpoint: Request, target: Target) -> bytes:
    for name in endpoint.headers:
        if name in _FRAMING:
            raise PolicyError(
                f"`latency.request.headers.{name}`: ghmlops sets this header itself",
                hint="remove it from the policy",
            )
    headers = {"host": target.authority, "accept": "*/*", "user-agent": "ghmlops"} | endpoint.headers
    if target.forwarded and target.proxy is not None and target.proxy.authorization:
        headers["proxy-authorization"] = target.proxy.authorization
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def _serialize(method: str, headers: bytes, target: Target, call: Call) -> bytes:
    origin = f"http://{target.authority}" if target.forwarded else ""  # absolute form (RFC 9112, section 3.2.2)
    head = f"{method} {origin}{request_path(target, call)} HTTP/1.1\r\n".encode() + headers
    if call.body is None:
        return head + b"\r\n"
    return b"%scontent-length: %d\r\n\r\n%s" % (head, len(call.body), call.body)
