"""Requests of HTTP/1.1 as bytes: path, headers, framing and body."""

from __future__ import annotations

from dataclasses import replace

import httptools
import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.protocols.http1_request import prepare
from ghmlops.measure.load.target import parse_target


class ParsedRequest:
    """Callbacks of `httptools.HttpRequestParser` that store what it parses."""

    def __init__(self) -> None:
        self.url, self.body = b"", b""
        self.headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name] = value

    def on_body(self, body: bytes) -> None:
        self.body += body


def test_a_parser_recovers_the_request() -> None:
    """Method, path below the address's prefix, headers and body are preserved, and the length is right."""
    target = replace(parse_target("http://127.0.0.1:8000/api/", "url"), address="127.0.0.1")
    request = Request(path="/pre dict/é?x=1&y=%20", headers={"content-type": "application/json", "x-name": "ü"})
    bodies = ['{"naïve": "ü"}'.encode(), b""]
    calls = [Call(endpoint=0, path=request.path, body=body) for body in bodies]
    first, second = prepare([request], target, calls)
    parsed = ParsedRequest()
    parser = httptools.HttpRequestParser(parsed)
    parser.feed_data(first)
    assert (parser.get_method(), parsed.url) == (b"POST", b"/api/pre%20dict/%C3%A9?x=1&y=%20")
    assert parsed.body == '{"naïve": "ü"}'.encode()
    assert parsed.headers[b"host"] == b"127.0.0.1:8000"
    assert b"content-length: 0\r\n\r\n" in second


def test_a_request_without_body_has_no_content_length() -> None:
    """A call whose body is `None` is sent without the header content-length."""
    call = Call(endpoint=0, path="/health", body=None)
    (request,) = prepare([Request(method="GET")], parse_target("http://h", "url"), [call])
    assert request.startswith(b"GET /health HTTP/1.1\r\nhost: h\r\n")
    assert b"content-length" not in request


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding"])
def test_framing_headers_are_rejected(name: str) -> None:
    """A header that would break the framing is an error of the policy that names the header."""
    with pytest.raises(PolicyError, match=name):
        prepare([Request(headers={name: "1"})], parse_target("http://h", "url"), [])


def test_headers_are_encoded_as_latin_1() -> None:
    """Each character of a header is sent as one byte, as servers decode it."""
    endpoint = Request(method="GET", headers={"x-name": "caf\xe9"})
    call = Call(endpoint=0, path="/", body=None)
    (request,) = prepare([endpoint], parse_target("http://h", "url"), [call])
    assert b"x-name: caf\xe9\r\n" in request
