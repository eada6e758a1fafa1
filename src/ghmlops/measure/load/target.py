"""The service that an arm sends to: parsing its URL, and probing that it can be reached."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ghmlops.core.errors import InputError, PolicyError, ServiceError
from ghmlops.core.load.host_names import unicode_host
from ghmlops.measure.load.redaction import redacted_address
from ghmlops.measure.load.tls_errors import describe_tls_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.load.call import Call

PROBE_TIMEOUT = 10.0
"""Seconds."""
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
        address: Numeric address that responded to the probe; empty before the probe.
    """

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None
    prefix: str
    authority: str
    address: str = ""


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
    try:
        with connect(target.host, target.port, PROBE_TIMEOUT, check) as plain:
            address = str(plain.getpeername()[0])
            if target.tls is not None:
                target.tls.wrap_socket(plain, server_hostname=target.host).close()
    except socket.gaierror as error:
        raise ServiceError(f"{target.url}: the host name cannot be resolved ({error.strerror})", hint=hint) from None
    except ssl.SSLCertVerificationError as error:
        certificate_hint = "the certificate must be trusted and valid for this host"
        raise ServiceError(f"{target.url}: {describe_error(error)}", hint=certificate_hint) from None
    except ssl.SSLError as error:
        tls_hint = "does the service use TLS? The address of a service without TLS begins with http://"
        raise ServiceError(f"{target.url}: TLS failed ({describe_error(error)})", hint=tls_hint) from None
    except TimeoutError:
        raise ServiceError(f"{target.url}: no connection within {PROBE_TIMEOUT:.0f} s", hint=hint) from None
    except OSError as error:
        raise ServiceError(f"{target.url}: {error.strerror or error}", hint=hint) from None
    except UnicodeError:
        raise ServiceError(f"{target.url}: the host name is invalid", hint=hint) from None
    return replace(target, address=address)


def describe_error(error: OSError) -> str:
    """Return in a few words why a connection could not be opened."""
    if isinstance(error, ssl.SSLError):
        return describe_tls_error(error)
    return os.strerror(error.errno) if error.errno else str(error)


def request_path(target: Target, call: Call) -> str:
    """Return the path of `call` below the target's prefix, percent-encoded as it is sent."""
    return quote(target.prefix + call.path, safe=_PATH_SAFE)
