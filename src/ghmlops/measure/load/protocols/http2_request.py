"""HTTP/2 requests: the header fields and the body of each call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError, PolicyError
from ghmlops.measure.load.target import request_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target

_FORBIDDEN = ("connection", "content-length", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")

PreparedRequest = tuple[list[tuple[bytes, bytes]], bytes]
"""Header fields and body."""


def prepare(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[PreparedRequest]:
    """Return the header fields and the body of each call.

    Args:
        endpoints: Method and headers of each endpoint.
        target: The service.
        calls: Endpoint, path and body of each request.

    Raises:
        InputError: The service is reached through a proxy and has no TLS.
        PolicyError: A header of the policy is not allowed in HTTP/2.
    """
    if target.forwarded:
        raise InputError(
            f"HTTP/2 without TLS cannot be sent to {target.host} through the proxy of {target.proxy_variable}",
            hint="list the host in NO_PROXY, or use `protocol: http/1.1`",
        )
    headers = [_headers(endpoint, target) for endpoint in endpoints]
    return [_prepare(endpoints[call.endpoint].method, headers[call.endpoint], target, call) for call in calls]


def _headers(endpoint: Request, target: Target) -> dict[str, str]:
    for name in endpoint.headers:
        if name in _FORBIDDEN:
            raise PolicyError(
                f"`latency.request.headers.{name}`: HTTP/2 has no such header, or ghmlops sets it itself",
                hint="remove it from the policy",
            )
    return {"host": target.authority, "accept": "*/*", "user-agent": "ghmlops"} | endpoint.headers


def _prepare(method: str, headers: dict[str, str], target: Target, call: Call) -> PreparedRequest:
    regular = dict(headers)
    pseudo = {
        ":method": method,
        ":scheme": "http" if target.tls is None else "https",
        ":authority": regular.pop("host"),
        ":path": request_path(target, call),
    }
    if call.body is not None:
        regular["content-length"] = str(len(call.body))
    fields = [(name.encode(), value.encode("latin-1")) for name, value in (pseudo | regular).items()]
    return fields, call.body or b""
