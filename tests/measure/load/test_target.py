"""Addresses, the probe, and the bytes of a request."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import httptools
import pytest

from ghmlops.core.errors import InputError, PolicyError, ServiceError
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.target import parse_target, probe, serialise

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "authority"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000, "", "127.0.0.1:8000"),
        ("http://example.com/", "example.com", 80, "", "example.com"),
        ("https://example.com/v1/models/", "example.com", 443, "/v1/models", "example.com"),
        ("http://[::1]:9/x", "::1", 9, "/x", "[::1]:9"),
    ],
)
def test_addresses(url: str, host: str, port: int, prefix: str, authority: str) -> None:
    """Host, port, prefix and the header `host` follow from the address."""
    found = parse_target(url, "url")
    assert (host, port, prefix, authority) == (found.host, found.port, found.prefix, found.authority)
    assert (found.tls is not None) == url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://x",
        "http://",
        "http://a b/",
        "http://x:99999",
        "http://x:port",
        "http://x:0",
        "http://u:p@x/",
        "http://x/?q=1",
        "http://x/#f",
        "http://x\r\nevil: 1",
        "http://[::1",
        "http://exämple.com",
    ],
)
def test_malformed_addresses(url: str) -> None:
    """Anything but a plain http or https address is refused; the input is named."""
    with pytest.raises(InputError, match="input `baseline-url`: ") as caught:
        parse_target(url, "baseline-url")
    assert "--baseline-url http://" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:s3cret@h", '"http://h"'),
        ("https://me:s3cret@h:8000/path?s3cret", '"https://h:8000"'),
        ("http://h/path?token=s3cret", '"http://h"'),
        ("http://h#s3cret", '"http://h"'),
        ("http://me:s3/cret@h", '"http://…"'),
        ("http://me:s3?cret@h", '"http://…"'),
        ("http://[me:s3cret@h", '"http://h"'),
        ("me:s3cret@h", '"h"'),
        ("me:s3cret@h://x", '"h:"'),
    ],
)
def test_no_secret_of_an_address_is_repeated(url: str, shown: str) -> None:
    """User, password and query never reach the message, however the address is malformed; scheme and host do."""
    with pytest.raises(InputError) as caught:
        parse_target(url, "url")
    told = caught.value.message + caught.value.hint
    assert caught.value.message.endswith(f"got {shown}")
    assert [part for part in ("me:", "s3", "cret", "token") if part in told] == []


def test_port_0_is_refused() -> None:
    """Port 0 is not taken for the scheme's own port."""
    with pytest.raises(InputError, match="nothing listens on port 0"):
        parse_target("http://127.0.0.1:0", "url")


def test_probe_of_a_service(service: str) -> None:
    """The probe pins the numeric address that answered."""
    found = probe(parse_target(service.replace("127.0.0.1", "localhost"), "url"), "url")
    assert found.address == "127.0.0.1"


def test_probe_refused_and_unknown() -> None:
    """A port that refuses and a host that does not exist are errors of the service, with a hint."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"http://127.0.0.1:{port}: Connection refused") as refused:
            probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert "--url" in refused.value.hint
    with pytest.raises(ServiceError, match=r"nowhere\.invalid: the host is not known"):
        probe(parse_target("http://nowhere.invalid", "url"), "url")
    with pytest.raises(ServiceError, match="the host is not known"):
        probe(parse_target("http://" + "a" * 70 + ".invalid", "url"), "url")


@pytest.fixture
def hangs_up() -> Iterator[int]:
    """A port that accepts and closes at once: no TLS there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def accept() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def test_probe_of_tls_that_is_none(hangs_up: int) -> None:
    """https where plain HTTP is spoken is an error of the service, not a traceback."""
    with pytest.raises(ServiceError, match=f"https://127.0.0.1:{hangs_up}: ") as caught:
        probe(parse_target(f"https://127.0.0.1:{hangs_up}", "url"), "url")
    assert "begins with http://" in caught.value.hint


def test_certificates_are_verified() -> None:
    """The context of an https address checks the certificate and the host name."""
    tls = parse_target("https://example.com", "url").tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


class Seen:
    """What a parser of requests finds."""

    def __init__(self) -> None:
        self.url, self.body = b"", b""
        self.headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name] = value

    def on_body(self, body: bytes) -> None:
        self.body += body


def test_serialised_requests_parse_again() -> None:
    """Method, path with the address's prefix, headers and body come through, with the right length."""
    target = replace(parse_target("http://127.0.0.1:8000/api/", "url"), address="127.0.0.1")
    request = Request(path="/pre dict/é?x=1&y=%20", headers={"content-type": "application/json", "x-name": "ü"})
    bodies = ['{"naïve": "ü"}'.encode(), b""]
    calls = [Call(endpoint=0, path=request.path, body=body) for body in bodies]
    (first, second) = serialise([request], target, calls)
    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(first)
    assert (parser.get_method(), seen.url) == (b"POST", b"/api/pre%20dict/%C3%A9?x=1&y=%20")
    assert seen.body == '{"naïve": "ü"}'.encode()
    assert seen.headers[b"host"] == b"127.0.0.1:8000"
    assert b"content-length: 0\r\n\r\n" in second


def test_a_request_without_body() -> None:
    """GET has no content-length."""
    call = Call(endpoint=0, path="/health", body=None)
    (only,) = serialise([Request(method="GET")], parse_target("http://h", "url"), [call])
    assert only.startswith(b"GET /health HTTP/1.1\r\nhost: h\r\n")
    assert b"content-length" not in only


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding"])
def test_framing_headers_are_refused(name: str) -> None:
    """A header that would break the framing is an error of the policy."""
    with pytest.raises(PolicyError, match=name):
        serialise([Request(headers={name: "1"})], parse_target("http://h", "url"), [])


def test_headers_are_sent_as_latin_1() -> None:
    """As servers read them: one byte a character."""
    endpoint = Request(method="GET", headers={"x-name": "caf\xe9"})
    call = Call(endpoint=0, path="/", body=None)
    (wire,) = serialise([endpoint], parse_target("http://h", "url"), [call])
    assert b"x-name: caf\xe9\r\n" in wire
