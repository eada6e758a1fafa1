"""HTTP services in threads that answer by a function of the test, and remember their requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

RESET, STALL = -1, -2
"""Statuses of answers that are none: the connection is reset, or nothing is sent for longer than any time limit."""


class ReceivedRequest(NamedTuple):
    """A request as the service received it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer: its status, body, content type and further headers."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: Mapping[str, str] = MappingProxyType({})


Answering = Callable[[ReceivedRequest], Reply]


class AnsweringService(ThreadingHTTPServer):
    """A service on loopback; `requests` lists what it received."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.requests: list[ReceivedRequest] = []
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about connections that a test has reset."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _reply(self) -> None:
        service = self.server
        assert isinstance(service, AnsweringService)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = ReceivedRequest(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        service.requests.append(request)
        reply = service.answering(request)
        if reply.status == STALL:
            service.stopping.wait(60)  # longer than any time limit, so that the client ends it
        if reply.status in (RESET, STALL):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in {"content-type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _reply  # noqa: N815  (names of the standard library)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def answering(*functions: Answering) -> Iterator[list[AnsweringService]]:
    """Run one service per function."""
    services = [AnsweringService(function) for function in functions]
    threads = [threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.01}) for s in services]
    for thread in threads:
        thread.start()
    try:
        yield services
    finally:
        for service, thread in zip(services, threads, strict=True):
            service.stopping.set()
            service.shutdown()
            service.server_close()
            thread.join()
