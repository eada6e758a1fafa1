"""Plain connections against a service whose responses the test defines: ends of streams, and sizes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load import kernel_timestamps
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import http1_connection as connection
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["kernel", "process"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test once with kernel timestamps, as at low rates, and once without."""
    if request.param == "process":
        monkeypatch.setattr(kernel_timestamps, "_ARCHITECTURES", set[str]())


pytestmark = pytest.mark.usefixtures("_clock")


def response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@contextlib.contextmanager
def serving(respond: Callable[[int], tuple[bytes, bool]]) -> Iterator[str]:
    """Run a service with one connection at a time; `respond` returns the response to request k and whether to close."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        count = 0
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                with near:
                    while near.recv(65536):
                        data, closes = respond(count)
                        count += 1
                        near.sendall(data)
                        if closes:
                            break

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(30)


def run(url: str, n: int, rate: float, expect: Expect | None = None) -> Recording:
    load = Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[Request(method="GET", path="/", timeout=30.0, expect=expect or Expect())],
        calls=[Call(endpoint=0, path="/", body=b"")],
        order=[0] * n,
        times=np.arange(n) / rate,
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=1,
        timeout=30.0,
    )
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> list[str]:
    return [Kind(kind).label for kind in answers.kind]


def test_a_close_together_with_the_response_is_noticed() -> None:
    """If a service closes in spite of keep-alive, the response counts, and the next request uses a new connection."""
    with serving(lambda _: (response(b"good"), True)) as url:
        recording = run(url, n=6, rate=10.0)
    assert kinds(recording.arms[0]) == ["ok"] * 6
    assert recording.notes["waited_for_a_connection"] == [6]


def test_responses_larger_than_the_buffer_are_read_completely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets are read until they are empty, also if a read ends exactly with the response."""
    small = bytearray(512)
    monkeypatch.setattr(connection, "_BUFFER", small)
    monkeypatch.setattr(connection, "_BUFFERS", [small])
    bodies = [b"x" * (size - len(response(b"")) - 2) for size in (512, 1024, 5000, 512, 600, 512)]
    with serving(lambda k: (response(bodies[k]), False)) as url:
        recording = run(url, n=6, rate=50.0)
    assert len(response(bodies[0])) == len(small)
    assert kinds(recording.arms[0]) == ["ok"] * 6
    assert recording.notes["waited_for_a_connection"][0] < 6


def test_a_failed_response_is_not_remembered() -> None:
    """After a response that is too short, the same one fails again, and a sufficient one is ok."""
    bodies = [b"a good long body", b"short", b"short", b"short", b"a good long body"]
    with serving(lambda k: (response(bodies[k]), False)) as url:
        recording = run(url, n=5, rate=50.0, expect=Expect(contains="o", smallest=10))
    assert kinds(recording.arms[0]) == ["ok", "check", "check", "check", "ok"]


def test_required_text_is_searched_in_each_body() -> None:
    """The text may be at another index, only in the head, or absent from a body of the same size."""
    bodies = [b"..200..", b"200....", b"....200", b".......", b"..200..", b"..20.0."]
    with serving(lambda k: (response(bodies[k]), False)) as url:
        recording = run(url, n=6, rate=50.0, expect=Expect(contains="200"))
    assert kinds(recording.arms[0]) == ["ok", "ok", "ok", "check", "ok", "check"]
