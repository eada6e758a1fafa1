"""Asking a service whether it is ready: one GET a time, bounded in time whatever the other side does."""

from __future__ import annotations

import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ghmlops.core.errors import InputError
from ghmlops.measure.load.redaction import redacted_address

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPT_SECONDS = 10.0
"""Longest wait for one answer; a service that loads its model on the first request may take some seconds."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
MAX_HEAD = 65536
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")


class Answer(NamedTuple):
    """Status code of the answer, or why there was none."""

    status: int | None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """True for 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        """For messages."""
        return self.problem if self.status is None else f"answered {self.status}"


def check_address(url: str, ready: str) -> str:
    """Return the address to ask, or refuse.

    Raises:
        InputError: `url` is not http or https with a host, or `ready` is not a path.
    """
    if not ready.startswith("/") or not re.fullmatch(r"[!-~]+", ready):
        raise InputError('input `ready`: expected a path that starts with "/"', hint="--ready /healthz")
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known or not re.fullmatch(r"[!-~]+", url) or parts.query or parts.fragment:
        raise InputError(
            f"input `url`: {redacted_address(url)!r} is not an http or https address without user and query",
            hint="--url http://127.0.0.1:8080",
        )
    return url.rstrip("/") + ready


def wait_until_ready(
    address: str, timeout: float, pause: Callable[[float], str], progress: Callable[[str], None]
) -> tuple[float, str]:
    """Ask until the answer is 2xx; redirects are not followed.

    Args:
        address: what `check_address` returned.
        timeout: seconds for all of it.
        pause: waits at most so many seconds; returns why the service is gone, or nothing.
        progress: told where it stands.

    Returns:
        Seconds until it was ready, and why it is not ready (empty where it is).
    """
    started = time.monotonic()
    shown = address.partition("?")[0]  # a query may hold a secret
    wait, last = SHORTEST_PAUSE, Answer(None, "no answer")
    while True:
        passed = time.monotonic() - started
        if passed >= timeout:
            return passed, f"not ready at {shown} within {timeout:g} s: {last}"
        last = probe(address, min(ATTEMPT_SECONDS, timeout - passed))
        passed = time.monotonic() - started
        gone = pause(0.0 if last.ready else max(0.0, min(wait, timeout - passed)))
        if gone:
            return passed, gone
        if last.ready:
            return passed, ""
        progress(f"waiting for {shown}: {last} ({passed:.0f} of {timeout:g} s)")
        wait = min(wait * 1.5, LONGEST_PAUSE)


def probe(address: str, seconds: float) -> Answer:
    """Ask once and read no more than the head of the answer; nothing takes longer than `seconds`."""
    end = time.monotonic() + seconds
    parts = urlsplit(address)
    try:
        with _connect(parts, end) as stream:
            path = parts.path or "/"
            query = f"?{parts.query}" if parts.query else ""
            host = parts.netloc.rpartition("@")[2]
            head = f"GET {path}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ghmlops\r\nConnection: close\r\n\r\n"
            stream.sendall(head.encode("ascii"))
            return _read_status(stream, end)
    except TimeoutError:
        return Answer(None, f"no answer within {seconds:.3g} s")
    except (OSError, ValueError) as error:
        return Answer(None, getattr(error, "strerror", None) or type(error).__name__)


def _connect(parts: SplitResult, end: float) -> socket.socket:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = socket.create_connection((parts.hostname or "", port), timeout=_left(end))
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _read_status(stream: socket.socket, end: float) -> Answer:
    data = b""
    while len(data) < MAX_HEAD:
        stream.settimeout(_left(end))
        part = stream.recv(4096)
        if not part:
            break
        data += part
        while (found := _STATUS.match(data)) and found[1].startswith(b"1") and b"\r\n\r\n" in data:
            data = data.partition(b"\r\n\r\n")[2]  # 100 Continue, 103 Early Hints: the answer comes after them
        if found and not found[1].startswith(b"1"):
            return Answer(int(found[1]))
    return Answer(None, "closed the connection without an answer" if not data else "the answer is not HTTP/1.1")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
