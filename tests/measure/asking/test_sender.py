"""One request at a time over real connections: every way in which a service can answer, or fail to."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.answers.answer import AnswerKind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.asking.sender import Limits, Sender
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 429 Busy\r\nretry-after: %s\r\ncontent-length: 0\r\n\r\n"


class Script:
    """A service that answers the requests of all its connections by a list of bytes; `None` resets the connection."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        with stream:
            counted = False
            while request := stream.recv(1 << 16):
                self.connections += not counted
                counted = True
                self.requests.append(request)
                answer = self.answers.pop(0)
                if answer is None:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                stream.sendall(answer)
                if b"close" in answer or b"length" not in answer:
                    return


@pytest.fixture
def script() -> Iterator[Script]:
    """A service on this machine."""
    service = Script()
    yield service
    service.close()


@pytest.fixture
def ask(script: Script) -> Iterator[Callable[..., Sender]]:
    """Make a sender to the service."""
    senders = []

    def make(timeout: float = 5.0, **limits: float) -> Sender:
        target = probe(parse_target(script.url, "url"), "url")
        sender = Sender(target, [Request(timeout=timeout)], Limits(**limits))  # type: ignore[arg-type]
        senders.append(sender)
        return sender

    yield make
    for sender in senders:
        sender.close()


CALL = Call(endpoint=0, path="/predict", body=b'{"a":1}')


def test_one_connection_serves_many_requests(script: Script, ask: Callable[..., Sender]) -> None:
    """Answers carry status, media type and body; the connection is kept; a closed one is opened again."""
    script.answers = [JSON, JSON, JSON.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), JSON]
    sender = ask()
    answers = [sender.ask(CALL) for _ in range(4)]
    assert [(a.kind, a.status, a.media_type, a.body) for a in answers] == [
        (AnswerKind.ANSWERED, 200, "application/json", b"{}")
    ] * 4
    assert all(answer.successful for answer in answers)
    assert script.connections == 2


def test_an_idle_connection_that_the_service_closed_is_no_failure(script: Script, ask: Callable[..., Sender]) -> None:
    """A reset before the first byte on a used connection is repeated once; on a fresh one it is a reset."""
    script.answers = [JSON, None, JSON, None]
    sender = ask()
    assert [sender.ask(CALL).kind for _ in range(2)] == [AnswerKind.ANSWERED, AnswerKind.ANSWERED]
    sender.close()
    assert sender.ask(CALL).kind is AnswerKind.RESET


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{}", AnswerKind.TRUNCATED, 200),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", AnswerKind.ANSWERED, 200),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", AnswerKind.ANSWERED, 503),
        (b"SSH-2.0-OpenSSH_9.6\r\nclose", AnswerKind.MALFORMED, 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n" + b"x" * 300, AnswerKind.TOO_LARGE, 200),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + JSON, AnswerKind.ANSWERED, 200),
    ],
)
def test_every_end_has_a_kind(
    script: Script, ask: Callable[..., Sender], answer: bytes, kind: AnswerKind, status: int
) -> None:
    """Nothing that a service sends raises."""
    script.answers = [answer]
    result = ask(size=200).ask(CALL)
    assert (result.kind, result.status) == (kind, status)
    assert len(result.body) <= 200


def test_silence_is_a_timeout() -> None:
    """A service that accepts and never answers does not block."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        target = probe(parse_target(f"http://127.0.0.1:{listener.getsockname()[1]}", "url"), "url")
        sender = Sender(target, [Request(timeout=0.05)])
        assert sender.ask(CALL).kind is AnswerKind.TIMEOUT
        sender.close()
    assert sender.ask(CALL).kind is AnswerKind.REFUSED


def test_retry_after_is_waited_for(script: Script, ask: Callable[..., Sender]) -> None:
    """429 is repeated while its Retry-After is within the limit; otherwise it is throttled."""
    script.answers = [BUSY % b"0", JSON, BUSY % b"3600", BUSY % b"0", BUSY % b"0"]
    sender = ask(retries=1)
    assert [sender.ask(CALL).kind for _ in range(3)] == [
        AnswerKind.ANSWERED, AnswerKind.THROTTLED, AnswerKind.THROTTLED,
    ]  # fmt: skip
    assert len(script.requests) == 5
