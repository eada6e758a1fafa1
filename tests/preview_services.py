"""Small real services for tests of previews, and the processes of theirs that still run."""

from __future__ import annotations

import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

from ghmlops.core.errors import ServiceError
from ghmlops.measure.preview import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER = """
import os, signal, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200 if self.path == "/healthz" else 302 if self.path == "/moved" else 404
        body = "\\n".join(f"{k}={v}" for k, v in os.environ.items()).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/healthz")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

def serve():
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", os.environ["MARK"]]
"""
KINDS = {
    "plain": "serve()",
    "children": "subprocess.Popen(SLEEP); subprocess.Popen(SLEEP, start_new_session=True); serve()",
    "daemons": """
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ.clear()
    subprocess.Popen(SLEEP, env={})
    time.sleep(600)
os.wait()
serve()
""",
    "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN); subprocess.Popen(SLEEP); serve()",
    "flood": """
if os.fork() == 0:
    while True:
        os.write(1, b"x" * 65536)
serve()
""",
    "dies": "subprocess.Popen(SLEEP); print('no model\\x1b[2J ##[add-mask]x', flush=True); sys.exit(3)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "never": "print('loading', flush=True); time.sleep(600)",
    "late": "time.sleep(0.4); serve()",
    "mute": """
import socket
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
connections = []
while True:
    connections.append(listener.accept())
""",
    "dripping": """
import socket
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    stream, _ = listener.accept()
    try:
        while True:
            stream.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        pass
""",
    "endless": """
import socket
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    stream, _ = listener.accept()
    try:
        stream.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
        while True:
            stream.sendall(b"x" * 65536)
    except OSError:
        pass
""",
    "early": """
import socket
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    stream, _ = listener.accept()
    stream.recv(4096)
    stream.sendall(b"HTTP/1.1 103 Early Hints\\r\\nLink: x\\r\\n\\r\\nHTTP/1.1 204 No Content\\r\\n\\r\\n")
    stream.close()
""",
    "busy": """
import http.server
class Busy(Handler):
    def do_GET(self):
        self.send_error(503)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Busy).serve_forever()
""",
    "port-in-use": """
HTTPServer(("127.0.0.1", int(os.environ["BUSY_PORT"])), Handler).serve_forever()
""",
}


@dataclass
class Services:
    """Writes services whose arguments contain a mark, by which their processes are recognised.

    Attributes:
        folder: Folder of the scripts; temporary files go to its subfolder `temp`.
        mark: Text in the arguments of each process of a service.
    """

    folder: Path
    mark: str = field(default_factory=lambda: f"mark-{uuid.uuid4().hex}")

    @property
    def environ(self) -> dict[str, str]:
        """Environment of a service."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "MARK": self.mark}

    def command(self, kind: str) -> str:
        """Write a service of this kind and return its command."""
        script = self.folder / f"{kind}.py"
        script.write_text(SERVER + KINDS[kind])
        return f"{sys.executable} {script} {{port}} {self.mark}"

    def running_processes(self) -> list[str]:
        """Return the command lines of the running processes whose arguments contain the mark."""
        command_lines = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if self.mark in words and process.info["status"] != psutil.STATUS_ZOMBIE:
                command_lines.append(" ".join(words))
        return command_lines

    def start_failure(self, kind: str, timeout: float = 30.0, ready: str = "/healthz") -> ServiceError:
        """Start a service that does not become ready, and return the error; no process and no file remains."""
        before = psutil.Process().children()  # multiprocessing keeps a child of this process, if a test has used it
        with (
            pytest.raises(ServiceError) as caught,
            running(
                self.command(kind),
                cwd=self.folder,
                environ=self.environ,
                ready=ready,
                timeout=timeout,
                temp=str(self.folder / "temp"),
            ),
        ):
            pass
        assert self.running_processes() == []
        assert list((self.folder / "temp").iterdir()) == []
        assert psutil.Process().children() == before
        return caught.value


def wait_until(condition: Callable[[], bool], description: str, seconds: float = 30.0) -> None:
    """Poll until a condition is true; fail with its description after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not happen: {description}"
        time.sleep(0.02)
