"""Values of headers that may not be told, wherever a service repeats them."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policy.latency import Request

_PLAIN = {"accept", "accept-encoding", "accept-language", "content-type", "host", "user-agent"}
"""Headers that hold no secret."""
_SHORTEST = 6


def secrets_of(endpoints: Sequence[Request]) -> tuple[str, ...]:
    """Return the words of header values that may be secrets, longest first."""
    values = (value for endpoint in endpoints for name, value in endpoint.headers.items() if name not in _PLAIN)
    words = {word for value in values for word in (value, *value.split()) if len(word) >= _SHORTEST}
    return tuple(sorted(words, key=len, reverse=True))


def blotted(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with each secret replaced by `…`; the begin of one, too, for an example may have been cut in it."""
    for secret in secrets:
        begin, at = secret[:_SHORTEST], 0
        while (at := text.find(begin, at)) >= 0:
            same = takewhile(lambda pair: pair[0] == pair[1], zip(secret, text[at:], strict=False))
            text = text[:at] + "…" + text[at + sum(1 for _ in same) :]
    return text
