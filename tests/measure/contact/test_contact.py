"""The first requests over real connections: statuses, redirects, pages, secrets, and services that do not answer."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.contact.contact import EXCERPT, first_answers
from ghmlops.measure.contact.http1 import exchange
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.latency.contact.first_answers import FirstAnswer

ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/good": (200, {"content-type": "application/json; charset=utf-8"}, b"{}"),
    "/page": (200, {"content-type": "text/html"}, b"<html>"),
    "/missing": (404, {}, b"no such model"),
    "/login": (302, {"location": "https://login.example.com/sso?token=s3cr3t"}, b""),
    "/secret": (500, {}, b"bad header: s3cr3t-token \x1b[31m\n::error::x"),
    "/busy": (429, {}, b"later"),
    "/long": (422, {}, b"x" * 100_000),
}


class Answer(BaseHTTPRequestHandler):
    """Answers by path; `/sometimes` is bad at first."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status, headers, text = ANSWERS.get(self.path, (200 if body == b"2" else 500, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def load(url: str, path: str, timeout: float = 2.0) -> Load:
    endpoint = Request(path=path, headers={"authorization": "s3cr3t-token"}, timeout=timeout)
    calls = [Call(endpoint=0, path=path, body=str(number).encode()) for number in range(3)]
    return Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[endpoint],
        calls=calls,
        order=[0],
        times=np.zeros(1),
        warmup=0,
        block=1,
        write_order=[0],
        connections=1,
        timeout=timeout,
    )


def answer(url: str, path: str) -> FirstAnswer:
    prepared = load(url, path)
    (first,) = first_answers(prepared, prepared.targets[0], [range(3)])
    return first


@pytest.mark.parametrize(
    ("path", "problem", "media_type"),
    [
        ("/good", "", "application/json"),
        ("/page", "", "text/html"),
        ("/missing", '404 Not Found ("no such model")', ""),
        ("/login", "302 Found, which leads to login.example.com", ""),
        ("/busy", "", ""),
        ("/sometimes", "", ""),
    ],
)
def test_an_answer_is_described(url: str, path: str, problem: str, media_type: str) -> None:
    """Status, text and the host of a redirect; one good answer of three, or a request for less load, is no problem."""
    first = answer(url, path)
    assert (first.endpoint, first.problem, first.media_type) == (f"POST {path}", problem, media_type)


def test_text_of_a_service_is_untrusted(url: str) -> None:
    """Secrets of the request, control characters and length are removed; nothing is quoted where it may not be."""
    problem = answer(url, "/secret").problem
    assert "s3cr3t" not in problem
    assert problem.isprintable()
    assert len(answer(url, "/long").problem) < EXCERPT + 60
    private = replace(load(url, "/missing"), quotes=False)
    assert first_answers(private, private.targets[0], [range(3)])[0].problem == "404 Not Found"


def test_http2_is_asked_by_the_generator(url: str) -> None:
    """A protocol without a client of its own is no error: what does not answer is left to the load."""
    other = replace(load(url, "/good"), protocol="http/2")
    assert first_answers(other, other.targets[0], [range(3)])[0].problem == ""


@pytest.mark.parametrize("data", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 O"])
def test_a_service_without_an_answer_is_left_to_the_load(data: bytes) -> None:
    """Silence, garbage and half an answer have no status, and end in time."""
    finished = threading.Event()

    class Half(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.recv(65536)
                self.request.sendall(data)
                if not data:
                    finished.wait(60)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Half) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = parse_target(f"http://127.0.0.1:{server.server_address[1]}", "url")
        started = time.monotonic()
        assert exchange(target, b"GET / HTTP/1.1\r\n\r\n", 0.5).status == 0
        assert time.monotonic() - started < 30
        finished.set()
        server.shutdown()
