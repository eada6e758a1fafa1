"""An HTTP service in its own process whose path selects how it responds; prints its port once it listens.

    python scoring_service.py [--delay SECONDS] [--slow-share S --slow SECONDS] [--fail-share S] [--log FILE]

`--log` writes one line per request when the process ends: monotonic time of arrival, body. Errors and slow responses
are distributed evenly by a counter, so that their number is deterministic.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httptools
import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"score": 0.5}'

CHAT = b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAMS = {
    "sse": [b": hi\n\n", b"data: one\n\n", b"event: x\ndata: two\ndata: lines\n\n", b"data:\n\n", b"data: 4\n\n", DONE],
    "crlf": [b"data: one\r\n\r\ndata: tw", b"o\r", b"\n\r\n", b"data: three\r\n\r\n"],
    "chat": [b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n', CHAT % b"a", CHAT % b"b", CHAT % b"",
             b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n', b'data: {"choices": []}\n\n', DONE],
    "unfinished": [CHAT % b"a", CHAT % b"b"],
    "cut": [CHAT % b"a", CHAT % b"b"],
    "open": [b"data: one\n\n", b"data: two\n\n"],
    "none": [b": nothing to say\n\n"],
}  # fmt: skip
"""Bodies of streams by name, in the pieces in which they are written."""


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Service(asyncio.Protocol):
    """One connection; the method with the name of the path responds to a request."""

    def __init__(self, options: argparse.Namespace, log: list[tuple[float, bytes]]) -> None:
        self.options, self.log = options, log
        self.parser = httptools.HttpRequestParser(self)
        self.body, self.url, self.secret = b"", b"", b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"authorization":
            self.secret = value

    def on_headers_complete(self) -> None:
        """Respond to the path `/early` before the body has arrived, and stop reading."""
        if self.url == b"/early":
            self.transport.pause_reading()
            self.write(OK.replace(b"200 OK", b"413 Too Large"))

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        url, body = self.url.decode(), self.body
        self.url, self.body = b"", b""
        self.log.append((time.monotonic(), body))
        respond = getattr(self, url.strip("/").split("/")[0].replace("-", "_"), None)
        if respond is None:
            self.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        else:
            respond(url, body)

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def predict(self, _url: str, _body: bytes) -> None:
        options, n = self.options, len(self.log)
        if options.fail_share and int(n * options.fail_share) > int((n - 1) * options.fail_share):
            self.status("/status/500", b"")
            return
        slow = options.slow_share and int(n * options.slow_share) > int((n - 1) * options.slow_share)
        delay = options.slow if slow else options.delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self.write, OK)
        else:
            self.write(OK)

    def echo(self, _url: str, body: bytes) -> None:
        self.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def status(self, url: str, _body: bytes) -> None:
        code = url.rsplit("/", 1)[1].encode()
        self.write(b"HTTP/1.1 %s X\r\nlocation: /predict\r\nset-cookie: secret\r\ncontent-length: 4\r\n\r\noops" % code)

    def empty(self, _url: str, _body: bytes) -> None:
        self.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def chunked(self, _url: str, _body: bytes) -> None:
        self.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        asyncio.get_running_loop().call_later(0.002, self.write, b"2\r\nde\r\n0\r\n\r\n")

    def interim(self, _url: str, _body: bytes) -> None:
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    def last(self, _url: str, _body: bytes) -> None:
        self.write(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        self.transport.close()

    def until_end(self, _url: str, _body: bytes) -> None:
        self.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        self.transport.close()

    def rests(self, _url: str, _body: bytes) -> None:
        """Respond, then close the idle connection in spite of keep-alive."""
        self.write(OK)
        asyncio.get_running_loop().call_later(0.005, self.transport.close)

    def close_first(self, _url: str, _body: bytes) -> None:
        self.transport.close()

    def close_mid(self, _url: str, _body: bytes) -> None:
        self.write(OK[:-5])
        self.transport.close()

    def reset(self, _url: str, _body: bytes) -> None:
        handle = self.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(handle)) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def garbage(self, _url: str, _body: bytes) -> None:
        self.write(b"\x00\x01 this is not HTTP \x1b[2J\r\n\r\n")

    def twice(self, _url: str, _body: bytes) -> None:
        self.write(OK + OK)

    def endless(self, _url: str, _body: bytes) -> None:
        self.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        self.more()

    def more(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
            asyncio.get_running_loop().call_later(0.001, self.more)

    def throttled(self, url: str, _body: bytes) -> None:
        code = url.rsplit("/", 1)[1].encode()
        self.write(b"HTTP/1.1 %s X\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbusy" % code)

    def whoami(self, _url: str, _body: bytes) -> None:
        """Respond with 403 and the value of the request's authorization header."""
        message = b"no access for " + self.secret
        self.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\n\r\n%s" % (len(message), message))

    def json(self, _url: str, _body: bytes) -> None:
        self.write_json(b'{"model": "m", "n": %d, "outputs": [{"name": "score", "data": [0.5, null]}]}' % len(self.log))

    def varied(self, _url: str, _body: bytes) -> None:
        """Respond with a body of 1 to 300 bytes and a new date; every fifth head is written separately."""
        n = len(self.log)
        body = b"x" * (n * 37 % 300 + 1)
        head = b"HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2024 00:00:%02d GMT\r\ncontent-length: %d\r\n\r\n" % (
            n % 60,
            len(body),
        )
        if n % 5:
            self.write(head + body)
        else:
            self.write(head)
            asyncio.get_running_loop().call_later(0.002, self.write, body)

    def same_size(self, _url: str, _body: bytes) -> None:
        """Respond with a first piece of constant size; some responses have ten more bytes, some end the connection."""
        variant = len(self.log) % 3
        if variant == 0:
            self.write(b"HTTP/1.1 200 OK\r\nx-padding: abcde\r\ncontent-length: 14\r\n\r\n" + b"a" * 14)
        elif variant == 1:
            self.write(b"HTTP/1.1 200 OK\r\nx-padding: abcde\r\ncontent-length: 24\r\n\r\n" + b"b" * 14)
            asyncio.get_running_loop().call_later(0.003, self.write, b"c" * 10)
        else:
            self.write(b"HTTP/1.1 200 OK\r\nconnection:close\r\ncontent-length: 14\r\n\r\n" + b"d" * 14)

    def stalls(self, _url: str, _body: bytes) -> None:
        """Send the start of a response only."""
        self.write(OK[:-5])

    def trickle(self, _url: str, _body: bytes) -> None:
        """Send the response byte by byte."""
        self.write_pieces([OK[index : index + 1] for index in range(len(OK))])

    def write_pieces(self, pieces: list[bytes], after: float = 0.001, close: bool = False) -> None:
        """Write the pieces, `after` seconds apart; `close` ends the connection after the last one."""
        if pieces:
            self.write(pieces[0])
            asyncio.get_running_loop().call_later(after, self.write_pieces, pieces[1:], after, close)
        elif close:
            self.transport.close()

    def early(self, _url: str, _body: bytes) -> None:
        """Do nothing: `on_headers_complete` has already responded."""

    def write_json(self, body: bytes) -> None:
        """Respond with a JSON body."""
        self.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        )

    def stream(self, url: str, _body: bytes) -> None:
        """Send the stream of this name, each piece in a separate write; `cut` and `open` end it early."""
        kind = url.rsplit("/", 1)[1]
        chunked = kind != "open"
        pieces = [chunk(piece) if chunked else piece for piece in STREAMS[kind]]
        field = b"transfer-encoding: chunked\r\n" if chunked else b""
        pieces.insert(0, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + field + b"\r\n")
        if chunked and kind != "cut":
            pieces.append(b"0\r\n\r\n")
        self.write_pieces(pieces, after=0.004, close=kind in ("cut", "open"))

    def silent(self, _url: str, _body: bytes) -> None:
        """Send no response."""


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Run the service in a separate process and yield its address."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
            process.wait(10)


async def serve(options: argparse.Namespace) -> None:
    log: list[tuple[float, bytes]] = []
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Service(options, log), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    if options.log:
        lines = "".join(f"{at!r} {body.decode()}\n" for at, body in log)
        Path(options.log).write_text(lines, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--slow-share", type=float, default=0.0)
    parser.add_argument("--fail-share", type=float, default=0.0)
    parser.add_argument("--log", default="")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
