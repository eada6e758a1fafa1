"""What the readiness probe sends, what it accepts, and how it names a service that speaks another protocol."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

import raw_service
from ghmlops.core.errors import InputError
from ghmlops.measure.load.connecting import tls_errors
from ghmlops.measure.load.target import tls_context
from ghmlops.measure.preview.probe import Answer, Readiness, check_address, probe, wait_until_ready
from tls_server import self_signed, server_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from raw_service import Connection, RawService

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def reply(status: str, body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def once(answer: bytes) -> Callable[[Connection, RawService], None]:
    return raw_service.answering(lambda connection, _: connection.write(answer))


def ask(answer: bytes, **expected: str) -> Answer:
    with raw_service.started(once(answer)) as service:
        return probe(service.url + "/", 3.0, readiness=Readiness(timeout=3.0, **expected))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_the_headers_are_sent() -> None:
    """A header of the policy is part of the request, and replaces one that the probe sends by itself."""
    with raw_service.started(once(reply("200 OK"))) as service:
        headers = {"x-bypass": "s3cret", "user-agent": "me"}
        assert probe(service.url + "/ready?a=1", 3.0, readiness=Readiness(timeout=3.0, headers=headers)).ready
        request = service.requests[0][1]
    assert request.startswith(b"GET /ready?a=1 HTTP/1.1\r\n")
    assert b"\r\nx-bypass: s3cret\r\n" in request
    assert request.count(b"user-agent: ") == 1


@pytest.mark.parametrize("split", [False, True])
def test_the_body_must_contain_the_expected_text(split: bool) -> None:
    """A good status without the text is not ready, and the text may be split between chunks."""
    assert not ask(reply("200 OK", b"starting"), contains="ready").ready
    body = b"4\r\n{rea\r\n3\r\ndy}\r\n0\r\n\r\n" if split else b"7\r\n{ready}\r\n0\r\n\r\n"
    assert ask(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body, contains="ready").ready
    assert ask(reply("200 OK", b"starting")).ready


def test_readiness_must_last() -> None:
    """A bad answer in between starts the row of good answers anew."""
    statuses = ["200 OK", "503 Busy", "200 OK", "200 OK", "200 OK", "200 OK"]

    def answer(connection: Connection, _request: bytes) -> None:
        connection.write(reply(statuses[min(len(service.requests), len(statuses)) - 1]))

    with raw_service.started(raw_service.answering(answer)) as service:
        seconds, problem = wait_until_ready(service.url + "/", Readiness(timeout=9.0, answers=3), wait, lambda _: None)
        assert (problem, len(service.requests)) == ("", 5)
        assert seconds > 0.5  # good answers are a quarter of a second apart


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def test_a_service_that_is_ready_now_and_then_is_not_ready() -> None:
    """The message has the number of good answers in a row."""
    with raw_service.started(once(reply("200 OK"))) as service:
        _, problem = wait_until_ready(service.url + "/", Readiness(timeout=1.2, answers=9), wait, lambda _: None)
    assert "of 9" in problem


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 101, "protocol"),
        (b"\x15\x03\x01\x00\x02\x02\x46", None, tls_errors.SPEAKS_TLS),
        (reply("400 Bad Request", b"The plain HTTP request was sent to HTTPS port"), 400, tls_errors.SPEAKS_TLS),
        (reply("400 Bad Request", b"Client sent an HTTP request to an HTTPS server."), 400, tls_errors.SPEAKS_TLS),
        (reply("400 Bad Request", b"No required SSL certificate was sent"), 400, tls_errors.CLIENT_CERTIFICATE),
        (reply("400 Bad Request", b"no"), 400, ""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None, "not HTTP"),
    ],
)
def test_another_protocol_is_named(answer: bytes, status: int | None, problem: str) -> None:
    """A switch of the protocol, TLS on the port and a demanded certificate are distinguished from other bad answers."""
    result = ask(answer)
    assert (result.status, result.ready) == (status, False)
    assert problem in result.problem


@needs_openssl
def test_tls_on_a_port_that_closes_is_named(certificate: tuple[Path, Path]) -> None:
    """A service with TLS that closes a plain connection is recognised by a handshake."""
    with raw_service.started(once(reply("200 OK")), server_context(certificate)) as service:
        assert probe(service.url + "/", 5.0) == Answer(None, tls_errors.SPEAKS_TLS)


def test_a_port_that_closes_without_tls_is_not_said_to_use_it() -> None:
    """Without a handshake the service has closed the connection."""

    def script(connection: Connection, _service: RawService) -> None:
        connection.request()

    with raw_service.started(script) as service:
        assert "closed" in probe(service.url + "/", 3.0).problem


@needs_openssl
def test_https_without_tls_is_named(certificate: tuple[Path, Path]) -> None:
    """An https address of a service without TLS is named as such."""

    def script(connection: Connection, _service: RawService) -> None:
        connection.stream.recv(1024)
        connection.write(reply("400 Bad Request"))

    with raw_service.started(script) as service:
        answer = probe(f"https://localhost:{service.port}/", 5.0, readiness=trusting(certificate))
    assert answer == Answer(None, tls_errors.NO_TLS)


@needs_openssl
@pytest.mark.parametrize(("demand", "problem"), [(False, ""), (True, "client certificate")])
def test_the_authorities_of_the_policy_are_trusted(certificate: tuple[Path, Path], demand: bool, problem: str) -> None:
    """A private authority is trusted if the policy names it; a demanded client certificate is named."""
    context = server_context(certificate, demand=demand)
    with raw_service.started(once(reply("200 OK")), context) as service:
        answer = probe(f"https://localhost:{service.port}/", 5.0, readiness=trusting(certificate))
        untrusted = probe(f"https://localhost:{service.port}/", 5.0)
    assert answer.ready is not demand
    assert problem in answer.problem
    assert "self-signed" in untrusted.problem


def trusting(certificate: tuple[Path, Path]) -> Readiness:
    return Readiness(timeout=5.0, tls=tls_context(str(certificate[0])))


def test_a_unicode_host_is_refused_with_its_ascii_form() -> None:
    """The hint contains the name as it must be written."""
    with pytest.raises(InputError) as caught:
        check_address("https://bücher.example:8000", "/")
    assert "xn--bcher-kva.example" in (caught.value.hint or "")
