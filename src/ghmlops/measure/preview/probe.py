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

from ghmlops.core.errors import InputError
from ghmlops.core.load.host_names import unicode_host
from ghmlops.measure.load.connecting.probe import connect, describe_error
from ghmlops.measure.load.connecting.tls_errors import CLIENT_CERTIFICATE, SPEAKS_TLS, answers_with_tls
from ghmlops.measure.load.redaction import redacted_address

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
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,12})", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r?\n")
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
    """The answer as far as it is read: its head, and its body up to the text that is expected.

    It is read without the parser of the load generator, which the action `preview` does not install.
    """

    def __init__(self, needle: bytes) -> None:
        self._needle = needle
        self._raw = b""
        self._at_end = False

    def read(self, stream: socket.socket, deadline: float) -> Answer:
        """Read until the answer is known.

        Raises:
            OSError: The connection failed, or the time is over.
        """
        while (answer := self._answer()) is None:
            stream.settimeout(_remaining(deadline))
            part = stream.recv(65536)
            self._at_end = not part
            self._raw += part
        return answer

    def _answer(self) -> Answer | None:
        """Return the answer; `None` if more of it must be read."""
        status = _STATUS.match(self._raw)
        # Informational responses (100 Continue, 103 Early Hints) precede the answer.
        while status and status[1].startswith(b"1") and status[1] != b"101" and (end := _END.search(self._raw)):
            self._raw = self._raw[end.end() :]
            status = _STATUS.match(self._raw)
        if status is None or (status[1].startswith(b"1") and status[1] != b"101"):
            foreign = not self._raw.startswith(b"HTTP/"[: len(self._raw)])
            return self._no_status() if foreign or self._at_end or len(self._raw) >= MAX_HEAD else None
        code = int(status[1])
        if code == 101:
            return Answer(101, "it switched to another protocol; `ready` must be a path that answers with HTTP")
        if code == 400:
            return self._bad_request()
        if not 200 <= code < 300 or not self._needle:
            return Answer(code)
        body, complete = self._body()
        if self._needle in body:
            return Answer(code)
        missing = complete or self._at_end or len(self._raw) > MAX_BODY
        return Answer(code, "but its body does not contain the expected text") if missing else None

    def _no_status(self) -> Answer:
        if not self._raw:
            return Answer(None, _CLOSED)
        return Answer(None, SPEAKS_TLS if answers_with_tls(self._raw) else "the answer is not HTTP/1.1")

    def _bad_request(self) -> Answer | None:
        """Return what the page of a status 400 says about TLS; `None` until it is complete."""
        body, complete = self._body()
        if answers_with_tls(self._raw, 400):
            return Answer(400, SPEAKS_TLS)
        if b"SSL certificate was sent" in body:  # nginx
            return Answer(400, CLIENT_CERTIFICATE)
        return Answer(400) if complete or self._at_end or len(self._raw) > MAX_BODY else None

    def _body(self) -> tuple[bytes, bool]:
        """Return the body as far as it was received, without the framing of chunks, and whether it is complete."""
        end = _END.search(self._raw)
        if end is None:
            return b"", False
        head, rest = self._raw[: end.start()], self._raw[end.end() :]
        if _CHUNKED.search(head) is None:
            length = _LENGTH.search(head)
            return rest, length is not None and len(rest) >= int(length[1])
        body = b""
        while size := _CHUNK.match(rest):
            count = int(size[1], 16)
            if count == 0:
                return body, True
            body += rest[size.end() : size.end() + count]
            rest = rest[size.end() + count :].removeprefix(b"\r").removeprefix(b"\n")
        return body, False


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
