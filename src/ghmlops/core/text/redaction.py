"""Redacts secrets in text that is logged or shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_SECRET_LENGTH = 8
"""Characters. Real tokens have 40 and more; redacting a shorter text garbles the message and protects nothing."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret of at least `MIN_SECRET_LENGTH` characters replaced by `***`."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET_LENGTH:
            text = text.replace(secret, "***")
    return text
