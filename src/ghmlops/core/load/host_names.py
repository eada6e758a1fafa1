"""ASCII form of host names with other characters (IDNA). Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def ascii_form(host: str) -> str:
    """Return the ASCII form of a host name (`xn--...`); empty if it has none, or if it is in ASCII already."""
    if host.isascii():
        return ""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def unicode_host(url: str) -> str:
    """Return why the host of an address is refused and what to write instead; empty if its host is in ASCII."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    spelling = ascii_form(host)
    return f'write the host name in its ASCII form, "{spelling}"' if spelling else ""
