"""Services with TLS: certificates are verified by the probe and during the run."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.errors import PolicyError, ServiceError
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.measure.load.target import Target

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True, timeout=60)
    return certificate, key


class Handler(BaseHTTPRequestHandler):
    """Responds with `ok` to every GET, and keeps the connection alive."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """A server with one thread per connection that ignores failed handshakes."""

    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore failed handshakes, which some tests cause."""


@pytest.fixture(scope="module")
def expired(certificate: tuple[Path, Path]) -> Path:
    """Another certificate for localhost with the same key, which expired in 2020."""
    folder = certificate[0].parent
    names = {"config": "ca.cnf", "request": "request.pem", "out": "expired.pem"}
    files = {name: str(folder / file) for name, file in names.items()}
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\n"
        "default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
        "[names]\nsubjectAltName=DNS:localhost\n"
    )
    request = ["req", "-new", "-key", str(certificate[1]), "-subj", "/CN=localhost", "-out", files["request"]]
    sign = ["ca", "-batch", "-notext", "-selfsign", "-config", files["config"], "-keyfile", str(certificate[1])]
    sign += ["-in", files["request"], "-out", files["out"]]
    sign += ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
    for command in (request, sign):
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    return folder / "expired.pem"


@contextlib.contextmanager
def served(certificate: Path, key: Path) -> Iterator[int]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """Port of a service with TLS."""
    with served(*certificate) as port:
        yield port


@pytest.fixture(scope="module")
def expired_port(expired: Path, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Port of a service whose certificate has expired."""
    with served(expired, certificate[1]) as port:
        yield port


def test_an_untrusted_certificate_is_an_error_of_the_service(port: int) -> None:
    """The message contains the reason that TLS reports."""
    with pytest.raises(ServiceError, match="self-signed certificate"):
        probe(parse_target(f"https://localhost:{port}", "url"), "url")


def test_an_expired_certificate_is_an_error_of_the_service(expired_port: int, expired: Path) -> None:
    """The message contains the reason, even if the certificate is trusted."""
    with pytest.raises(ServiceError, match=rf"https://localhost:{expired_port}: certificate has expired"):
        probe(parse_target(f"https://localhost:{expired_port}", "url", str(expired)), "url")


def test_a_certificate_for_another_host_is_an_error(port: int, certificate: tuple[Path, Path]) -> None:
    """The host of the address must be one of those in the certificate."""
    with pytest.raises(ServiceError, match=r"not valid for '127\.0\.0\.1'"):
        probe(parse_target(f"https://127.0.0.1:{port}", "url", str(certificate[0])), "url")


@pytest.mark.parametrize("content", [None, "", "no certificate", "key"])
def test_a_ca_file_without_a_certificate_is_an_error(
    tmp_path: Path, certificate: tuple[Path, Path], content: str | None
) -> None:
    """A missing file, an empty file, text and a private key are errors of the policy that name key and file."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(certificate[1].read_text() if content == "key" else content)
    with pytest.raises(PolicyError, match=r"`latency\.ca-file`: .*ca\.pem\"") as caught:
        parse_target("https://localhost", "url", str(file))
    assert "BEGIN CERTIFICATE" in caught.value.hint


def test_a_folder_as_ca_file_is_an_error(tmp_path: Path) -> None:
    """The message names the key of the policy."""
    with pytest.raises(PolicyError, match=r"`latency\.ca-file`"):
        parse_target("https://localhost", "url", str(tmp_path))


def test_a_ca_file_is_not_read_for_http() -> None:
    """A CA file that does not exist is no error if the address is http."""
    assert parse_target("http://localhost", "url", "nowhere.pem").tls is None


def load_of(target: Target) -> Load:
    return Load(
        targets=[target],
        endpoints=[Request(method="GET", path="/", expect=Expect(contains="ok"))],
        calls=[Call(endpoint=0, path="/", body=None)],
        order=[0] * 30,
        times=np.arange(30) / 100,
        warmup=0,
        block=10,
        write_order=[],
        connections=4,
        timeout=10.0,
    )


def test_load_over_tls(port: int, certificate: tuple[Path, Path]) -> None:
    """If the certificate is trusted, every response is received and checked."""
    target = probe(parse_target(f"https://localhost:{port}", "url", str(certificate[0])), "url")
    (answers,) = run_load(load_of(target), lambda _: True).arms
    assert answers.kind.tolist() == [Kind.OK] * 30


@pytest.mark.parametrize(("trusted", "reason"), [(False, "self-signed certificate"), (True, "certificate has expired")])
def test_a_certificate_that_becomes_invalid_during_the_run(
    expired_port: int, expired: Path, trusted: bool, reason: str
) -> None:
    """After the probe, each request fails as `connect`, and the example contains the reason."""
    target = parse_target(f"https://localhost:{expired_port}", "url", str(expired) if trusted else "")
    recording = run_load(load_of(replace(target, address="127.0.0.1")), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.CONNECT] * 30
    assert reason in recording.examples[0][Kind.CONNECT]
