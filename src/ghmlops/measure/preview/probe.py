"""Readiness probe: one GET at a time, with a bounded duration whatever the server does."""

from __future__ import annotations

import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ghmlops.core.errors import InputError
from ghmlops.measure.load.redaction import redacted_address
from ghmlops.measure.load.target import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    CheckAddresses = Callable[[Sequence[str]], None]

ATTEMPT_SECONDS = 10.0
"""Maximum time of one probe; a service that loads its model on the first request may take some seconds."""
MIN_PAUSE, MAX_PAUSE = 0.01, 0.25
"""Seconds between two probes: the minimum, which grows by half per probe up to the maximum."""
MAX_HEAD = 65536
"""Maximum number of bytes of an answer that are read."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")


class Answer(NamedTuple):
    """HTTP status of an answer; `None` with a problem if there was no answer."""

    status: int | None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        """Return a human-readable clause."""
        return self.problem if self.status is None else f"answered {self.status}"


def check_address(url: str, ready: str) -> str:
    """Return the address of the readiness probe.

    Raises:
        InputError: `url` is not an http or https URL with a host, or `ready` is not a path.
    """
    if not ready.startswith("/") or not re.fullmatch(r"[!-~]+", ready):
        raise InputError('input `ready`: expected a path that starts with "/"', hint="--ready /healthz")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", url) or parts.query or parts.fragment:
        raise InputError(
            f"input `url`: {redacted_address(url)!r} is not an http or https address without user and query",
            hint="--url http://127.0.0.1:8080",
        )
    return url.rstrip("/") + ready


def wait_until_ready(
    address: str,
    timeout: float,
    pause: Callable[[float], str],
    progress: Callable[[str], None],
    check: CheckAddresses = lambda _: None,
) -> tuple[float, str]:
    """Probe the service until it answers with a 2xx status; redirects are not followed.

    Args:
        address: Address of the probe, from `check_address`.
        timeout: Maximum total time in seconds.
        pause: Waits for at most the passed number of seconds; returns why the service no longer runs, or an empty
            string.
        progress: Receives progress messages.
        check: Raises if one of the numeric addresses of the host may not be contacted.

    Returns:
        Seconds until the service was ready or the wait ended, and why it is not ready (empty if it is).
    """
    started = time.monotonic()
    display_address = address.partition("?")[0]  # A query may contain a secret.
    wait, answer = MIN_PAUSE, Answer(None, "no answer")
    while True:
        elapsed = time.monotonic() - started
        if elapsed >= timeout:
            return elapsed, f"not ready at {display_address} within {timeout:g} s: {answer}"
        answer = probe(address, min(ATTEMPT_SECONDS, timeout - elapsed), check)
        elapsed = time.monotonic() - started
        exit_reason = pause(0.0 if answer.ready else max(0.0, min(wait, timeout - elapsed)))
        if exit_reason:
            return elapsed, exit_reason
        if answer.ready:
            return elapsed, ""
        progress(f"waiting for {display_address}: {answer} ({elapsed:.0f} of {timeout:g} s)")
        wait = min(wait * 1.5, MAX_PAUSE)


def probe(address: str, seconds: float, check: CheckAddresses = lambda _: None) -> Answer:
    """Send one GET and read at most the head of the answer, within `seconds` in total.

    The request goes to a numeric address that `check` accepted.
    """
    deadline = time.monotonic() + seconds
    parts = urlsplit(address)
    try:
        with _connect(parts, deadline, check) as stream:
            path = parts.path or "/"
            query = f"?{parts.query}" if parts.query else ""
            host = parts.netloc.rpartition("@")[2]
            head = f"GET {path}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ghmlops\r\nConnection: close\r\n\r\n"
            stream.sendall(head.encode("ascii"))
            return _read_status(stream, deadline)
    except TimeoutError:
        return Answer(None, f"no answer within {seconds:.3g} s")
    except (OSError, ValueError) as error:
        return Answer(None, getattr(error, "strerror", None) or type(error).__name__)


def _connect(parts: SplitResult, deadline: float, check: CheckAddresses) -> socket.socket:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = connect(parts.hostname or "", port, _remaining(deadline), check)
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _read_status(stream: socket.socket, deadline: float) -> Answer:
    data = b""
    while len(data) < MAX_HEAD:
        stream.settimeout(_remaining(deadline))
        part = stream.recv(4096)
        if not part:
            break
        data += part
        # Skip informational responses (100 Continue, 103 Early Hints): the answer follows them.
        while (match := _STATUS.match(data)) and match[1].startswith(b"1") and b"\r\n\r\n" in data:
            data = data.partition(b"\r\n\r\n")[2]
        if match and not match[1].startswith(b"1"):
            return Answer(int(match[1]))
    return Answer(None, "closed the connection without an answer" if not data else "the answer is not HTTP/1.1")


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
