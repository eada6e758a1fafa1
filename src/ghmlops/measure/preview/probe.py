"""Readiness probe: one GET at a time, with a bounded duration whatever the server does."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.core.errors import InputError
from ghmlops.core.load.host_names import unicode_host
from ghmlops.measure.load.redaction import redacted_address
from ghmlops.measure.load.target import connect, describe_error
from ghmlops.measure.load.tls_errors import CLIENT_CERTIFICATE, SPEAKS_TLS, answers_with_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    CheckAddresses = Callable[[Sequence[str]], None]

ATTEMPT_SECONDS = 10.0
"""Maximum time of one probe; a service that loads its model on the first request may take some seconds."""
MIN_PAUSE, MAX_PAUSE = 0.01, 0.25
"""Seconds between two probes: the minimum, which grows by half per probe up to the maximum."""
MAX_HEAD = 65536
"""Maximum number of bytes of an answer that are read."""
MAX_BODY = 1 << 20
"""Maximum number of bytes of a body that are searched for the expected text."""
_CLOSED = "closed the connection without an answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What a service must answer to be ready.

    Attributes:
        timeout: Maximum total time in seconds.
        headers: Headers of the request.
        tls: Context for https; `None` for one that trusts the authorities of the system.
        contains: Text that the body must contain; empty for any body.
        answers: Number of good answers in a row.
    """

    timeout: float
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    contains: str = ""
    answers: int = 1


class Answer(NamedTuple):
    """HTTP status of an answer; `None` with a problem if there was no answer. A problem makes a 2xx answer unusable."""

    status: int | None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether the status is 2xx, without a problem."""
        return self.status is not None and 200 <= self.status < 300 and not self.problem

    def __str__(self) -> str:
        """Return a human-readable clause."""
        if self.status is None:
            return self.problem
        return f"answered {self.status}" + (f", {self.problem}" if self.problem else "")


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
    if valid and (why := unicode_host(url)):
        raise InputError("input `url`: the host name is not in ASCII", hint=why)
    if not valid or not re.fullmatch(r"[!-~]+", url) or parts.query or parts.fragment:
        raise InputError(
            f"input `url`: {redacted_address(url)!r} is not an http or https address without user and query",
            hint="--url http://127.0.0.1:8080",
        )
    return url.rstrip("/") + ready


def wait_until_ready(
    address: str,
    readiness: Readiness,
    pause: Callable[[float], str],
    progress: Callable[[str], None],
    check: CheckAddresses = lambda _: None,
) -> tuple[float, str]:
    """Probe the service until it gave the required number of good answers in a row; redirects are not followed.

    Args:
        address: Address of the probe, from `check_address`.
        readiness: What the service must answer, and the maximum total time.
        pause: Waits for at most the passed number of seconds; returns why the service no longer runs, or an empty
            string.
        progress: Receives progress messages.
        check: Raises if one of the numeric addresses of the host may not be contacted.

    Returns:
        Seconds until the service was ready or the wait ended, and why it is not ready (empty if it is).
    """
    started, timeout = time.monotonic(), readiness.timeout
    display_address = address.partition("?")[0]  # A query may contain a secret.
    wait, good, last = MIN_PAUSE, 0, Answer(None, "no answer")
    while True:
        elapsed = time.monotonic() - started
        if elapsed >= timeout:
            row = f"; good answers in a row: {good} of {readiness.answers}" if good else ""
            return elapsed, f"not ready at {display_address} within {timeout:g} s: {last}{row}"
        last = probe(address, min(ATTEMPT_SECONDS, timeout - elapsed), check, readiness)
        elapsed = time.monotonic() - started
        good = good + 1 if last.ready else 0
        ready = good >= readiness.answers
        exit_reason = pause(0.0 if ready else max(0.0, min(MAX_PAUSE if good else wait, timeout - elapsed)))
        if exit_reason:
            return elapsed, exit_reason
        if ready:
            return elapsed, ""
        progress(f"waiting for {display_address}: {last} ({elapsed:.0f} of {timeout:g} s)")
        wait = min(wait * 1.5, MAX_PAUSE)


def probe(
    address: str,
    seconds: float,
    check: CheckAddresses = lambda _: None,
    readiness: Readiness | None = None,
) -> Answer:
    """Send one GET and read at most the head of the answer and the expected text, within `seconds` in total.

    The request goes to a numeric address that `check` accepted.
    """
    deadline, expected = time.monotonic() + seconds, readiness or Readiness(timeout=seconds)
    parts = urlsplit(address)
    try:
        with _connect(parts, deadline, check, expected.tls) as stream:
            stream.sendall(_request(parts, expected.headers))
            answer = _Response(expected.contains.encode()).read(stream, deadline)
        if answer.problem == _CLOSED and parts.scheme == "http" and _speaks_tls(parts, deadline, check):
            return Answer(None, SPEAKS_TLS)
    except TimeoutError:
        return Answer(None, f"no answer within {seconds:.3g} s")
    except ConnectionResetError as error:
        speaks_tls = parts.scheme == "http" and _speaks_tls(parts, deadline, check)
        return Answer(None, SPEAKS_TLS if speaks_tls else error.strerror or "connection reset")
    except ssl.SSLError as error:
        return Answer(None, describe_error(error))
    except (OSError, ValueError) as error:
        return Answer(None, getattr(error, "strerror", None) or type(error).__name__)
    return answer


def _request(parts: SplitResult, headers: Mapping[str, str]) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"host": parts.netloc.rpartition("@")[2], "user-agent": "ghmlops", "accept": "*/*"} | dict(headers)
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _connect(parts: SplitResult, deadline: float, check: CheckAddresses, tls: ssl.SSLContext | None) -> socket.socket:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = connect(parts.hostname or "", port, _remaining(deadline), check)
    if not secure:
        return plain
    try:
        return (tls or ssl.create_default_context()).wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _speaks_tls(parts: SplitResult, deadline: float, check: CheckAddresses) -> bool:
    """Return whether the port completes a TLS handshake: some services answer a request without TLS by closing."""
    context = ssl.create_default_context()
    # Nothing is sent over this connection, and it only decides which of two errors is reported.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError):
        plain = connect(parts.hostname or "", parts.port or 80, _remaining(deadline), check)
        with plain:
            context.wrap_socket(plain, server_hostname=parts.hostname).close()
        return True
    return False


class _Response:
    """The answer as far as it is read: its status, and its body up to the text that is expected."""

    def __init__(self, needle: bytes) -> None:
        self._needle = needle
        self._raw, self._body = b"", bytearray()
        self._status: int | None = None
        self._complete = False
        self._parser = HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        """Note the status; called by the parser. Interim responses (1xx) precede the answer, except 101."""
        status = self._parser.get_status_code()
        self._status = status if status >= 200 or status == 101 else None

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body; called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Note the end of the answer; called by the parser."""
        self._complete = self._status is not None

    def read(self, stream: socket.socket, deadline: float) -> Answer:
        """Read until the answer is known.

        Raises:
            OSError: The connection failed, or the time is over.
        """
        while not self._known:
            stream.settimeout(_remaining(deadline))
            part = stream.recv(65536)
            if not part:
                break
            self._raw = (self._raw + part)[:MAX_HEAD]
            try:
                self._parser.feed_data(part)
            except HttpParserUpgrade:
                break
            except HttpParserError:
                return self._garbage()
        return self._answer()

    @property
    def _known(self) -> bool:
        if self._status is None:
            return len(self._raw) >= MAX_HEAD
        success = 200 <= self._status < 300
        if not success and self._status != 400:
            return True
        found = not self._needle or self._needle in self._body
        return self._complete or len(self._body) > MAX_BODY or (success and found)

    def _garbage(self) -> Answer:
        return Answer(None, SPEAKS_TLS if answers_with_tls(self._raw) else "the answer is not HTTP/1.1")

    def _answer(self) -> Answer:
        if self._status is None:
            return self._garbage() if self._raw else Answer(None, _CLOSED)
        if self._status == 101:
            return Answer(101, "it switched to another protocol; `ready` must be a path that answers with HTTP")
        if answers_with_tls(self._raw, self._status):
            return Answer(self._status, SPEAKS_TLS)
        if self._status == 400 and b"SSL certificate was sent" in self._body:  # nginx
            return Answer(self._status, CLIENT_CERTIFICATE)
        missing = self._needle and 200 <= self._status < 300 and self._needle not in self._body
        return Answer(self._status, "but its body does not contain the expected text" if missing else "")


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
