"""One HTTP/1.1 request with all that a person needs to see of its answer, within a time limit."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.measure.load.connecting.dial import open_tunnel

if TYPE_CHECKING:
    from ghmlops.measure.load.target import Target

MAX_BYTES = 256 * 1024
"""Bytes of an answer that are read; the rest is not needed to know what it is."""


class HttpAnswer(NamedTuple):
    """An answer: its status (0 without one), phrase, media type, host and address of a redirect, body."""

    status: int = 0
    phrase: str = ""
    media_type: str = ""
    redirect_host: str = ""
    location: bytes = b""
    retry_after: str = ""
    body: bytes = b""


class _Reader:
    """Callbacks of the parser; an interim answer (1xx) is replaced by the answer after it."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.phrase = b""
        self.body = bytearray()
        self.has_head = self.complete = False

    def on_message_begin(self) -> None:
        self.headers, self.phrase = {}, b""
        self.has_head = self.complete = False
        self.body.clear()

    def on_status(self, phrase: bytes) -> None:
        self.phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True


def exchange(target: Target, request: bytes, seconds: float) -> HttpAnswer:
    """Send one request on a connection of its own and return the answer; status 0 if there is none in time.

    Args:
        target: the service, with the address that was probed.
        request: the bytes of the request.
        seconds: maximum total time, whatever the service does.
    """
    reader = _Reader()
    parser = HttpResponseParser(reader)
    deadline = time.monotonic() + seconds
    try:
        with connect(target, deadline) as stream:
            stream.settimeout(_remaining(deadline))
            stream.sendall(request)
            received = 0
            while not _is_final(reader, parser) and received < MAX_BYTES:
                stream.settimeout(_remaining(deadline))
                data = stream.recv(65536)
                if not data:
                    break
                received += len(data)
                parser.feed_data(data)
    except (OSError, HttpParserError, HttpParserUpgrade):
        # What arrived until then may be an answer; if nothing did, the load finds out how the service fails.
        return _answer(reader, parser, target)
    return _answer(reader, parser, target)


def connect(target: Target, deadline: float) -> socket.socket:
    """Return a connection to the target at the address that was probed, with TLS if its URL is https.

    Args:
        target: the service.
        deadline: end of the attempt on the monotonic clock, in seconds.

    Raises:
        OSError: The connection cannot be opened in time.
    """
    address = target.address or target.host
    plain = socket.create_connection((address, target.dial_port), timeout=_remaining(deadline))
    try:
        open_tunnel(plain, target, deadline)
        if target.tls is None:
            return plain
        return target.tls.wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _is_final(reader: _Reader, parser: HttpResponseParser) -> bool:
    return reader.complete and parser.get_status_code() >= 200


def _answer(reader: _Reader, parser: HttpResponseParser, target: Target) -> HttpAnswer:
    status = parser.get_status_code() if reader.has_head else 0
    if status < 200:
        return HttpAnswer()

    def header(name: bytes) -> str:
        return reader.headers.get(name, b"").decode("latin-1")

    return HttpAnswer(
        status=status,
        phrase=reader.phrase.decode("latin-1"),
        media_type=header(b"content-type").partition(";")[0].strip().lower(),
        redirect_host=_redirect_host(target.url, header(b"location")) if 300 <= status < 400 else "",
        location=reader.headers.get(b"location", b""),
        retry_after=header(b"retry-after"),
        body=bytes(reader.body[:MAX_BYTES]),
    )


def _redirect_host(url: str, location: str) -> str:
    """Return the host that a redirect leads to; path and query may contain a secret."""
    try:
        return urlsplit(urljoin(url, location)).hostname or ""
    except ValueError:
        return ""
