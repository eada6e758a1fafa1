"""Redirects during a run, against services on loopback that record what they receive."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.allowed_hosts import HostRules
from ghmlops.core.load.call import Call
from ghmlops.core.load.redirects import RedirectRules
from ghmlops.core.policy.latency import Request
from ghmlops.measure.contact.contact import first_answers
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.processes import run_processes
from ghmlops.measure.load.redirects.hop_target import contact_hop
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAY = 0.05


class Handler(http.server.BaseHTTPRequestHandler):
    """`/STATUS/REST` redirects to what REST names; all other paths answer with method, path and body."""

    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        location, status, text = self.server.redirects.get(self.path, ("", 200, b"ok"))
        if self.path == "/slow":
            time.sleep(DELAY)
        self.send_response(status)
        if location:
            self.send_header("location", location)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST  # noqa: N815  (the name that the base class calls)

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


class Service(http.server.ThreadingHTTPServer):
    """A service and what it received."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.redirects: dict[str, tuple[str, int, bytes]] = {}
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def started() -> Iterator[Service]:
    with Service() as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield service
        service.shutdown()


@pytest.fixture
def service() -> Iterator[Service]:
    with started() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Service]:
    with started() as one:
        yield one


def load_of(service: Service, path: str, *, n: int = 6, method: str = "POST", follow: bool = True, **more: Any) -> Load:
    headers = {"authorization": "Bearer s3cr3t-token", "content-type": "application/json"}
    body = None if method == "GET" else b"{}"
    settings: dict[str, Any] = {
        "targets": [probe(parse_target(service.url, "url"), "url")],
        "endpoints": [Request(method=method, path=path, follow_redirect=follow, headers=headers, timeout=5.0)],
        "calls": [Call(endpoint=0, path=path, body=body)],
        "order": [0] * n,
        "times": np.arange(n) / 50,
        "warmup": 0,
        "block": n,
        "write_order": [0] * n,
        "connections": 2,
        "timeout": 5.0,
    }
    return Load(**{**settings, **more})


def run(service: Service, path: str, **options: Any) -> Recording:
    return run_load(load_of(service, path, **options), lambda _: True)


def test_a_redirect_of_the_same_service_is_followed(service: Service) -> None:
    """The second request has the method, the body and the headers of the first; connections are kept alive."""
    service.redirects["/p"] = ("/slow", 307, b"moved")
    recording = run(service, "/p")
    answers = recording.arms[0]
    assert answers.kind.tolist() == [Kind.OK] * 6
    assert answers.status.tolist() == [200] * 6
    assert recording.notes["redirected"] == [6]
    assert [path for path, _, _ in service.requests].count("/slow") == 6
    assert all(body == b"{}" for _, _, body in service.requests)
    assert all(headers["authorization"] == "Bearer s3cr3t-token" for _, headers, _ in service.requests)
    assert service.connections <= 3  # the probe, and two that are kept alive
    # The service time covers both requests, and the first byte is that of the second response.
    assert (answers.done - answers.sent >= DELAY).all()
    assert (answers.first - answers.sent >= DELAY * 0.9).all()
    assert (answers.sent >= answers.scheduled).all()


def test_a_redirect_to_another_host_carries_no_credential(service: Service, other: Service) -> None:
    """Another port is another origin: it is contacted once, then loaded over connections that are kept alive."""
    service.redirects["/p"] = (f"{other.url}/q?b=2", 308, b"")
    recording = run(service, "/p")
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 6
    assert recording.notes["redirected"] == [6]
    assert [(path, body) for path, _, body in other.requests] == [("/q?b=2", b"{}")] * 6
    assert all("authorization" not in headers for _, headers, _ in other.requests)
    assert all(headers["content-type"] == "application/json" for _, headers, _ in other.requests)
    assert all(headers["host"] == other.url.removeprefix("http://") for _, headers, _ in other.requests)
    assert other.connections <= 3


def test_several_processes_follow_redirects(service: Service, other: Service) -> None:
    """The rules and the second requests exist in each generator process, and their counts are summed."""
    service.redirects["/p"] = (f"{other.url}/q", 307, b"")
    recording = run_processes(load_of(service, "/p", n=8), 2, lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 8
    assert recording.notes["redirected"] == [8]


@pytest.mark.parametrize(
    ("path", "method", "redirects", "kind", "word"),
    [
        ("/p", "POST", {"/p": ("/q", 307, b""), "/q": ("/r", 307, b"")}, Kind.SECOND_REDIRECT, "second"),
        ("/p", "POST", {"/p": ("/p", 307, b"")}, Kind.SECOND_REDIRECT, "second"),
        ("/p", "POST", {"/p": ("/q", 302, b"")}, Kind.REDIRECT, "302"),
        ("/p", "GET", {"/p": ("", 302, b"")}, Kind.REDIRECT, "address"),
        ("/p", "GET", {"/p": ("http://192.0.2.1:9/x", 302, b"")}, Kind.REDIRECT, "192.0.2.1"),
        ("/p", "GET", {"/p": ("http://127.0.0.1:1/x", 302, b"")}, Kind.CONNECT, "127.0.0.1"),
        ("/p", "GET", {"/p": ("/q", 302, b""), "/q": ("", 500, b"broken")}, Kind.STATUS, "broken"),
    ],
)
def test_how_a_redirect_fails(
    path: str, method: str, redirects: dict[str, Any], kind: Kind, word: str, service: Service
) -> None:
    """A second redirect, a changed method, no address, a host that is not allowed or not reached, a status."""
    service.redirects.update(redirects)
    recording = run(service, path, method=method)
    assert recording.arms[0].kind.tolist() == [kind] * 6
    assert word in recording.examples[0][kind]
    hidden = run(service, path, method=method, quotes=False)
    assert hidden.arms[0].kind.tolist() == [kind] * 6
    assert kind is Kind.STATUS or word in hidden.examples[0][kind]
    load = load_of(service, path, method=method)
    assert first_answers(load, load.targets[0], [range(1)])[0].problem


def test_an_allowed_host_that_cannot_be_resolved(service: Service, other: Service) -> None:
    """A host that `allow-hosts` names is contacted, and nothing is sent to it if it does not answer."""
    service.redirects["/p"] = (f"http://localhost.invalid:{other.server_address[1]}/q", 307, b"")
    rules = RedirectRules(hosts=HostRules(allowed=("localhost.invalid",)))
    recording = run(service, "/p", redirects=rules)
    assert recording.arms[0].kind.tolist() == [Kind.CONNECT] * 6  # allowed, and its name cannot be resolved
    assert other.requests == []


def test_without_the_key_nothing_is_followed(service: Service) -> None:
    """The redirect is the failure, as before, in the run and in the first requests."""
    service.redirects["/p"] = ("https://login.example.com/sso?t=s3cr3t", 302, b"")
    load = load_of(service, "/p", follow=False)
    recording = run_load(load, lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.REDIRECT] * 6
    assert "redirected" not in recording.notes
    problem = first_answers(load, load.targets[0], [range(1)])[0].problem
    assert "login.example.com" in problem
    assert "s3cr3t" not in problem


def test_a_request_that_waits_for_another_host_times_out(
    service: Service, other: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit counts from the scheduled send of the first request, while the other host is contacted."""

    def contact_slowly(*arguments: Any) -> Any:
        time.sleep(1.0)
        return contact_hop(*arguments)

    monkeypatch.setattr("ghmlops.measure.load.redirects.follower.contact_hop", contact_slowly)
    service.redirects["/p"] = (f"{other.url}/q", 307, b"")
    recording = run(service, "/p", timeout=0.2)
    assert recording.arms[0].kind.tolist() == [Kind.TIMEOUT] * 6
    assert other.requests == []
