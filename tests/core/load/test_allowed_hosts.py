"""Which hosts may be loaded."""

from __future__ import annotations

import pytest

from ghmlops.core.load.allowed_hosts import allowed, refusal


@pytest.mark.parametrize(
    ("host", "address", "targets", "own", "expected"),
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
def test_table(host: str, address: str, targets: list[str], own: list[str], expected: bool) -> None:
    """Loopback by the address that answered, exact names, names below a wildcard, the preview's own; nothing else."""
    assert allowed(host, address, targets, own) == expected


def test_the_refusal_says_what_to_paste() -> None:
    """Host, address, input and the line of the policy are told."""
    error = refusal("Scorer.example.com", "9.9.9.9", "baseline-url")
    assert error.message.startswith("input `baseline-url`: scorer.example.com (9.9.9.9) is neither")
    assert "`targets: [scorer.example.com]`" in error.hint
    assert '`targets: ["2001:db8::1"]`' in refusal("[2001:db8::1]", "2001:db8::1", "url").hint
    assert (error.exit_code, error.reason_code) == (2, "target-not-allowed")
