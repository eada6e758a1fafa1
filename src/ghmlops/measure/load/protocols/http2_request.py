"""What is sent over HTTP/2: the fields and the body of each call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.measure.load.target import encoded_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target

_FORBIDDEN = ("connection", "content-length", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")

Prepared = tuple[list[tuple[bytes, bytes]], bytes]


def prepare(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[Prepared]:
    """Return the header fields and the body of each call.

    Raises:
        PolicyError: a header of the policy has no place in HTTP/2.
    """
    fields = [_fields(endpoint, target) for endpoint in endpoints]
    return [_prepared(endpoints[call.endpoint].method, fields[call.endpoint], target, call) for call in calls]


def _fields(endpoint: Request, target: Target) -> dict[str, str]:
    for name in endpoint.headers:
        if name in _FORBIDDEN:
            raise PolicyError(
                f"`latency.request.headers.{name}`: HTTP/2 has no such header, or ghmlops sets it itself",
                hint="take it out of the policy",
            )
    return {"host": target.authority, "accept": "*/*", "user-agent": "ghmlops"} | endpoint.headers


def _prepared(method: str, fields: dict[str, str], target: Target, call: Call) -> Prepared:
    rest = dict(fields)
    pseudo = {
        ":method": method,
        ":scheme": "http" if target.tls is None else "https",
        ":authority": rest.pop("host"),
        ":path": encoded_path(target.prefix, call),
    }
    if call.body is not None:
        rest["content-length"] = str(len(call.body))
    return [(name.encode(), value.encode("latin-1")) for name, value in (pseudo | rest).items()], call.body or b""
