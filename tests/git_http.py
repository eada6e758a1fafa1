"""A git remote over HTTP: `git http-backend` behind Python's HTTP server, which requires one token."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class HttpRemote:
    """A running server and its faults."""

    url: str
    header: str
    """Value of the Authorization header that every request must have."""
    requests: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Method, path and Authorization headers of every request."""
    refuse_push: int = 0
    """Status of the response to a push; 0 accepts it."""
    lose_push: bool = False
    """Perform a push, then close the connection without a response."""
    redirect: str = ""
    """Redirect every request to this address."""


@contextlib.contextmanager
def serving(root: Path, header: str) -> Iterator[HttpRemote]:
    """Serve the bare repositories below `root`; every request must have the Authorization `header`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self._body())

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))

        def _serve(self, body: bytes) -> None:
            authorizations = self.headers.get_all("Authorization") or []
            remote.requests.append((self.command, self.path, authorizations))
            is_push = "git-receive-pack" in self.path
            if remote.redirect:
                self._respond(302, {"Location": remote.redirect + self.path}, b"")
            elif [value.lower() for value in authorizations] != [header.lower()]:
                self._respond(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            elif is_push and remote.refuse_push:
                self._respond(remote.refuse_push, {}, b"remote: Permission to acme/shop.git denied to bot.\n")
            else:
                self._cgi(body)

        def _cgi(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            result = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                timeout=60,
                check=True,
                env={
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_CONFIG_GLOBAL": "/dev/null",
                    "REMOTE_USER": "bot",
                    "REMOTE_ADDR": "127.0.0.1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": parts.path,
                    "QUERY_STRING": parts.query,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            if remote.lose_push and self.command == "POST" and "git-receive-pack" in self.path:
                self.close_connection = True
                return
            head, _, content = result.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self._respond(int(fields.pop("Status", "200").split()[0]), fields, content)

        def _respond(self, status: int, fields: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**fields, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Suppress the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    remote = HttpRemote(url=f"http://127.0.0.1:{server.server_port}", header=header)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield remote
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
