"""Heads that break the letter of HTTP/1.1, and the responses that are read from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import raw_service
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols.lenient_head import repair
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[[raw_service.Connection, raw_service.RawService], None]


def load_of(url: str, method: str = "POST", n: int = 4) -> Load:
    return Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[Request(method=method, expect=Expect(contains="ok"))],
        calls=[Call(endpoint=0, path="/", body=None if method == "GET" else b"x")],
        order=[0] * n,
        times=np.arange(n) / 50,
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=1,
        timeout=5.0,
    )


def run(*pieces: bytes | float) -> Recording:
    script = raw_service.answering(lambda connection, _: connection.write(*pieces))
    with raw_service.started(script) as service:
        recording = run_load(load_of(service.url), lambda _: True)
        assert service.connections <= 2 or recording.arms[0].kind.any()  # the probe, and one that is kept alive
    return recording


ACCEPTED = [
    b"HTTP/1.1 200 OK\r\nx-note: a\r\n folded\r\n\tline\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok",
    b"HTTP/1.1 103 Early Hints\r\nlink: a,\r\n b\r\n\r\nHTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("response", ACCEPTED)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_curl_accepts_is_a_response(response: bytes, size: int) -> None:
    """Folded lines, bare LF and an equal repeated length are accepted in any split, and the connection is kept."""
    pieces: list[bytes | float] = []
    for start in range(0, len(response), size):
        pieces += [response[start : start + size], 0.0005]
    assert run(*pieces).arms[0].kind.tolist() == [Kind.OK] * 4


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\ncontent-length: 2, 3\n\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\ncontent-length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n folded: status line\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"ok\n\n",
        b"HTTP/1.1 200 OK\n" + b"x: " + b"a" * 70_000,
    ],
)
def test_what_remains_ambiguous_is_no_response(response: bytes) -> None:
    """Different lengths, a folded status line, another protocol, no HTTP at all or an endless head are refused."""
    assert run(response).arms[0].kind.tolist() == [Kind.GARBAGE] * 4


def test_a_repair_changes_nothing_else() -> None:
    """The other headers keep their order, and the body its line ends."""
    assert (
        repair(b"HTTP/1.1 200 OK\na: 1\n b\nc: 2\n\nx\ny\n\n") == b"HTTP/1.1 200 OK\r\na: 1 b\r\nc: 2\r\n\r\nx\ny\n\n"
    )
    assert repair(b"HTTP/1.1 200 OK\na: 1\n") is None


def closing(after: int, *, reset: bool = False) -> Script:
    """Return the script of a service that closes each connection in the moment in which a further request arrives."""

    def script(connection: raw_service.Connection, service: raw_service.RawService) -> None:
        for _ in range(after):
            request = connection.request()
            if not request:
                return
            service.requests.append((connection.number, request))
            connection.write(raw_service.OK)
        request = connection.request()
        if request:
            service.requests.append((connection.number, b"unanswered"))
        if reset:
            connection.stream.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER of 0 s: RST

    return script


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("PUT", {}), ("POST", {"idempotency-key": "a"})])
def test_an_idle_connection_that_was_closed_costs_no_request(method: str, headers: dict[str, str], reset: bool) -> None:
    """A repeatable request is sent once more on a new connection, and counted."""
    with raw_service.started(closing(2, reset=reset)) as service:
        load = load_of(service.url, method, n=9)
        recording = run_load(replace(load, endpoints=[replace_headers(load, headers)]), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 9
    assert recording.notes["requests_sent_again"] == [4]


def replace_headers(load: Load, headers: dict[str, str]) -> Request:
    return Request(method=load.endpoints[0].method, headers=headers, expect=Expect(contains="ok"))


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_request_that_may_have_been_processed_is_not_repeated(method: str) -> None:
    """Without an idempotent method the request has failed, once, and the example says why it was not repeated."""
    with raw_service.started(closing(2)) as service:
        recording = run_load(load_of(service.url, method, n=6), lambda _: True)
        assert sum(request == b"unanswered" for _, request in service.requests) == 2
    assert recording.arms[0].kind.tolist() == [Kind.OK, Kind.OK, Kind.CLOSED] * 2
    assert recording.notes["requests_sent_again"] == [0]
    assert "not sent again" in recording.examples[0][Kind.CLOSED]


def test_a_new_connection_that_is_closed_is_a_failure() -> None:
    """The first request of a connection is not repeated, and a repetition is not repeated either."""
    with raw_service.started(closing(0)) as service:
        recording = run_load(load_of(service.url, "GET"), lambda _: True)
        assert len(service.requests) == 4
    assert recording.arms[0].kind.tolist() == [Kind.CLOSED] * 4


def test_a_response_that_began_is_not_repeated() -> None:
    """After the first byte of a response a closed connection is a failure."""

    def script(connection: raw_service.Connection, _service: raw_service.RawService) -> None:
        connection.request()
        connection.write(raw_service.OK)
        if connection.request():
            connection.write(b"HTTP/1.1 200 OK\r\ncontent-le")

    with raw_service.started(script) as service:
        recording = run_load(load_of(service.url, "GET"), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.OK, Kind.CLOSED] * 2
