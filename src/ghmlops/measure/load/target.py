"""Where requests go: address, a first look whether it can be reached, and the bytes that are sent."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ghmlops.core.errors import InputError, PolicyError, ServiceError
from ghmlops.measure.load.address import shown_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request

PROBE_SECONDS = 10.0
_FRAMING = ("content-length", "transfer-encoding")
_PATH_SAFE = "/?&=%:@!$'()*+,;~-._[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One arm's service. `address` is the numeric address that answered the probe; empty before it."""

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None
    prefix: str
    authority: str
    """Value of the header `host`."""
    address: str = ""


def parse_target(url: str, name: str, ca_file: str = "") -> Target:
    """Read an address; `name` is the input it came from, `ca_file` a PEM file to trust instead of the system's.

    Raises:
        InputError: not an http or https address without user, query and fragment; the message repeats none of them.
        PolicyError: `ca_file` is needed, and is not there or holds no certificate.
    """

    def wrong(why: str) -> InputError:
        hint = f"for example --{name} http://127.0.0.1:8000"
        return InputError(f'input `{name}`: {why}, got "{shown_address(url)}"', hint=hint)

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong("expected an http or https address") from None
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or any(c <= " " for c in url):
        raise wrong("expected an http or https address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise wrong("an address has no user name, query or fragment")
    if port == 0:
        raise wrong("nothing listens on port 0")
    tls = _trusting(ca_file) if parts.scheme == "https" else None
    shown = f"[{host}]" if ":" in host else host
    return Target(
        url=url.rstrip("/"),
        host=host,
        port=port or (443 if tls else 80),
        tls=tls,
        prefix=parts.path.rstrip("/"),
        authority=f"{shown}:{port}" if port else shown,
    )


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies certificate and host."""
    if not ca_file:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        why = "holds no certificate in PEM form"
    except (OSError, ValueError) as error:
        why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    hint = "a text file with `-----BEGIN CERTIFICATE-----`, relative to the repository"
    raise PolicyError(f'`latency.ca-file`: "{ca_file}" {why}', hint=hint)


def numeric_addresses(target: Target) -> list[str]:
    """Return every numeric address of the target's host; none where the name is not known."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(place[0]) for *_, place in found})


def probe(target: Target, name: str) -> Target:
    """Open one connection, TLS included, and close it; return the target with the address that answered.

    Raises:
        ServiceError: it cannot be resolved or reached, or its certificate is not trusted.
    """
    hint = f"is the service of --{name} running, and does it listen on this address?"
    try:
        with socket.create_connection((target.host, target.port), timeout=PROBE_SECONDS) as plain:
            address = str(plain.getpeername()[0])
            if target.tls is not None:
                target.tls.wrap_socket(plain, server_hostname=target.host).close()
    except socket.gaierror as error:
        raise ServiceError(f"{target.url}: the host is not known ({error.strerror})", hint=hint) from None
    except ssl.SSLCertVerificationError as error:
        trusted = "the certificate must be valid for this host"
        raise ServiceError(f"{target.url}: {reason(error)}", hint=trusted) from None
    except ssl.SSLError as error:
        plain_one = "does the service speak TLS there? The address of one that does not begins with http://"
        raise ServiceError(f"{target.url}: TLS failed ({reason(error)})", hint=plain_one) from None
    except TimeoutError:
        raise ServiceError(f"{target.url}: no connection within {PROBE_SECONDS:.0f} s", hint=hint) from None
    except OSError as error:
        raise ServiceError(f"{target.url}: {error.strerror or error}", hint=hint) from None
    except UnicodeError:
        raise ServiceError(f"{target.url}: the host is not known", hint=hint) from None
    return replace(target, address=address)


def reason(error: OSError) -> str:
    """Return why a connection could not be opened, in a few words."""
    if isinstance(error, ssl.SSLError):
        return str(getattr(error, "verify_message", "") or error.reason or "TLS failed")
    return os.strerror(error.errno) if error.errno else str(error)


def serialise(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[bytes]:
    """Return the bytes of each call as HTTP/1.1.

    Raises:
        PolicyError: a header of the policy would break the framing of the request.
    """
    fields = [_header_lines(endpoint, target) for endpoint in endpoints]
    return [_wire(endpoints[call.endpoint].method, fields[call.endpoint], target.prefix, call) for call in calls]


def encoded_path(prefix: str, call: Call) -> str:
    """Return the path of `call` below `prefix` as it is sent."""
    return quote(prefix + call.path, safe=_PATH_SAFE)


def _header_lines(endpoint: Request, target: Target) -> bytes:
    for name in endpoint.headers:
        if name in _FRAMING:
            raise PolicyError(
                f"`latency.request.headers.{name}`: ghmlops sets this header itself", hint="take it out of the policy"
            )
    headers = {"host": target.authority, "accept": "*/*", "user-agent": "ghmlops"} | endpoint.headers
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def _wire(method: str, fields: bytes, prefix: str, call: Call) -> bytes:
    start = f"{method} {encoded_path(prefix, call)} HTTP/1.1\r\n".encode() + fields
    if call.body is None:
        return start + b"\r\n"
    return b"%scontent-length: %d\r\n\r\n%s" % (start, len(call.body), call.body)
