"""Plain connections on a service that answers byte by byte as the test says: ends of streams, sizes, what is left."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load import kernel_timestamps as arrival
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import http1_connection as connection
from ghmlops.measure.load.target import parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["stamped", "not stamped"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads once with the kernel's stamps, as at low rates, and once without."""
    if request.param == "not stamped":
        monkeypatch.setattr(arrival, "_PROCESSORS", set[str]())


pytestmark = pytest.mark.usefixtures("_clock")


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@contextlib.contextmanager
def serving(says: Callable[[int], tuple[bytes, bool]]) -> Iterator[str]:
    """Run a service of one connection at a time: `says` gives the bytes for request k, and whether to close after."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        count = 0
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                with near:
                    while near.recv(65536):
                        said, closes = says(count)
                        count += 1
                        near.sendall(said)
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
    given = Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[Request(method="GET", path="/", timeout=30.0, expect=expect or Expect())],
        calls=[Call(endpoint=0, path="/", body=b"")],
        order=[0] * n,
        times=np.arange(n) / rate,
        warmup=0,
        block=n,
        second_first=[0] * n,
        connections=1,
        timeout=30.0,
    )
    return run_load(given, lambda _: True)


def kinds(answers: Answers) -> list[str]:
    return [Kind(kind).label for kind in answers.kind]


def test_an_end_that_comes_with_the_answer_is_seen() -> None:
    """A service that says keep-alive and closes all the same, at once: the answer counts, the next one is elsewhere."""
    with serving(lambda _: (answer(b"good"), True)) as url:
        recording = run(url, n=6, rate=10.0)
    assert kinds(recording.arms[0]) == ["ok"] * 6
    assert recording.notes["waited_for_a_connection"] == [6]


def test_answers_larger_than_the_buffer_are_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left in the socket is not told again, so it is read at once; also where a read ends with the answer."""
    small = bytearray(512)
    monkeypatch.setattr(connection, "_BUFFER", small)
    monkeypatch.setattr(connection, "_BUFFERS", [small])
    bodies = [b"x" * (size - len(answer(b"")) - 2) for size in (512, 1024, 5000, 512, 600, 512)]
    with serving(lambda k: (answer(bodies[k]), False)) as url:
        recording = run(url, n=6, rate=50.0)
    assert len(answer(bodies[0])) == len(small)
    assert kinds(recording.arms[0]) == ["ok"] * 6
    assert recording.notes["waited_for_a_connection"][0] < 6


def test_an_answer_of_a_size_that_failed_fails_each_time() -> None:
    """Good, then too short three times, then good: what was no good answer is not what the next is held against."""
    bodies = [b"a good long body", b"short", b"short", b"short", b"a good long body"]
    with serving(lambda k: (answer(bodies[k]), False)) as url:
        recording = run(url, n=5, rate=50.0, expect=Expect(contains="o", smallest=10))
    assert kinds(recording.arms[0]) == ["ok", "check", "check", "check", "ok"]


def test_what_a_body_must_hold_is_looked_for_in_each_answer() -> None:
    """It may move, it may be in the head and not in the body, and bodies of one size may lack it."""
    bodies = [b"..200..", b"200....", b"....200", b".......", b"..200..", b"..20.0."]
    with serving(lambda k: (answer(bodies[k]), False)) as url:
        recording = run(url, n=6, rate=50.0, expect=Expect(contains="200"))
    assert kinds(recording.arms[0]) == ["ok", "ok", "ok", "check", "ok", "check"]
