"""Requests of HTTP/2 as header fields and body."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.protocols.http2_request import prepare
from ghmlops.measure.load.target import parse_target


@pytest.mark.parametrize("name", ["connection", "transfer-encoding", "upgrade", "te"])
def test_headers_of_http1_connections_are_rejected(name: str) -> None:
    """Headers that HTTP/2 forbids are an error of the policy, before the run."""
    target = parse_target("http://127.0.0.1:1", "url")
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}"):
        prepare([Request(headers={name: "x"})], target, [])


def test_the_fields_of_a_request() -> None:
    """Pseudo headers come first, `host` becomes the authority, the path is encoded below the prefix of the address."""
    target = parse_target("https://example.com:8443/v1", "url")
    endpoint = Request(method="PUT", headers={"host": "other", "x-key": "k"})
    ((fields, body),) = prepare([endpoint], target, [Call(endpoint=0, path="/a b?c=d", body=b"{}")])
    assert fields == [
        (b":method", b"PUT"),
        (b":scheme", b"https"),
        (b":authority", b"other"),
        (b":path", b"/v1/a%20b?c=d"),
        (b"accept", b"*/*"),
        (b"user-agent", b"ghmlops"),
        (b"x-key", b"k"),
        (b"content-length", b"2"),
    ]
    assert body == b"{}"
