"""The second request of a redirect, byte by byte."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ghmlops.core.load.redirects import RedirectError
from ghmlops.core.load.routing import Proxy
from ghmlops.measure.load.redirects.rewriting import is_same_origin, resolve_redirect, rewrite
from ghmlops.measure.load.target import parse_target

REQUEST = (
    b"POST /p?a=1 HTTP/1.1\r\nhost: scorer.example.com\r\naccept: */*\r\nuser-agent: ghmlops\r\n"
    b"authorization: Bearer t\r\nx-api-key: t\r\ncookie: t\r\ncontent-type: application/json\r\n"
    b"content-length: 6\r\n\r\n{\r\n\r\n}"
)


def test_the_same_service_receives_all_headers() -> None:
    """Only the address changes, and the body stays, even if it looks like the end of a head."""
    target = parse_target("http://scorer.example.com", "url")
    hop = resolve_redirect(REQUEST, target, 307, b"/p/?a=1")
    assert is_same_origin(hop, target)
    assert rewrite(REQUEST, hop, same_origin=True) == REQUEST.replace(b"/p?a=1", b"/p/?a=1")


@pytest.mark.parametrize(
    "location", [b"http://other.example.com/q", b"http://scorer.example.com:81/q", b"https://scorer.example.com/q"]
)
def test_another_origin_receives_no_credential(location: bytes) -> None:
    """Another host, port or scheme: headers of any name can be credentials, so that only a few are passed on."""
    target = parse_target("http://scorer.example.com", "url")
    hop = resolve_redirect(REQUEST, target, 308, location)
    assert not is_same_origin(hop, target)
    request = rewrite(REQUEST, hop, same_origin=False)
    assert request == (
        b"POST /q HTTP/1.1\r\nhost: %s\r\naccept: */*\r\nuser-agent: ghmlops\r\n"
        b"content-type: application/json\r\ncontent-length: 6\r\n\r\n{\r\n\r\n}" % hop.authority.encode()
    )


def test_a_proxy_receives_a_complete_address() -> None:
    """The first address is complete, and so is the second."""
    proxy = Proxy(host="127.0.0.1", port=3128)
    target = replace(parse_target("http://scorer.example.com:8080", "url"), proxy=proxy)
    request = REQUEST.replace(b"/p?a=1", b"http://scorer.example.com:8080/p?a=1")
    hop = resolve_redirect(request, target, 307, b"q")
    assert is_same_origin(hop, target)
    assert rewrite(request, hop, same_origin=True).startswith(b"POST http://scorer.example.com:8080/q HTTP/1.1\r\n")


def test_a_location_that_is_not_utf_8_is_an_address() -> None:
    """Servers also send Latin-1; the bytes are encoded, and a missing header is refused."""
    target = parse_target("http://scorer.example.com", "url")
    assert resolve_redirect(REQUEST, target, 307, b"/caf\xe9").path == "/caf%C3%A9"
    assert resolve_redirect(REQUEST, target, 307, "/café".encode()).path == "/caf%C3%A9"
    with pytest.raises(RedirectError):
        resolve_redirect(REQUEST, target, 307, b"")
