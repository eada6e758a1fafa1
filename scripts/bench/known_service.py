"""HTTP service with a known service time: it waits and computes in proportion to the payload's cost and a factor.

    python known_service.py [--factor 1.1] [--delay 0.012] [--bytes 300000]

Prints its port when it listens. POST bodies are `{"cost": 1.3}`: a multiple of the delay and of the bytes to hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

ANSWER = b'{"score": 0.5}'


class Handler(BaseHTTPRequestHandler):
    """One keep-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay: ClassVar[float]
    data: ClassVar[memoryview]
    factor: ClassVar[float]

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the generator closed the connection
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        cost = float(json.loads(body)["cost"]) * self.factor
        time.sleep(self.delay * cost)
        hashlib.sha256(self.data[: int(len(self.data) / 8 * cost)]).digest()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n" + ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """HTTP server whose backlog holds all connections of the generator."""

    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    """Serve until the process is terminated."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--delay", type=float, default=0.012, help="seconds to wait for a payload of cost 1")
    parser.add_argument("--bytes", type=int, default=300_000, help="to hash for a payload of cost 1")
    args = parser.parse_args()
    Handler.delay, Handler.factor = args.delay, args.factor
    Handler.data = memoryview(bytes(8 * args.bytes))
    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
