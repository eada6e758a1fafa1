"""The one redirect that a request may follow (policy key `follow-redirect`): the rules of RFC 9110, section 15.4. Pure.

A redirect is followed if the second request has the method and the body of the first: 301, 302 and 303 for GET, 307
and 308 for every method. After 301, 302 or 303, a POST would be sent again as a GET without its body, which is another
request than the policy states.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from ghmlops.core.load.allowed_hosts import HostRules

_KEEPS_METHOD = (307, 308)
_SENT_AS_GET = (301, 302, 303)
_PORTS = {"http": 80, "https": 443}
_SAFE = "/?&=%:@!$'()*+,;~-._[]"
"""Characters of a path and a query that are not percent-encoded."""
_MAX_LOCATION = 4096


class RedirectError(ValueError):
    """A redirect that is not followed; the message is the reason, without the path, which may contain a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRules:
    """Where a redirect to another host may lead.

    Attributes:
        hosts: The hosts that may be loaded.
        ca_file: Path of the certificate authorities for https; empty for those of the system.
    """

    hosts: HostRules
    ca_file: str = ""


NO_OTHER_HOST = RedirectRules(hosts=HostRules())
"""Redirects stay on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """The address that a redirect leads to.

    Attributes:
        scheme: `http` or `https`.
        host: Name or address, in lower case, without brackets.
        port: Its port.
        authority: Value of the header `host`.
        path: Path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: requests to the same origin may share connections and credentials."""
        return self.scheme, self.host, self.port


def next_hop(url: str, method: str, status: int, location: str) -> Hop:
    """Return where a redirect leads.

    Args:
        url: Complete address of the request.
        method: Its method.
        status: Status of the response, 300 to 399.
        location: The header `location`; relative to `url`.

    Raises:
        RedirectError: The redirect is not followed.
    """
    if status not in _KEEPS_METHOD and status not in _SENT_AS_GET:
        raise RedirectError(f"a response with status {status} leads nowhere by itself")
    if status in _SENT_AS_GET and method not in ("GET", "HEAD"):
        raise RedirectError(f"a {method} is not followed after {status}, which changes it to a GET without its body")
    if not location or len(location) > _MAX_LOCATION or any(character <= " " for character in location):
        raise RedirectError("the redirect has no valid address")
    try:
        parts = urlsplit(urljoin(url, location))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RedirectError("the redirect has no valid address") from None
    if parts.scheme not in _PORTS or not host or not host.isascii() or port == 0:
        raise RedirectError("the redirect leads to no address of http or https")
    if parts.username is not None or parts.password is not None:
        raise RedirectError("the address of the redirect contains a user name")
    if parts.scheme == "http" and url.startswith("https:"):
        raise RedirectError(f"the redirect leads from https to http ({host[:100]})")
    bracketed = f"[{host}]" if ":" in host else host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Hop(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        authority=f"{bracketed}:{port}" if port else bracketed,
        path=quote(path, safe=_SAFE),
    )
