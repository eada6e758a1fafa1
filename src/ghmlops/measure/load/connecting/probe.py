"""Connects to the service of an arm before the run: which of its addresses answers, or why none does."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.measure.load.connecting.dial import open_tunnel
from ghmlops.measure.load.connecting.tls_errors import describe_tls_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.measure.load.target import Target

PROBE_TIMEOUT = 10.0
"""Seconds."""
_ALERT_SECONDS = 0.2
"""Seconds in which a service can report after the handshake that it demands a client certificate."""
_MAX_ADDRESSES, _OTHER_SECONDS = 16, 2.0
"""Number of addresses over which connections are spread, and the maximum time to try one of them in seconds."""


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
