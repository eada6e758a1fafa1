"""Sends one request at a time over a persistent HTTP/1.1 connection and returns the complete answer.

Whatever the service does becomes an `Answer`: nothing is raised. A request is repeated only if the connection was used
before and ended before a byte of the response arrived (RFC 9112, section 9.3.1), which is how a server closes an idle
connection; and if the service answers 429 and names a waiting time within the limit.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.measure.contact.http1 import connect
from ghmlops.measure.load.protocols import http1_request

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target

_TOO_MANY_REQUESTS = 429


class Limits(NamedTuple):
    """Limits of one answer: bytes of its body, retries after 429 and the longest waiting time in seconds."""

    size: int = 1 << 20
    retries: int = 3
    wait: float = 5.0


class _Response:
    """Callbacks of the parser; an interim response (1xx) is replaced by the response after it."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()
        self.has_head = self.complete = self.persistent = False

    def on_message_begin(self) -> None:
        self.headers = {}
        self.has_head = self.complete = False
        self.body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True
        self.persistent = self.parser.should_keep_alive()  # Unknown as soon as this function returns.


class Sender:
    """One connection to one service; not to be shared by threads.

    Args:
        target: the service, with the address that was probed.
        endpoints: method, headers and timeout of each endpoint.
        limits: limits of one answer.
    """

    def __init__(self, target: Target, endpoints: Sequence[Request], limits: Limits | None = None) -> None:
        self._target, self._endpoints, self._limits = target, endpoints, limits or Limits()
        self._stream: socket.socket | None = None

    def ask(self, call: Call) -> Answer:
        """Send a call and return the answer; waits and repeats if the service asks for it by 429 and Retry-After."""
        (request,) = http1_request.prepare(self._endpoints, self._target, [call])
        endpoint = self._endpoints[call.endpoint]
        for attempt in range(self._limits.retries + 1):
            answer = self._exchange(request, endpoint.timeout, head=endpoint.method == "HEAD")
            wait = _seconds(answer.retry_after)
            throttled = answer.kind is AnswerKind.THROTTLED
            if not throttled or attempt == self._limits.retries or wait is None or wait > self._limits.wait:
                return answer
            time.sleep(wait)
        raise AssertionError("the last attempt returns")

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None

    def _exchange(self, request: bytes, seconds: float, *, head: bool) -> Answer:
        reused = self._stream is not None
        started = time.monotonic()
        answer, any_byte = self._attempt(request, started, started + seconds, head=head)
        if reused and answer.kind is AnswerKind.RESET and not any_byte:
            started = time.monotonic()
            answer, _ = self._attempt(request, started, started + seconds, head=head)
        return answer

    def _attempt(self, request: bytes, started: float, deadline: float, *, head: bool) -> tuple[Answer, bool]:
        """Return the answer, and whether a byte of a response arrived."""
        response, received, kind, problem = _Response(), 0, AnswerKind.REFUSED, ""
        try:
            if self._stream is None:
                self._stream = connect(self._target, deadline)
            kind = AnswerKind.RESET
            self._stream.settimeout(_remaining(deadline))
            self._stream.sendall(request)
            while not _final(response, head=head) and len(response.body) <= self._limits.size:
                self._stream.settimeout(_remaining(deadline))
                data = self._stream.recv(1 << 16)
                received += len(data)
                if data:
                    response.parser.feed_data(data)
                elif not _ends_with_connection(response):
                    raise ConnectionError("the connection was closed")
                else:
                    break
            kind = AnswerKind.ANSWERED if len(response.body) <= self._limits.size else AnswerKind.TOO_LARGE
        except TimeoutError:
            kind, problem = AnswerKind.TIMEOUT, "no complete answer in time"
        except (HttpParserError, HttpParserUpgrade) as error:
            kind, problem = (AnswerKind.TRUNCATED if response.has_head else AnswerKind.MALFORMED), str(error)
        except OSError as error:
            kind, problem = (AnswerKind.TRUNCATED if response.has_head else kind), error.strerror or str(error)
        if kind is not AnswerKind.ANSWERED or not response.persistent:
            self.close()
        return self._answer(kind, response, started, problem), received > 0

    def _answer(self, kind: AnswerKind, response: _Response, started: float, problem: str) -> Answer:
        status = response.parser.get_status_code() if response.has_head else 0
        if kind is AnswerKind.ANSWERED and status == _TOO_MANY_REQUESTS:
            kind = AnswerKind.THROTTLED

        def header(name: bytes) -> str:
            return response.headers.get(name, b"").decode("latin-1").strip()

        return Answer(
            kind=kind,
            status=status,
            media_type=header(b"content-type").partition(";")[0].strip().lower(),
            body=bytes(response.body[: self._limits.size]),
            retry_after=header(b"retry-after"),
            seconds=time.monotonic() - started,
            problem=problem[:200],
        )


def _final(response: _Response, *, head: bool) -> bool:
    """Return whether the response is complete; the one to HEAD ends with its head."""
    return (response.complete or (head and response.has_head)) and response.parser.get_status_code() >= 200


def _ends_with_connection(response: _Response) -> bool:
    """Return whether the end of the connection is the end of the body: it has neither a length nor chunks."""
    framed = b"content-length" in response.headers or b"transfer-encoding" in response.headers
    return response.has_head and not framed


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _seconds(retry_after: str) -> float | None:
    """Return the waiting time of a header in seconds; `None` without one or if it is a date."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
