"""How a service is reached: through a proxy, or at another address than its name says. Pure.

Proxies come from the environment of the runner and follow curl: `HTTPS_PROXY` for https, `HTTP_PROXY` for http,
`ALL_PROXY` for both, in capital or small letters, except for the hosts in `NO_PROXY`. Loopback is never reached through
a proxy. `connect-to` has the form of curl's option: HOST:PORT:CONNECT-HOST:CONNECT-PORT.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from ghmlops.core.errors import InputError
from ghmlops.core.load.allowed_hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HINT = "for example --connect-to scorer.example.com:443:10.0.0.7:8443; `allow-hosts` must include both hosts"
_PART = r"(\[[0-9a-fA-F:.]*\]|[^:\[\]]*)"
_RULE = re.compile(rf"{_PART}:([0-9]*):{_PART}:([0-9]*)")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        host: Its name or address.
        port: Its port.
        authorization: Value of the header `proxy-authorization`; empty without a user. Secret.
        variable: Name of the variable that names it, for messages.
    """

    host: str
    port: int
    authorization: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectTo:
    """Replaces the address of a host and port; empty parts match, or keep, every value."""

    host: str
    port: int
    connect_host: str
    connect_port: int


def read_connect_to(text: str) -> tuple[ConnectTo, ...]:
    """Read the input `connect-to`: rules separated by commas or lines.

    Raises:
        InputError: A rule is malformed.
    """
    rules = []
    for entry in filter(None, (entry.strip() for entry in re.split(r"[,\n]", text))):
        match = _RULE.fullmatch(entry)
        ports = [int(port or 0) for port in (match[2], match[4])] if match else []
        if match is None or max(ports) > _MAX_PORT or not (match[3] or match[4]):
            raise InputError(f'input `connect-to`: expected HOST:PORT:HOST:PORT, got "{entry[:80]}"', hint=_HINT)
        names = [name.strip("[]").lower().rstrip(".") for name in (match[1], match[3])]
        rules.append(ConnectTo(host=names[0], port=ports[0], connect_host=names[1], connect_port=ports[1]))
    return tuple(rules)


def apply_connect_to(host: str, port: int, rules: Sequence[ConnectTo]) -> tuple[str, int]:
    """Return the host and port to connect to: by the first rule that matches, otherwise those of the address."""
    name = host.lower().rstrip(".")
    for rule in rules:
        if rule.host in ("", name) and rule.port in (0, port):
            return rule.connect_host or host, rule.connect_port or port
    return host, port


def select_proxy(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy of the environment for an address; `None` if it is reached directly.

    Args:
        scheme: `http` or `https`.
        host: Name or address of the service.
        port: Its port.
        environ: Variables of the job.

    Raises:
        InputError: The variable is not the address of an HTTP proxy.
    """
    if host.lower().rstrip(".") == "localhost" or is_loopback(host) or _is_excepted(host, port, environ):
        return None
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        if environ.get(name, "").strip():
            return _parse_proxy(environ[name].strip(), name)
    return None


def _parse_proxy(text: str, variable: str) -> Proxy:
    """Return the proxy that a variable names; the message does not repeat the value, which may contain a password."""
    parts = SplitResult("", "", "", "", "")
    port: int | None = 0
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or port == 0 or not text.isascii():
        raise InputError(
            f"the variable {variable} is not the address of an HTTP proxy (http://host:port)",
            hint="correct it, or list the host of the service in NO_PROXY",
        )
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else ""
    authorization = "Basic " + base64.b64encode(user.encode()).decode() if user else ""
    return Proxy(host=parts.hostname, port=port or 80, authorization=authorization, variable=variable)


def _is_excepted(host: str, port: int, environ: Mapping[str, str]) -> bool:
    """Return whether `NO_PROXY` lists the host: a name includes its subdomains; addresses, networks and ports count."""
    name = host.strip("[]").lower().rstrip(".")
    for entry in re.split(r"[,\s]+", environ.get("no_proxy") or environ.get("NO_PROXY", "")):
        pattern = entry.lower().removeprefix("*").removeprefix(".")
        if entry == "*" or _contains(pattern, name):
            return True
        pattern, _, number = pattern.rpartition(":")
        if pattern and number == str(port) and (_contains(pattern, name) or pattern.strip("[]") == name):
            return True
    return False


def _contains(pattern: str, name: str) -> bool:
    if not pattern:
        return False
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(pattern.strip("[]"), strict=False)
    except ValueError:
        return name == pattern or name.endswith(f".{pattern}")
