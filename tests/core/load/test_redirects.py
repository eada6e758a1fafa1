"""Which redirects are followed, and where they lead: a table of RFC 9110, section 15.4."""

from __future__ import annotations

import pytest

from ghmlops.core.load.redirects import Hop, RedirectError, next_hop

URL = "https://scorer.example.com:443/v1/predict?a=1"


@pytest.mark.parametrize(
    ("method", "followed"),
    [("GET", {301, 302, 303, 307, 308}), ("POST", {307, 308}), ("PUT", {307, 308}), ("DELETE", {307, 308})],
)
def test_a_redirect_is_followed_if_method_and_body_stay(method: str, followed: set[int]) -> None:
    """301, 302 and 303 would turn a POST into a GET without a body; 300, 304, 305 and 306 lead nowhere."""
    results = set()
    for status in (300, 301, 302, 303, 304, 305, 306, 307, 308):
        try:
            results.add(next_hop(URL, method, status, "/other").path and status)
        except RedirectError:
            continue
    assert results == followed


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("/v1/predict/", "https scorer.example.com 443 /v1/predict/"),
        ("predict2?b=2", "https scorer.example.com 443 /v1/predict2?b=2"),
        ("../x/./y", "https scorer.example.com 443 /x/y"),
        ("?b=2", "https scorer.example.com 443 /v1/predict?b=2"),
        ("//other.example.com/p", "https other.example.com 443 /p"),
        ("https://Other.Example.com:8443", "https other.example.com 8443 /"),
        ("https://[::1]:9/p#part", "https ::1 9 /p"),
        ("/caf\u00e9/%C3%A9", "https scorer.example.com 443 /caf%C3%A9/%C3%A9"),
    ],
)
def test_locations_are_resolved(location: str, address: str) -> None:
    """Relative addresses, other hosts and ports; the fragment is dropped and text outside of ASCII is encoded."""
    hop = next_hop(URL, "GET", 302, location)
    assert f"{hop.scheme} {hop.host} {hop.port} {hop.path}" == address


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://scorer.example.com/v1/predict",  # from https to http
        "http://localhost/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "https://user:pass@example.com/",
        "https://user@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://ex\u00e4mple.com/",
        "/a\r\nhost: other",
        "/a b",
        "/" + "a" * 5000,
    ],
)
def test_what_is_not_followed(location: str) -> None:
    """Downgrades, credentials in the address, other schemes, and what is no address."""
    with pytest.raises(RedirectError):
        next_hop(URL, "GET", 302, location)


def test_the_reason_contains_no_path() -> None:
    """A path and a query may contain a token."""
    with pytest.raises(RedirectError) as error:
        next_hop(URL, "GET", 302, "http://other.example.com/s3cr3t?t=s3cr3t")
    assert "other.example.com" in str(error.value)
    assert "s3cr3t" not in str(error.value)


def test_an_upgrade_is_followed_to_another_origin() -> None:
    """From http to https the origin changes, and with it the connections and the headers."""
    hop = next_hop("http://scorer.example.com:80/a", "POST", 308, "https://scorer.example.com/a")
    assert hop == Hop(scheme="https", host="scorer.example.com", port=443, authority="scorer.example.com", path="/a")
    assert hop.origin == ("https", "scorer.example.com", 443)
