"""The service that an arm sends to: parsing its URL, and probing that it can be reached."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ghmlops.core.errors import InputError, PolicyError, ServiceError
from ghmlops.core.load.host_names import unicode_host
from ghmlops.measure.load.connecting.dial import open_tunnel
from ghmlops.measure.load.connecting.tls_errors import describe_tls_error
from ghmlops.measure.load.redaction import redacted_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.load.routing import Proxy

PROBE_TIMEOUT = 10.0
"""Seconds."""
_ALERT_SECONDS = 0.2
"""Seconds in which a service can report after the handshake that it demands a client certificate."""
_MAX_ADDRESSES, _OTHER_SECONDS = 16, 2.0
"""Number of addresses over which connections are spread, and the maximum time to try one of them in seconds."""
_PATH_SAFE = "/?&=%:@!$'()*+,;~-._[]"
"""Characters that are not percent-encoded in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Service of one arm.

    Attributes:
        url: The URL of the input, without a trailing slash.
        host: Host name or address in the URL.
        port: Port in the URL, or the default port of its scheme.
        tls: Context that verifies the certificate; `None` for http.
        prefix: Path in the URL, without a trailing slash; requests are sent below it.
        authority: Value of the header `host`.
        address: Numeric address that responded to the probe, of the service or of its proxy; empty before the probe.
        addresses: All numeric addresses of the service that responded, over which connections are spread.
        connect_host: Host to connect to instead (input `connect-to`); empty for `host`.
        connect_to_port: Its port; 0 for `port`.
        proxy: HTTP proxy through which the service is reached; `None` without one.
        tunnel_host: Host that the proxy connects to for https: a checked address, or the name if it is not resolvable.
        client_certificate: Path of the PEM file with the client's certificate and key; empty without one.
    """

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None
    prefix: str
    authority: str
    address: str = ""
    addresses: tuple[str, ...] = ()
    connect_host: str = ""
    connect_to_port: int = 0
    proxy: Proxy | None = None
    tunnel_host: str = ""
    client_certificate: str = ""

    @property
    def connect_port(self) -> int:
        """Port of the service that is connected to."""
        return self.connect_to_port or self.port

    @property
    def dial_port(self) -> int:
        """Port that sockets connect to: of the proxy, if there is one."""
        return self.proxy.port if self.proxy else self.connect_port

    @property
    def forwarded(self) -> bool:
        """True if a proxy forwards each request, whose target is therefore a complete address."""
        return self.proxy is not None and self.tls is None

    @property
    def proxy_variable(self) -> str:
        """Name of the variable that names the proxy."""
        return self.proxy.variable if self.proxy else ""


def parse_target(url: str, name: str, ca_file: str = "") -> Target:
    """Parse the URL of a service.

    Args:
        url: An http or https URL without user name, query and fragment.
        name: Name of the input that contains the URL, for messages.
        ca_file: Path of a PEM file of certificates to trust instead of the system's; empty for the system's.

    Raises:
        InputError: The URL is malformed; the message contains only its scheme, host and port.
        PolicyError: The URL is https, and `ca_file` does not exist or contains no certificate.
    """

    def invalid(why: str) -> InputError:
        hint = f"for example --{name} http://127.0.0.1:8000"
        return InputError(f'input `{name}`: {why}, got "{redacted_address(url)}"', hint=hint)

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise invalid("expected an http or https address") from None
    if why := unicode_host(url):
        raise InputError(f"input `{name}`: the host name is not in ASCII", hint=why)
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or any(c <= " " for c in url):
        raise invalid("expected an http or https address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise invalid("expected an address without user name, query and fragment")
    if port == 0:
        raise invalid("expected a port from 1 to 65535")
    tls = tls_context(ca_file) if parts.scheme == "https" else None
    bracketed = f"[{host}]" if ":" in host else host
    return Target(
        url=url.rstrip("/"),
        host=host,
        port=port or (443 if tls else 80),
        tls=tls,
        prefix=parts.path.rstrip("/"),
        authority=f"{bracketed}:{port}" if port else bracketed,
    )


def tls_context(ca_file: str, key: str = "latency.ca-file") -> ssl.SSLContext:
    """Return a context that verifies certificate and host name.

    Args:
        ca_file: Path of a PEM file of certificates to trust instead of the system's; empty for the system's.
        key: Policy key that names the file, for messages.

    Raises:
        PolicyError: The file does not exist or contains no certificate.
    """
    if not ca_file:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        why = "contains no certificate in PEM format"
    except (OSError, ValueError) as error:
        why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    hint = "name a text file with `-----BEGIN CERTIFICATE-----`, relative to the repository"
    raise PolicyError(f'`{key}`: "{ca_file}" {why}', hint=hint)


def with_client_certificate(target: Target, file: str, display: str) -> Target:
    """Return the target with the certificate that this client presents; without effect for http.

    Args:
        target: The service.
        file: Path of a PEM file with the certificate, its chain and its private key.
        display: The path as the user wrote it.

    Raises:
        InputError: The file cannot be read, lacks one of them, or its key needs a password.
    """
    if target.tls is None:
        return target
    try:
        target.tls.load_cert_chain(file, password=_no_password)
    except ssl.SSLError as error:
        detail = str(error.reason or "").lower().replace("_", " ")
        why = f"needs a certificate and its private key in PEM format, without a password ({detail})"
    except (OSError, ValueError) as error:
        why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    else:
        return replace(target, client_certificate=file)
    hint = "for example: cat client.pem client-key.pem > client-both.pem"
    raise InputError(f'input `client-certificate`: "{display}" {why}', hint=hint)


def _no_password() -> str:
    """Return no password, because OpenSSL would ask the terminal for it."""
    raise ValueError("its key is encrypted")


def numeric_addresses(host: str, port: int) -> list[str]:
    """Return every numeric address of a host, in the order of the resolver; empty if the name cannot be resolved."""
    try:
        return _resolve(host, port)
    except (OSError, UnicodeError):
        return []


def _resolve(host: str, port: int) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in entries))


def connect(host: str, port: int, seconds: float, check: Callable[[Sequence[str]], None]) -> socket.socket:
    """Connect to a host at one of its addresses, all of which `check` accepted; the name is resolved once.

    Args:
        host: Name or address.
        port: Port.
        seconds: Maximum time per address.
        check: Raises if one of the numeric addresses may not be contacted.

    Raises:
        OSError: The host cannot be resolved or reached.
        UnicodeError: The name is invalid.
    """
    addresses = _resolve(host, port)
    check(addresses)
    for number, address in enumerate(addresses, start=1):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError:
            if number == len(addresses):
                raise
    raise OSError("the host has no address")


def probe(target: Target, name: str, check: Callable[[Sequence[str]], None] = lambda _: None) -> Target:
    """Open one connection, with TLS if the URL is https, and close it; return the target with the address it used.

    Args:
        target: The service.
        name: Name of the input that contains its URL, for messages.
        check: Raises if one of the numeric addresses of the host may not be contacted.

    Raises:
        ServiceError: The host cannot be resolved or reached, or its certificate is not trusted.
    """
    hint = f"is the service of --{name} running, and does it listen on this address?"
    if target.proxy is not None:
        hint = f"it is reached through the proxy of {target.proxy_variable}; list its host in NO_PROXY to avoid that"
    try:
        target, plain, checked = _reach(target, check)
        with plain:
            address = str(plain.getpeername()[0])
            open_tunnel(plain, target, time.monotonic() + PROBE_TIMEOUT)
            if target.tls is not None:
                _shake_hands(plain, target)
    except socket.gaierror as error:
        raise ServiceError(f"{target.url}: the host name cannot be resolved ({error.strerror})", hint=hint) from None
    except ssl.SSLCertVerificationError as error:
        certificate_hint = "the certificate must be trusted and valid for this host"
        raise ServiceError(f"{target.url}: {describe_error(error)}", hint=certificate_hint) from None
    except ssl.SSLError as error:
        tls_hint = "does the service use TLS? The address of a service without TLS begins with http://"
        if "client certificate" in describe_error(error):
            tls_hint = "pass its PEM file with certificate and key by the input `client-certificate`"
        raise ServiceError(f"{target.url}: TLS failed ({describe_error(error)})", hint=tls_hint) from None
    except TimeoutError:
        raise ServiceError(f"{target.url}: no connection within {PROBE_TIMEOUT:.0f} s", hint=hint) from None
    except OSError as error:
        raise ServiceError(f"{target.url}: {error.strerror or error}", hint=hint) from None
    except UnicodeError:
        raise ServiceError(f"{target.url}: the host name is invalid", hint=hint) from None
    return replace(target, address=address, addresses=_healthy_addresses(target, address, checked))


def _reach(target: Target, check: Callable[[Sequence[str]], None]) -> tuple[Target, socket.socket, tuple[str, ...]]:
    """Connect to the service or to its proxy; return the target with the tunnel's host, and the checked addresses.

    The addresses of the service are checked in any case; the proxy is named by the runner and not by the policy.
    """
    host = target.connect_host or target.host
    if target.proxy is None:
        checked: list[str] = []

        def check_and_remember(addresses: Sequence[str]) -> None:
            check(addresses)
            checked.extend(addresses)

        plain = connect(host, target.connect_port, PROBE_TIMEOUT, check_and_remember)
        return target, plain, tuple(checked)
    addresses = numeric_addresses(host, target.connect_port)
    check(addresses or [""])
    plain = connect(target.proxy.host, target.proxy.port, PROBE_TIMEOUT, lambda _: None)
    return replace(target, tunnel_host=addresses[0] if addresses else host), plain, ()


def _shake_hands(plain: socket.socket, target: Target) -> None:
    """Open TLS; with TLS 1.3 a service reports a missing client certificate only after the handshake."""
    assert target.tls is not None  # noqa: S101  (the caller has checked)
    with target.tls.wrap_socket(plain, server_hostname=target.host) as secure:
        if secure.version() == "TLSv1.3" and not target.client_certificate:
            secure.settimeout(_ALERT_SECONDS)
            with contextlib.suppress(TimeoutError):
                secure.recv(1)


def _healthy_addresses(target: Target, address: str, checked: Sequence[str]) -> tuple[str, ...]:
    """Return the checked addresses of the same family that accept a connection, the probed one first."""
    same_family = [other for other in checked if (":" in other) == (":" in address) and other != address]
    healthy = [address]
    for other in same_family[: _MAX_ADDRESSES - 1]:
        with contextlib.suppress(OSError), socket.create_connection((other, target.connect_port), _OTHER_SECONDS):
            healthy.append(other)
    return tuple(healthy)


def describe_error(error: OSError) -> str:
    """Return in a few words why a connection could not be opened."""
    if isinstance(error, ssl.SSLError):
        return describe_tls_error(error)
    return os.strerror(error.errno) if error.errno else str(error)


def request_path(target: Target, call: Call) -> str:
    """Return the path of `call` below the target's prefix, percent-encoded as it is sent."""
    return quote(target.prefix + call.path, safe=_PATH_SAFE)
