"""Recorded requests: which may be sent again, under which endpoint they are shown, and which headers they keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ghmlops.core.load.allowed_hosts import is_loopback
from ghmlops.core.load.header_values import has_variables
from ghmlops.core.policy.latency import Request

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ghmlops.core.policy.before_traffic.shadow import Send

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, section 9.2.1); TRACE is left out, because it repeats headers."""
KEPT_HEADERS = ("accept", "content-type")
"""Recorded headers that are sent again; every other one is dropped unless the policy names it."""
CREDENTIALS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token", "x-csrf-token")
"""Headers that hold credentials: dropped ones are counted, so that a recording with secrets is reported."""
CONNECTION_HEADERS = (
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers of the recorded connection, which the sender sets itself."""
_VARIABLE = re.compile(
    r"[0-9]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=[a-z]*[0-9])[0-9a-z]{16,}", re.IGNORECASE
)
MAX_TEMPLATE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recorded request.

    Attributes:
        row: number of its row, line or entry in the recording, from 1.
        method: method in capital letters.
        path: path with its query, as it is sent.
        headers: recorded headers by name in lower case.
        body: body; `None` for a request without one.
    """

    row: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A declared endpoint: `POST /models/{name}/infer`."""

    method: str
    path: str


def parse_endpoint(text: str) -> Endpoint:
    """Return an endpoint of the policy, whose reader has checked its form."""
    method, _, path = text.partition(" ")
    return Endpoint(method=method, path=path)


def endpoint_name(method: str, path: str, declared: Sequence[Endpoint]) -> tuple[str, bool]:
    """Return the name under which a request is shown, and whether it may be sent again.

    A declared endpoint gives its own name; otherwise segments that look like identifiers become `{id}`. The query is no
    part of the name.

    Args:
        method: method in capital letters.
        path: path with its query.
        declared: endpoints that the policy calls safe.
    """
    plain = path.partition("?")[0].partition("#")[0]
    segments = plain.split("/")
    for endpoint in declared:
        pattern = endpoint.path.split("/")
        if endpoint.method == method and len(pattern) == len(segments) and _matches(pattern, segments):
            return f"{endpoint.method} {endpoint.path}", True
    template = "/".join("{id}" if _VARIABLE.fullmatch(unquote(segment)) else segment for segment in segments)
    return f"{method[:20]} {template[:MAX_TEMPLATE]}", method in SAFE_METHODS


def _matches(pattern: Sequence[str], segments: Sequence[str]) -> bool:
    return all(
        part == segment or (part.startswith("{") and part.endswith("}") and segment not in ("", ".", ".."))
        for part, segment in zip(pattern, segments, strict=True)
    )


def kept_headers(recorded: Mapping[str, str], named: Collection[str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request that is sent again; those of the policy replace recorded ones.

    Args:
        recorded: recorded headers by name in lower case.
        named: recorded headers that the policy names.
        own: headers of the policy.
    """
    headers = {
        name: value
        for name, value in recorded.items()
        if (name in KEPT_HEADERS or name in named) and name not in CONNECTION_HEADERS and _is_sendable(value)
    }
    return headers | dict(own)


def dropped_credentials(recorded: Mapping[str, str], named: Collection[str]) -> list[str]:
    """Return the names of the recorded credentials that are not sent again."""
    return [name for name in recorded if name in CREDENTIALS and name not in named]


def may_quote(send: Send, addresses: Iterable[str]) -> bool:
    """Return whether examples may quote answers: a service may repeat the headers that it was sent.

    Args:
        send: how the requests are sent. Recorded headers that the policy names may be credentials of users.
        addresses: numeric addresses of the services.
    """
    secret = has_variables([Request(headers=send.headers)]) or bool(send.recorded_headers)
    return not secret and all(is_loopback(address) for address in addresses)


def _is_sendable(value: str) -> bool:
    return all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
