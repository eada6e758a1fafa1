"""Parsing of addresses."""

from __future__ import annotations

import ssl

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.load.target import parse_target


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "authority"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000, "", "127.0.0.1:8000"),
        ("http://example.com/", "example.com", 80, "", "example.com"),
        ("https://example.com/v1/models/", "example.com", 443, "/v1/models", "example.com"),
        ("http://[::1]:9/x", "::1", 9, "/x", "[::1]:9"),
    ],
)
def test_an_address_is_parsed(url: str, host: str, port: int, prefix: str, authority: str) -> None:
    """Host, port, prefix and the header `host` follow from the address."""
    target = parse_target(url, "url")
    assert (host, port, prefix, authority) == (target.host, target.port, target.prefix, target.authority)
    assert (target.tls is not None) == url.startswith("https")


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
    ],
)
def test_malformed_addresses_are_rejected(url: str) -> None:
    """Anything but a plain http or https address is an error that names the input."""
    with pytest.raises(InputError, match="input `baseline-url`: ") as caught:
        parse_target(url, "baseline-url")
    assert "--baseline-url http://" in caught.value.hint


def test_no_secret_of_an_address_is_repeated() -> None:
    """The message about an address with credentials contains its scheme and host, but no user, password or query."""
    with pytest.raises(InputError) as caught:
        parse_target("https://me:s3cret@h:8000/path?token=1", "url")
    message = caught.value.message + caught.value.hint
    assert '"https://h:8000"' in message
    assert [secret for secret in ("me:", "s3cret", "token") if secret in message] == []


def test_port_0_is_rejected() -> None:
    """Port 0 is not replaced by the default port of the scheme."""
    with pytest.raises(InputError, match="port from 1 to 65535"):
        parse_target("http://127.0.0.1:0", "url")


def test_certificates_are_verified() -> None:
    """The context of an https address checks the certificate and the host name."""
    tls = parse_target("https://example.com", "url").tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_unicode_host_is_refused_with_its_ascii_form() -> None:
    """The hint contains the name as it must be written."""
    with pytest.raises(InputError) as caught:
        parse_target("http://exämple.com", "baseline-url")
    assert "xn--exmple-cua.com" in (caught.value.hint or "")
