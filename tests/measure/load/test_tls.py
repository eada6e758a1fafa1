"""https: an untrusted certificate is an error of the service, a trusted one is loaded like any other address."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.calls import Call
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy import Request
from ghmlops.measure.load.engine import Load, run_load
from ghmlops.measure.load.target import parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True, timeout=60)
    return certificate, key


class Answers(BaseHTTPRequestHandler):
    """Says ok to every GET, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


class Server(ThreadingHTTPServer):
    """One thread a connection; a client that does not trust the certificate is no news."""

    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A failed handshake is what one test is about."""


@pytest.fixture(scope="module")
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """Port of a service that speaks TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    with Server(("127.0.0.1", 0), Answers) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(10)


def test_an_untrusted_certificate_is_an_error(port: int) -> None:
    """The message names the reason that TLS gives."""
    with pytest.raises(ServiceError, match="self-signed certificate"):
        probe(parse_target(f"https://localhost:{port}", "url"), "url")


def test_load_over_tls(port: int, certificate: tuple[Path, Path]) -> None:
    """With the certificate trusted every request is answered."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    target = probe(replace(parse_target(f"https://localhost:{port}", "url"), tls=trusting), "url")
    load = Load(
        targets=[target],
        endpoints=[Request(method="GET", path="/")],
        calls=[Call(endpoint=0, path="/", body=None)],
        order=[0] * 30,
        times=np.arange(30) / 100,
        warmup=0,
        block=10,
        second_first=[],
        connections=4,
        timeout=5.0,
    )
    (answers,) = run_load(load, lambda _: True).arms
    assert answers.kind.tolist() == [0] * 30
