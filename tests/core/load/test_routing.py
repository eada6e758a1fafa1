"""Proxies of the environment, and addresses that replace that of a name."""

from __future__ import annotations

import base64

import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.load.routing import apply_connect_to, read_connect_to, select_proxy

BOTH = {"HTTP_PROXY": "http://proxy:3128", "https_proxy": "http://user:p%40ss@secure"}


def test_the_scheme_selects_the_proxy() -> None:
    """Each scheme has a variable in capital or small letters; the default port is 80, and a user is sent."""
    plain = select_proxy("http", "a.example", 80, BOTH)
    secure = select_proxy("https", "a.example", 443, BOTH)
    assert plain is not None
    assert secure is not None
    assert (plain.host, plain.port, plain.authorization, plain.variable) == ("proxy", 3128, "", "HTTP_PROXY")
    assert (secure.host, secure.port) == ("secure", 80)
    assert base64.b64decode(secure.authorization.removeprefix("Basic ")) == b"user:p@ss"
    assert select_proxy("http", "a.example", 80, {"ALL_PROXY": "proxy:1"}) is not None
    assert select_proxy("http", "a.example", 80, {"https_proxy": "http://proxy", "HTTP_PROXY": " "}) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "::1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_loopback_is_reached_directly(host: str) -> None:
    """A service of this machine has no proxy."""
    assert select_proxy("http", host, 80, BOTH) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "a.example", True),
        ("a.example", "a.example", True),
        ("A.Example ", "a.example.", True),
        ("example", "a.example", True),
        (".example, b.test", "a.example", True),
        ("*.example", "a.example", True),
        ("ample", "a.example", False),
        ("a.example:443", "a.example", True),
        ("a.example:8443", "a.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("", "a.example", False),
        (",,", "a.example", False),
    ],
)
def test_exceptions(no_proxy: str, host: str, direct: bool) -> None:
    """Names with their subdomains, addresses, networks, ports and `*` are exceptions."""
    assert (select_proxy("https", host, 443, BOTH | {"NO_PROXY": no_proxy}) is None) is direct


@pytest.mark.parametrize(
    "value", ["socks5://proxy:1", "http://:80", "http://proxy:99999", "http://[::1", "http://prüxy"]
)
def test_a_variable_that_is_no_proxy_is_an_error(value: str) -> None:
    """The message names the variable and not its value, which may contain a password."""
    with pytest.raises(InputError, match="HTTP_PROXY") as caught:
        select_proxy("http", "a.example", 80, {"HTTP_PROXY": value})
    assert value not in caught.value.message


def test_the_first_rule_that_matches_replaces_the_address() -> None:
    """Empty parts match, or keep, every value; the rest is untouched."""
    rules = read_connect_to("a.example:443:10.0.0.7:8443, A.example::b.example:\n::[2001:db8::1]:80")
    assert apply_connect_to("a.example", 443, rules) == ("10.0.0.7", 8443)
    assert apply_connect_to("a.example.", 80, rules) == ("b.example", 80)
    assert apply_connect_to("c.example", 443, rules) == ("2001:db8::1", 80)
    assert apply_connect_to("c.example", 443, ()) == ("c.example", 443)


@pytest.mark.parametrize(
    "text", ["a", "a:1", "a:1:b", "a:x:b:1", "a:1:b:99999", "a:1::", "a:1:b:2:3", "2001:db8::1:1:b:2"]
)
def test_a_malformed_rule_is_an_error(text: str) -> None:
    """A rule has four parts, of which one is the replacement."""
    with pytest.raises(InputError, match="connect-to"):
        read_connect_to(text)
