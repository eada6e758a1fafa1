"""The service that an arm sends to, from its URL."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.load.host_names import unicode_host
from ghmlops.measure.load.redaction import redacted_address

if TYPE_CHECKING:
    from ghmlops.core.load.call import Call
    from ghmlops.core.load.routing import Proxy

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


def request_path(target: Target, call: Call) -> str:
    """Return the path of `call` below the target's prefix, percent-encoded as it is sent."""
    return quote(target.prefix + call.path, safe=_PATH_SAFE)
