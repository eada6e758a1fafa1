"""The hosts that may be loaded."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.load.allowed_hosts import HostRules, is_allowed, is_loopback, read_entries, refusal


@pytest.mark.parametrize(
    ("host", "address", "allowed", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", [], True),
        ("127.9.9.9", "127.9.9.9", [], True),
        ("localhost", "127.0.0.1", [], True),
        ("localhost", "::1", [], True),
        ("[::1]", "::1", [], True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", [], True),
        ("::ffff:9.9.9.9", "::ffff:9.9.9.9", [], False),
        ("rebind.example.com", "127.0.0.1", [], True),
        ("localhost", "9.9.9.9", [], False),
        ("127.0.0.1.example.com", "9.9.9.9", [], False),
        ("example.com", "9.9.9.9", [], False),
        ("example.com", "9.9.9.9", ["example.com"], True),
        ("Example.COM.", "9.9.9.9", ["example.com"], True),
        ("a.example.com", "9.9.9.9", ["example.com"], False),
        ("a.example.com", "9.9.9.9", ["*.example.com"], True),
        ("b.a.example.com", "9.9.9.9", ["*.example.com"], True),
        ("example.com", "9.9.9.9", ["*.example.com"], False),
        ("evilexample.com", "9.9.9.9", ["*.example.com"], False),
        ("example.com.evil.org", "9.9.9.9", ["*.example.com", "example.com"], False),
        ("9.9.9.9", "9.9.9.9", ["9.9.9.9"], True),
        ("example.com", "9.9.9.9", ["9.9.9.0/24"], True),
        ("[2606:4700::1]", "2606:4700::1", ["2606:4700:0::1"], True),
        ("2606:4700::2", "2606:4700::2", ["2606:4700::/32"], True),
        ("10.0.0.7", "10.0.0.7", [], False),
        ("scorer.invalid", "", ["scorer.invalid"], True),
        ("scorer.invalid", "", [], False),
    ],
)
def test_only_hosts_of_the_input_may_be_loaded(host: str, address: str, allowed: list[str], expected: bool) -> None:
    """Allowed: loopback by its address, exact names, names below a wildcard, addresses and networks."""
    assert is_allowed(host, address, HostRules(allowed=tuple(allowed))) == expected


SPECIAL = (
    "10.0.0.7", "172.16.3.4", "192.168.1.1", "100.64.0.1", "169.254.1.1", "169.254.169.254", "168.63.129.16",
    "100.100.100.200", "192.0.0.192", "224.0.0.1", "255.255.255.255", "fd00:ec2::254", "fd12::1", "fe80::1",
    "0.0.0.0", "fe80::1%eth0", "::", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",  # noqa: S104
    "2002:a9fe:a9fe::1", "::a9fe:a9fe", "::ffff:0:a9fe:a9fe", "::ffff:10.0.0.7",
)  # fmt: skip


@pytest.mark.parametrize("address", SPECIAL)
def test_a_name_never_includes_a_special_address(address: str) -> None:
    """The owner of an allowed name cannot point it at a private, link-local or metadata address, in any notation."""
    names = HostRules(allowed=("scorer.example.com", "*.example.com"))
    for host in ("scorer.example.com", "a.example.com", address):
        assert not is_allowed(host, address, names)
    assert is_allowed("scorer.example.com", "9.9.9.9", names)
    by_number = HostRules(allowed=read_entries(address.partition("%")[0]))
    assert is_allowed("scorer.example.com", address, by_number)


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("10.0.0.7", "10.0.0.0/8", True),
        ("fd12::1", "fd00::/8", True),
        ("169.254.1.1", "169.254.0.0/16", True),
        ("169.254.169.254", "169.254.0.0/16", False),
        ("169.254.169.254", "0.0.0.0/0", False),
        ("168.63.129.16", "168.0.0.0/8", False),
        ("fd00:ec2::254", "fd00::/8", False),
        ("169.254.169.254", "169.254.169.254", True),
        ("::ffff:169.254.169.254", "169.254.169.254/32", True),
    ],
)
def test_a_network_includes_no_metadata_service(address: str, network: str, expected: bool) -> None:
    """Private ranges are allowed by their network; a metadata service only by its own address."""
    assert is_allowed("x.example.com", address, HostRules(allowed=read_entries(network))) == expected


@pytest.mark.parametrize(
    ("host", "address", "targets", "expected"),
    [
        ("a.example.com", "9.9.9.9", [], True),
        ("a.example.com", "9.9.9.9", ["a.example.com"], True),
        ("a.example.com", "9.9.9.9", ["*.example.com"], True),
        ("a.example.com", "9.9.9.9", ["b.example.com"], False),
        ("a.example.com", "9.9.9.9", ["9.9.9.9"], True),
        ("evil.org", "9.9.9.9", ["evil.org"], False),
        ("10.0.0.7", "10.0.0.7", ["10.0.0.7"], False),
        ("localhost", "127.0.0.1", ["b.example.com"], True),
    ],
)
def test_targets_of_the_policy_only_narrow(host: str, address: str, targets: list[str], expected: bool) -> None:
    """The policy of a change can exclude hosts of the input, and add none; loopback stays allowed."""
    rules = HostRules(allowed=("*.example.com",), targets=tuple(targets))
    assert is_allowed(host, address, rules) == expected


def test_entries_are_separated_by_commas_or_lines() -> None:
    """Upper case, brackets, spaces and a final dot do not matter."""
    text = " Scorer.Example.com.,*.a.example\n10.0.0.0/8\n\n[2001:DB8::1],"
    assert read_entries(text) == ("scorer.example.com", "*.a.example", "10.0.0.0/8", "2001:db8::1")
    assert read_entries("") == ()


@pytest.mark.parametrize(
    "text", ["*", "https://a.example", "a.example:80", "a b", "a/b", "*.*", "10.0.0.0/40", "999.1.1.1"]
)
def test_malformed_entries_are_refused(text: str) -> None:
    """A wildcard for everything, a scheme or a port would allow something else than its author expects."""
    with pytest.raises(InputError, match="allow-hosts"):
        read_entries(text)


def test_a_refusal_contains_the_input_to_add() -> None:
    """The message names the input, the host and its address; the hint names what allows it."""
    error = refusal("Scorer.example.com", "9.9.9.9", "baseline-url", HostRules())
    assert error.message.startswith("input `baseline-url`: scorer.example.com (9.9.9.9) ")
    assert "`allow-hosts: scorer.example.com`" in error.hint
    assert (error.exit_code, error.reason_code) == (2, "target-not-allowed")
    private = refusal("scorer.example.com", "10.0.0.7", "url", HostRules(allowed=("scorer.example.com",)))
    assert "`allow-hosts: 10.0.0.7`" in private.hint
    assert '`allow-hosts: "2606:4700::1"`' in refusal("[2606:4700::1]", "2606:4700::1", "url", HostRules()).hint
    narrowed = refusal("a.example", "9.9.9.9", "url", HostRules(allowed=("a.example",), targets=("b.example",)))
    assert "`targets: [a.example]`" in narrowed.hint


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", True), ("::1", True), ("9.9.9.9", False), ("", False)])
def test_loopback_is_known_by_its_address(address: str, expected: bool) -> None:
    """A name is not enough."""
    assert is_loopback(address) == expected
