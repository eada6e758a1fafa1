"""A real HTTP service in its own process, which answers well or badly as the path asks; prints its port when it can.

    python scoring_service.py [--delay SECONDS] [--slow-share S --slow SECONDS] [--fail-share S] [--log FILE]

`--log` writes one line a request when the process ends: monotonic arrival, body. Errors and slow answers are spread
evenly by a counter, so that a test knows how many there are.
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


class Service(asyncio.Protocol):
    """One connection."""

    def __init__(self, options: argparse.Namespace, log: list[tuple[float, bytes]]) -> None:
        self.options, self.log = options, log
        self.parser = httptools.HttpRequestParser(self)
        self.body, self.url = b"", b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        url, body = self.url.decode(), self.body
        self.url, self.body = b"", b""
        self.log.append((time.monotonic(), body))
        answer = getattr(self, url.strip("/").split("/")[0].replace("-", "_"), None)
        if answer is None:
            self.say(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        else:
            answer(url, body)

    def say(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def predict(self, _url: str, _body: bytes) -> None:
        options, n = self.options, len(self.log)
        if options.fail_share and int(n * options.fail_share) > int((n - 1) * options.fail_share):
            self.status("/status/500", b"")
            return
        late = options.slow_share and int(n * options.slow_share) > int((n - 1) * options.slow_share)
        delay = options.slow if late else options.delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self.say, OK)
        else:
            self.say(OK)

    def echo(self, _url: str, body: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def status(self, url: str, _body: bytes) -> None:
        code = url.rsplit("/", 1)[1].encode()
        self.say(b"HTTP/1.1 %s X\r\nlocation: /predict\r\nset-cookie: secret\r\ncontent-length: 4\r\n\r\noops" % code)

    def empty(self, _url: str, _body: bytes) -> None:
        self.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    def chunked(self, _url: str, _body: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        asyncio.get_running_loop().call_later(0.002, self.say, b"2\r\nde\r\n0\r\n\r\n")

    def interim(self, _url: str, _body: bytes) -> None:
        self.say(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    def last(self, _url: str, _body: bytes) -> None:
        self.say(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        self.transport.close()

    def until_end(self, _url: str, _body: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        self.transport.close()

    def rests(self, _url: str, _body: bytes) -> None:
        """Answer, then close the kept-alive connection while it rests."""
        self.say(OK)
        asyncio.get_running_loop().call_later(0.005, self.transport.close)

    def close_first(self, _url: str, _body: bytes) -> None:
        self.transport.close()

    def close_mid(self, _url: str, _body: bytes) -> None:
        self.say(OK[:-5])
        self.transport.close()

    def reset(self, _url: str, _body: bytes) -> None:
        handle = self.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(handle)) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def garbage(self, _url: str, _body: bytes) -> None:
        self.say(b"\x00\x01 this is not HTTP \x1b[2J\r\n\r\n")

    def twice(self, _url: str, _body: bytes) -> None:
        self.say(OK + OK)

    def endless(self, _url: str, _body: bytes) -> None:
        self.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        self.more()

    def more(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
            asyncio.get_running_loop().call_later(0.001, self.more)

    def silent(self, _url: str, _body: bytes) -> None:
        """Never answer."""


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Start the service in a process of its own and give its address; it is ended on leaving."""
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
