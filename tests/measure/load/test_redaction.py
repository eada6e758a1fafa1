"""Redaction of secrets: URLs with credentials, and header values that a service repeats."""

from __future__ import annotations

import pytest

from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.redaction import redact, redacted_address, secret_words


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:s3cret@h", "http://h"),
        ("https://me:s3cret@h:8000/path?s3cret", "https://h:8000"),
        ("http://h/path?token=s3cret", "http://h"),
        ("http://h#s3cret", "http://h"),
        ("http://me:s3/cret@h", "http://…"),
        ("http://me:s3?cret@h", "http://…"),
        ("http://[me:s3cret@h", "http://h"),
        ("me:s3cret@h", "h"),
        ("me:s3cret@h://x", "h:"),
        ("", ""),
    ],
)
def test_only_scheme_host_and_port_of_an_address_remain(url: str, expected: str) -> None:
    """User, password, path and query are removed from any address, also from a malformed one."""
    assert redacted_address(url) == expected


def test_header_values_and_their_words_may_be_secrets() -> None:
    """The longest come first; words of fewer than six characters and values of harmless headers are excluded."""
    headers = {"authorization": "Bearer abcdefgh", "x-key": "12345", "content-type": "application/json"}
    assert secret_words([Request(headers=headers)]) == ("Bearer abcdefgh", "abcdefgh", "Bearer")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no access for t0k3n-abcdef!", "no access for …!"),
        ("t0k3n-abcdeft0k3n-abcdef", "……"),
        ('truncated: "t0k3n-abc…"', 'truncated: "……"'),
        ("t0k3n-abcXYZ", "…XYZ"),
        ("t0k3n and t0k3", "t0k3n and t0k3"),
        ("", ""),
    ],
)
def test_a_secret_is_redacted_even_if_the_text_ends_within_it(text: str, expected: str) -> None:
    """Six characters of its start are enough for a match; fewer are left in the text."""
    assert redact(text, ("t0k3n-abcdef",)) == expected
