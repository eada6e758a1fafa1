"""A service on loopback whose connections are scripted byte by byte: answers that no well-behaved server would send.

A script is called in a thread with each accepted connection; it reads requests and writes bytes when it likes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Connection:
    """One accepted connection.

    Attributes:
        stream: The socket.
        number: Number of the connection from 1.
        rest: Bytes that were read and belong to no request yet.
    """

    stream: socket.socket
    number: int
    rest: bytes = b""

    def request(self) -> bytes:
        """Return the next request, head and body; empty at the end of the connection."""
        while b"\r\n\r\n" not in self.rest:
            data = self.stream.recv(65536)
            if not data:
                return b""
            self.rest += data
        head, _, rest = self.rest.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        size = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(rest) < size:
            rest += self.stream.recv(65536)
        self.rest = rest[size:]
        return head + b"\r\n\r\n" + rest[:size]

    def write(self, *pieces: bytes | float) -> None:
        """Write bytes; a number is a pause in seconds."""
        for piece in pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            else:
                self.stream.sendall(piece)

    def stream_chunks(self, pieces: Sequence[bytes | float]) -> None:
        """Write a streamed answer, one chunk per piece."""
        self.write(HEAD)
        self.write(*(p if isinstance(p, float) else b"%x\r\n%s\r\n" % (len(p), p) for p in pieces), b"0\r\n\r\n")


@dataclass
class RawService:
    """A running service.

    Attributes:
        port: Its port.
        requests: Requests in the order of their arrival, each with the number of its connection.
        connections: Number of connections so far.
    """

    port: int
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def started(
    script: Callable[[Connection, RawService], None], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[RawService]:
    """Run a service whose connections are handled by `script`, until the block ends."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=128) as listener:
        service = RawService(listener.getsockname()[1])
        streams: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def handle(connection: Connection) -> None:
            with contextlib.suppress(OSError):
                if tls is not None:
                    connection.stream = tls.wrap_socket(connection.stream, server_side=True)
                script(connection, service)
            connection.stream.close()

        def accept() -> None:
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                service.connections += 1
                streams.append(stream)
                thread = threading.Thread(target=handle, args=(Connection(stream, service.connections),), daemon=True)
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield service
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(5)
            for stream in streams:
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def answering(answer: Callable[[Connection, bytes], None]) -> Callable[[Connection, RawService], None]:
    """Return the script of a connection that answers every request by `answer` and stays open."""

    def script(connection: Connection, service: RawService) -> None:
        while request := connection.request():
            service.requests.append((connection.number, request))
            answer(connection, request)

    return script
