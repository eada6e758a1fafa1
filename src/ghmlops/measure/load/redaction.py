"""Removes secrets from text that is reported: parts of URLs, and header values that a service repeats."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from ghmlops.core.latency.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policy.latency import Request

_URL_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#\\]*)(.*)", re.DOTALL)
_PUBLIC_HEADERS = {"accept", "accept-encoding", "accept-language", "content-type", "host", "user-agent"}
"""Names of headers whose values are never secret."""
_MIN_WORD_LENGTH = 6
"""Characters: shorter words are too common in ordinary text to be redacted, and a match of this length is a secret."""
UNANSWERED = frozenset({Kind.REFUSED, Kind.CONNECT, Kind.LOCAL, Kind.UNSENT})
"""Failures without a response, so that their examples quote none."""


def unquoted(status: int) -> str:
    """Return the example of a failure whose response may not be quoted."""
    return f"status {status}; the response is not quoted" if status else "the response is not quoted"


def redacted_address(url: str) -> str:
    """Return only scheme, host and port of `url`, which may be malformed; user, password and query may be secret.

    A password may contain `/`, `?` or `#`, in which case the text before them is not the host. Therefore an `@` after
    the apparent host leaves the scheme only.
    """
    match = _URL_PARTS.match(url)
    scheme, authority, rest = match.groups("") if match else ("", "", "")
    return f"{scheme}…" if "@" in rest else scheme + authority.rpartition("@")[2]


def secret_words(endpoints: Sequence[Request]) -> tuple[str, ...]:
    """Return header values, and the words in them, that may be secrets; longest first."""
    values = (
        value for endpoint in endpoints for name, value in endpoint.headers.items() if name not in _PUBLIC_HEADERS
    )
    words = {word for value in values for word in (value, *value.split()) if len(word) >= _MIN_WORD_LENGTH}
    return tuple(sorted(words, key=len, reverse=True))


def redact(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with each secret replaced by `…`.

    The start of a secret is replaced too, because a truncated example may end in the middle of one.
    """
    for secret in secrets:
        prefix, position = secret[:_MIN_WORD_LENGTH], 0
        while (position := text.find(prefix, position)) >= 0:
            common = takewhile(lambda pair: pair[0] == pair[1], zip(secret, text[position:], strict=False))
            text = text[:position] + "…" + text[position + sum(1 for _ in common) :]
    return text
