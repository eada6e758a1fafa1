"""Redaction of secrets."""

from __future__ import annotations

from ghmlops.core.text.redaction import MIN_SECRET_LENGTH, redact


def test_secrets_are_replaced_everywhere() -> None:
    """Every occurrence of every secret is replaced."""
    assert redact("a 12345678 b 12345678 c abcdefgh", ["12345678", "abcdefgh"]) == "a *** b *** c ***"


def test_short_texts_are_kept() -> None:
    """A secret below the minimum length is not replaced."""
    short = "x" * (MIN_SECRET_LENGTH - 1)
    assert redact(f"a {short} b", [short, ""]) == f"a {short} b"
