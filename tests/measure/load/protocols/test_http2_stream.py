"""HTTP/2 against a service that sends rare and invalid sequences of frames."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded
from h2.settings import SettingCodes, Settings

import raw_service
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Respond = Callable[["Peer", int, str], None]
    """Responds to a request: the connection, the identifier of its stream, its path."""


class Peer:
    """One connection of the service; `number` counts connections from 0."""

    def __init__(self, plain: socket.socket, number: int) -> None:
        self.plain, self.number = plain, number
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))

    def serve(self, respond: Respond, settings: dict[SettingCodes, int]) -> None:
        """Process requests until the other side closes."""
        with self.plain:
            self.h2.local_settings = Settings(client=False, initial_values=settings)
            self.h2.initiate_connection()
            while True:
                try:
                    self.flush()
                    data = self.plain.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                if self.h2.state_machine.state is ConnectionState.CLOSED:  # closed by this side; later data is ignored
                    continue
                for event in self.h2.receive_data(data):
                    if isinstance(event, RequestReceived) and event.stream_id:
                        respond(self, event.stream_id, dict(event.headers)[b":path"].decode())

    def send_ok(self, stream: int) -> None:
        self.h2.send_headers(stream, [(":status", "200")])
        self.h2.send_data(stream, b"ok", end_stream=True)

    def flush(self) -> None:
        self.plain.sendall(self.h2.data_to_send())


@contextmanager
def serving(respond: Respond, settings: dict[SettingCodes, int] | None = None) -> Iterator[str]:
    """Run the service with one thread per connection."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                peer = Peer(plain, len(threads) - 1)  # the probe's connection is the first
                threads.append(threading.Thread(target=peer.serve, args=(respond, settings or {})))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(30)
            for thread in threads:
                thread.join(30)


def run(
    url: str, paths: list[str], timeout: float = 30.0, rate: float = 100.0, times: list[float] | None = None
) -> Recording:
    n = len(paths)
    load = Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[Request(method="GET", timeout=timeout)],
        calls=[Call(endpoint=0, path=path, body=None) for path in paths],
        order=list(range(n)),
        times=np.arange(n) / rate if times is None else np.array(times),
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=32,
        timeout=timeout,
        protocol="http/2",
    )
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


def test_streams_that_goaway_excludes_are_sent_on_another_connection() -> None:
    """After GOAWAY for the first of five active requests the other four are sent again and counted once."""
    waiting: list[int] = []

    def respond(peer: Peer, stream: int, _path: str) -> None:
        if peer.number > 0:
            peer.send_ok(stream)
            return
        waiting.append(stream)
        if len(waiting) == 5:
            peer.send_ok(waiting[0])
            peer.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=waiting[0])

    with serving(respond) as url:
        recording = run(url, ["/"] * 5, rate=100_000.0)
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 5}


def test_goaway_with_an_error_before_any_response_is_a_failure() -> None:
    """If a service rejects every connection, requests fail instead of being sent again without end."""

    def respond(peer: Peer, _stream: int, _path: str) -> None:
        peer.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, last_stream_id=0)

    with serving(respond) as url:
        recording = run(url, ["/"] * 4)
    assert kinds(recording.arms[0]) == {"closed": 4}
    assert recording.examples[0][Kind.CLOSED].startswith("GOAWAY ENHANCE_YOUR_CALM")


def test_a_reduced_limit_of_streams_is_respected() -> None:
    """If the limit becomes one stream after the first response, other requests use other connections."""

    def respond(peer: Peer, stream: int, _path: str) -> None:
        peer.send_ok(stream)
        peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})

    with serving(respond) as url:
        recording = run(url, ["/"] * 40, rate=2_000.0)
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 40}


def test_a_service_that_allows_no_stream_throttles() -> None:
    """With SETTINGS_MAX_CONCURRENT_STREAMS of 0 every request is counted as throttled."""
    with serving(lambda *_: None, {SettingCodes.MAX_CONCURRENT_STREAMS: 0}) as url:
        recording = run(url, ["/"] * 3)
    assert kinds(recording.arms[0]) == {"throttled": 3}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCodes.REFUSED_STREAM, "throttled"),
        (ErrorCodes.ENHANCE_YOUR_CALM, "throttled"),
        (ErrorCodes.CANCEL, "reset"),
    ],
)
def test_codes_of_rst_stream_are_classified(code: ErrorCodes, kind: str) -> None:
    """REFUSED_STREAM and ENHANCE_YOUR_CALM are throttling; any other code is a reset."""
    with serving(lambda peer, stream, _: peer.h2.reset_stream(stream, code)) as url:
        recording = run(url, ["/"] * 3)
    assert kinds(recording.arms[0]) == {kind: 3}
    (example,) = recording.examples[0].values()
    assert f"RST_STREAM {code.name}" in example


def test_frames_that_violate_the_protocol_are_garbage() -> None:
    """After a frame of a stream that was never opened, the next request is sent on a new connection."""

    def respond(peer: Peer, stream: int, path: str) -> None:
        if path == "/bad":
            peer.flush()
            peer.plain.sendall(b"\x00\x00\x04\x00\x00\x00\x00\x00\x63oops")  # DATA on stream 99
        else:
            peer.send_ok(stream)

    with serving(respond) as url:
        recording = run(url, ["/", "/bad", "/"], times=[0.0, 0.2, 2.0])
    assert recording.arms[0].kind.tolist() == [Kind.OK, Kind.GARBAGE, Kind.OK]
    assert "HTTP/2" in recording.examples[0][Kind.GARBAGE]


def test_a_silent_connection_is_not_used_again() -> None:
    """If a service stops responding on one connection, only the request that timed out fails."""

    def respond(peer: Peer, stream: int, _path: str) -> None:
        if peer.number > 0 or stream == 1:
            peer.send_ok(stream)

    with serving(respond) as url:
        recording = run(url, ["/", "/", "/"], timeout=2.0, times=[0.0, 0.1, 4.1])
    assert recording.arms[0].kind.tolist() == [Kind.OK, Kind.TIMEOUT, Kind.OK]


def test_interim_responses_are_ignored() -> None:
    """103 and 100 before the response, and trailers after it, do not end a request."""

    def respond(peer: Peer, stream: int, _path: str) -> None:
        peer.h2.send_headers(stream, [(":status", "103"), ("link", "x")])
        peer.h2.send_headers(stream, [(":status", "100")])
        peer.h2.send_headers(stream, [(":status", "200")])
        peer.h2.send_data(stream, b"ok")
        peer.h2.send_headers(stream, [("x-checksum", "1")], end_stream=True)

    with serving(respond) as url:
        recording = run(url, ["/"] * 5)
    assert recording.examples == ({},)
    assert set(recording.arms[0].status) == {200}


@pytest.mark.parametrize("status", [b"abc", b"-5", b"99999", b"", b"\xb2\xb2\xb2"])
def test_an_invalid_status_is_garbage(status: bytes) -> None:
    """The library does not validate the status; the requests fail, and the connection stays open."""

    def respond(peer: Peer, stream: int, path: str) -> None:
        if path == "/invalid":
            field = b"\x08" + bytes([len(status)]) + status  # HPACK: a literal with the name of the static table
            peer.plain.sendall(len(field).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + field)
        else:
            peer.send_ok(stream)

    with serving(respond) as url:
        recording = run(url, ["/invalid", "/ok", "/invalid", "/ok"], times=[0.0, 0.1, 0.2, 0.3])
    expected = [Kind.GARBAGE, Kind.OK, Kind.GARBAGE, Kind.OK]
    assert expected == recording.arms[0].kind.tolist()
    assert "three digits" in recording.examples[0][Kind.GARBAGE]


def closing_service(*, goaway: bool) -> Callable[[raw_service.Connection, raw_service.RawService], None]:
    """Return the script of a service that answers one request per connection, and ends at the second.

    It ends with GOAWAY, which says that the second request was not processed, or without a word.
    """

    def script(connection: raw_service.Connection, service: raw_service.RawService) -> None:
        server = H2Connection(H2Configuration(client_side=False))
        server.initiate_connection()
        connection.write(server.data_to_send())
        while data := connection.stream.recv(65536):
            for event in server.receive_data(data):
                if not isinstance(event, StreamEnded):
                    continue
                if event.stream_id > 1:
                    service.requests.append((connection.number, b"unanswered"))
                    if goaway:
                        server.close_connection(last_stream_id=1)
                        connection.write(server.data_to_send())
                    return
                server.send_headers(1, [(":status", "200"), ("content-length", "2")])
                server.send_data(1, b"ok", end_stream=True)
            connection.write(server.data_to_send())

    return script


@pytest.mark.parametrize(
    ("method", "goaway", "kinds", "repeated"),
    [
        ("GET", False, [Kind.OK] * 6, 5),
        ("POST", False, [Kind.OK, Kind.CLOSED] * 3, 0),
        ("POST", True, [Kind.OK] * 6, 0),  # GOAWAY: it was not processed
    ],
)
def test_a_request_that_the_end_of_a_connection_lost(
    method: str, goaway: bool, kinds: list[Kind], repeated: int
) -> None:
    """It is sent again if it may be repeated or was not processed; the former is counted."""
    with raw_service.started(closing_service(goaway=goaway)) as service:
        load = Load(
            targets=[probe(parse_target(service.url, "url"), "url")],
            endpoints=[Request(method=method, expect=Expect(contains="ok"))],
            calls=[Call(endpoint=0, path="/", body=None if method == "GET" else b"x")],
            order=[0] * 6,
            times=np.arange(6) / 5,
            warmup=0,
            block=6,
            write_order=[0] * 6,
            connections=1,
            timeout=5.0,
            protocol="http/2",
        )
        recording = run_load(load, lambda _: True)
    assert recording.arms[0].kind.tolist() == kinds
    assert recording.notes["requests_sent_again"] == [repeated]
