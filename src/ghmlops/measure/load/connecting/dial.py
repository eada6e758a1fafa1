"""Opens TCP connections to a target: at one of its addresses, or through its proxy (CONNECT for https)."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from typing import TYPE_CHECKING, Protocol

from ghmlops.core.latency.kind import Kind

if TYPE_CHECKING:
    import ssl

    from ghmlops.core.load.routing import Proxy

_MAX_ANSWER = 65536
"""Maximum number of bytes of a proxy's answer."""
_ACCEPTED = re.compile(rb"HTTP/1\.[01] 2[0-9][0-9][ \r\n]")


class Dialled(Protocol):
    """What is dialled of a service; `ghmlops.measure.load.target.Target` documents the attributes."""

    @property
    def tls(self) -> ssl.SSLContext | None: ...
    @property
    def proxy(self) -> Proxy | None: ...
    @property
    def dial_port(self) -> int: ...
    @property
    def connect_port(self) -> int: ...
    @property
    def tunnel_host(self) -> str: ...


class UnusableConnection(OSError):
    """A connection was opened but cannot be used; `kind` is how the request that waited for it ends."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


async def open_socket(target: Dialled, address: str) -> socket.socket:
    """Return a connected, non-blocking socket through which the service is reached.

    Args:
        target: The service.
        address: Numeric address of the service, or of its proxy.

    Raises:
        OSError: It cannot be opened, or the proxy refuses the connection.
    """
    loop = asyncio.get_running_loop()
    plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(plain, (address, target.dial_port))
        if request := connect_request(target):
            await loop.sock_sendall(plain, request)
            answer = b""
            while not _is_complete(answer):
                data = await loop.sock_recv(plain, 1)  # no byte of the service may be read here
                answer += data
                _check_answer(answer, at_end=not data)
    except BaseException:
        plain.close()
        raise
    return plain


def open_tunnel(plain: socket.socket, target: Dialled, deadline: float) -> None:
    """Ask the proxy behind a connected socket for a tunnel to the service, if it needs one.

    Raises:
        OSError: The proxy refuses the connection or does not answer before `deadline` of `time.monotonic`.
    """
    request = connect_request(target)
    if not request:
        return
    plain.sendall(request)
    answer = b""
    while not _is_complete(answer):
        plain.settimeout(max(deadline - time.monotonic(), 0.001))
        data = plain.recv(1)
        answer += data
        _check_answer(answer, at_end=not data)


def connect_request(target: Dialled) -> bytes:
    """Return the request for a tunnel; empty without one: without a proxy, and for http, which a proxy forwards.

    The tunnel leads to the address that was checked, so that the proxy does not resolve the name again; to the name
    only if this machine cannot resolve it.
    """
    if target.proxy is None or target.tls is None:
        return b""
    host = target.tunnel_host
    authority = f"[{host}]:{target.connect_port}" if ":" in host else f"{host}:{target.connect_port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"host: {authority}", "user-agent: ghmlops"]
    if target.proxy.authorization:
        lines.append(f"proxy-authorization: {target.proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_complete(answer: bytes) -> bool:
    return answer.endswith((b"\r\n\r\n", b"\n\n"))


def _check_answer(answer: bytes, *, at_end: bool) -> None:
    if at_end or len(answer) > _MAX_ANSWER:
        raise UnusableConnection(Kind.CONNECT, "the proxy closed the connection without a complete answer")
    if _is_complete(answer) and not _ACCEPTED.match(answer):
        status = answer.splitlines()[0][:60].decode("latin-1")
        text = "".join(c if c.isprintable() else " " for c in status)
        raise UnusableConnection(Kind.CONNECT, f'the proxy refused the connection: "{text}"')
