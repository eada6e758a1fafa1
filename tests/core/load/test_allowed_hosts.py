"""The hosts that may be loaded."""

from __future__ import annotations

import pytest

from ghmlops.core.load.allowed_hosts import is_allowed, refusal


@pytest.mark.parametrize(
    ("host", "address", "targets", "preview_hosts", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", [], [], True),
        ("127.9.9.9", "127.9.9.9", [], [], True),
        ("localhost", "127.0.0.1", [], [], True),
        ("localhost", "::1", [], [], True),
        ("[::1]", "::1", [], [], True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", [], [], True),
        ("::ffff:9.9.9.9", "::ffff:9.9.9.9", [], [], False),
        ("rebind.example.com", "127.0.0.1", [], [], True),
        ("localhost", "9.9.9.9", [], [], False),
        ("127.0.0.1.example.com", "9.9.9.9", [], [], False),
        ("example.com", "9.9.9.9", [], [], False),
        ("example.com", "9.9.9.9", ["example.com"], [], True),
        ("Example.COM.", "9.9.9.9", ["example.com"], [], True),
        ("a.example.com", "9.9.9.9", ["example.com"], [], False),
        ("a.example.com", "9.9.9.9", ["*.example.com"], [], True),
        ("b.a.example.com", "9.9.9.9", ["*.example.com"], [], True),
        ("example.com", "9.9.9.9", ["*.example.com"], [], False),
        ("evilexample.com", "9.9.9.9", ["*.example.com"], [], False),
        ("example.com.evil.org", "9.9.9.9", ["*.example.com", "example.com"], [], False),
        ("9.9.9.9", "9.9.9.9", ["9.9.9.9"], [], True),
        ("9.9.9.9", "9.9.9.9", ["*.9.9.9"], [], False),
        ("[2001:db8::1]", "2001:db8::1", ["2001:DB8:0::1"], [], True),
        ("preview.internal", "10.0.0.7", [], ["preview.internal"], True),
        ("10.0.0.7", "10.0.0.7", [], ["preview.internal"], False),
        ("10.0.0.7", "10.0.0.7", [], [], False),
        ("", "", ["*"], [], False),
    ],
)  # fmt: skip
def test_only_listed_hosts_may_be_loaded(
    host: str, address: str, targets: list[str], preview_hosts: list[str], expected: bool
) -> None:
    """Allowed: loopback by the address that answered, exact names, names below a wildcard, hosts of the preview."""
    assert is_allowed(host, address, targets, preview_hosts) == expected


def test_a_refusal_contains_the_policy_line_to_add() -> None:
    """The message names the input, the host and its address; the hint is a line for the policy."""
    error = refusal("Scorer.example.com", "9.9.9.9", "baseline-url")
    assert error.message.startswith("input `baseline-url`: scorer.example.com (9.9.9.9) ")
    assert "`targets: [scorer.example.com]`" in error.hint
    assert '`targets: ["2001:db8::1"]`' in refusal("[2001:db8::1]", "2001:db8::1", "url").hint
    assert (error.exit_code, error.reason_code) == (2, "target-not-allowed")
