"""What of an address may be told: never the user, the password or the query, which may be secrets."""

from __future__ import annotations

import re

_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#\\]*)(.*)", re.DOTALL)


def shown_address(url: str) -> str:
    """Return scheme, host and port of `url`, malformed or not, for messages.

    An `@` further on leaves the scheme only: a password may hold `/`, `?` or `#`, and what looks like the host is the
    user then.
    """
    found = _PARTS.match(url)
    scheme, place, rest = found.groups("") if found else ("", "", "")
    return f"{scheme}…" if "@" in rest else scheme + place.rpartition("@")[2]
