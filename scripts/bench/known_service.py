"""An HTTP service that takes a known time: it waits and computes as long as the payload says, times a factor.

    python known_service.py [--factor 1.1] [--delay 0.012] [--bytes 300000]

Prints its port when it listens. POST bodies are `{"cost": 1.3}`: that many times the delay and the bytes to hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

ANSWER = b'{"score": 0.5}'


class Known(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay: ClassVar[float]
    data: ClassVar[memoryview]
    factor: ClassVar[float]

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the generator has seen enough
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        cost = float(json.loads(body)["cost"]) * self.factor
        time.sleep(self.delay * cost)
        hashlib.sha256(self.data[: int(len(self.data) / 8 * cost)]).digest()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n" + ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """With a backlog for all of the generator's connections."""

    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--delay", type=float, default=0.012, help="seconds to wait for a payload of cost 1")
    parser.add_argument("--bytes", type=int, default=300_000, help="to hash for a payload of cost 1")
    args = parser.parse_args()
    Known.delay, Known.factor = args.delay, args.factor
    Known.data = memoryview(bytes(8 * args.bytes))
    with Server(("127.0.0.1", 0), Known) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
