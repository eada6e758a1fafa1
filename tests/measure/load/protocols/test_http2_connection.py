"""HTTP/2 against a real service of another make (Go): multiplexed, within the windows, and ended in every way."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scoring_service
from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Request
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols.http2_request import prepare
from ghmlops.measure.load.target import Target, parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).parents[3] / "http2_service.go"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The service, built."""
    if shutil.which("go") is None and os.environ.get("CI") != "true":
        pytest.skip("go is not on this machine: the HTTP/2 service cannot be built")
    built = tmp_path_factory.mktemp("http2") / "http2_service"
    environment = os.environ | {"CGO_ENABLED": "0"}
    command = ["go", "build", "-trimpath", "-o", str(built), str(SOURCE)]
    subprocess.run(command, check=True, timeout=300, env=environment, cwd=built.parent)
    return str(built)


@contextmanager
def started(program: str, *arguments: str) -> Iterator[int]:
    """Start the service and give its port; it is ended on leaving."""
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def service(program: str) -> Iterator[str]:
    """Address of a service in cleartext."""
    with started(program) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for localhost that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True, timeout=60)
    return certificate, key


def trusted(port: int, certificate: tuple[str, str]) -> Target:
    target = parse_target(f"https://localhost:{port}", "url")
    assert target.tls is not None
    target.tls.load_verify_locations(certificate[0])
    return probe(target, "url")


def run(
    target: Target | str,
    path: str = "/predict",
    *,
    n: int = 40,
    rate: float = 1000.0,
    bodies: Sequence[bytes | None] = (b'{"a": 1}',),
    request: Request | None = None,
    **more: Any,
) -> Recording:
    """Send `n` requests in one block; connections allow 64 at once."""
    arm = probe(parse_target(target, "url"), "url") if isinstance(target, str) else target
    given: dict[str, Any] = {
        "warmup": 0, "block": n, "connections": 64, "timeout": 30.0, "second_first": [0] * n,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / rate, "protocol": "http/2",
    }  # fmt: skip
    calls = [Call(endpoint=0, path=path, body=body) for body in bodies]
    load = Load(targets=[arm], endpoints=[request or Request(path=path)], calls=calls, **(given | more))
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


JSON = Expect(json=(JsonCheck(path="protocol", equals="HTTP/2.0"), JsonCheck(path="key", equals="k")))


def test_three_hundred_requests_with_checks(service: str) -> None:
    """In cleartext with prior knowledge: every answer is whole, spoken in HTTP/2, and passes its checks."""
    request = Request(headers={"x-key": "k", "content-type": "application/json"}, expect=JSON)
    recording = run(service, n=300, request=request)
    (answers,) = recording.arms
    assert kinds(answers) == {"ok": 300}
    assert set(answers.status) == {200}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_tls_by_alpn(program: str, certificate: tuple[str, str]) -> None:
    """Over TLS the protocol is agreed by ALPN."""
    with started(program, "-cert", certificate[0], "-key", certificate[1]) as port:
        request = Request(headers={"x-key": "k"}, expect=JSON)
        (answers,) = run(trusted(port, certificate), n=200, request=request).arms
    assert kinds(answers) == {"ok": 200}


def test_many_requests_at_once_on_few_connections(service: str) -> None:
    """24 requests that are only answered together: one connection carries them all."""
    recording = run(service, "/together/24", n=24, rate=100_000.0)
    assert kinds(recording.arms[0]) == {"ok": 24}


def test_the_services_limit_of_streams_is_kept(program: str) -> None:
    """A service that allows two streams a connection gets no third: more connections are opened."""
    with started(program, "-streams", "2") as port:
        url = f"http://127.0.0.1:{port}"
        assert kinds(run(url, n=200, rate=10_000.0).arms[0]) == {"ok": 200}
        assert kinds(run(url, "/together/8", n=8, rate=100_000.0).arms[0]) == {"ok": 8}


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 1_000_000, 5_000_000])
def test_bodies_larger_than_the_windows_come_back_whole(service: str, size: int) -> None:
    """A request and an answer of any size pass the windows of 64 KiB of the service and of 1 MiB of the generator."""
    body = b"a" * (size - 1) + b"z"
    request = Request(path="/echo", expect=Expect(smallest=size, largest=size, contains="z"))
    (answers,) = run(service, "/echo", n=6, bodies=[body], request=request).arms
    assert kinds(answers) == {"ok": 6}


@pytest.mark.parametrize("bodies", [(None,), (b"",)])
def test_a_request_without_a_body(service: str, bodies: Sequence[bytes | None]) -> None:
    """GET without a body, and an empty body, end with their headers."""
    request = Request(method="GET", expect=Expect(contains='"method": "GET"'))
    (answers,) = run(service, n=20, bodies=bodies, request=request).arms
    assert kinds(answers) == {"ok": 20}


def test_goaway_lets_the_streams_end_and_opens_another_connection(service: str) -> None:
    """A service that ends each connection politely costs no request."""
    recording = run(service, "/last", n=200, rate=5_000.0)
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 200}


@pytest.mark.parametrize(
    ("path", "kind", "example"),
    [
        ("/status/500", "status", 'HTTP/2 500 "oops"'),
        ("/status/302", "redirect", 'redirects are not followed: HTTP/2 302 "oops"'),
        ("/status/429", "throttled", 'HTTP/2 429 "oops"'),
        ("/status/503", "throttled", 'Retry-After: 7: HTTP/2 503 "oops"'),
        ("/reset", "reset", "RST_STREAM INTERNAL_ERROR, no byte of an answer"),
        ("/reset-late", "reset", 'RST_STREAM INTERNAL_ERROR, after 3 bytes of an answer: HTTP/2 200 "abc"'),
    ],
)
def test_bad_answers_are_counted_by_kind_with_an_example(service: str, path: str, kind: str, example: str) -> None:
    """Statuses and broken streams are failures of their own kind, told without headers; the connection goes on."""
    recording = run(service, path, n=12)
    assert kinds(recording.arms[0]) == {kind: 12}
    assert list(recording.examples[0].values()) == [example]


def test_a_missed_check_is_a_failure(service: str) -> None:
    """A good status whose body misses a check is counted, with what was expected."""
    request = Request(expect=Expect(json=(JsonCheck(path="score", equals="0.75"),)))
    recording = run(service, n=12, request=request)
    assert kinds(recording.arms[0]) == {"check": 12}
    assert recording.examples[0][Kind.CHECK] == "expected `score` to equal 0.75, got 0.5"


def test_a_cut_connection_fails_what_it_carried(service: str) -> None:
    """Requests on a connection that is cut are failures; the ones after them get a new connection."""
    paths = ["/predict", "/cut"]
    calls = [Call(endpoint=0, path=path, body=b"{}") for path in paths]
    order = [0] * 10 + [1] + [0] * 10
    (answers,) = _run_calls(service, calls, order)
    assert answers.kind[10] in (Kind.CLOSED, Kind.RESET)
    assert answers.kind[-1] == Kind.OK
    assert set(kinds(answers)) <= {"ok", "closed", "reset"}  # others may have been under way on a slow machine


def _run_calls(url: str, calls: list[Call], order: list[int]) -> tuple[Answers, ...]:
    n = len(order)
    load = Load(
        targets=[probe(parse_target(url, "url"), "url")], endpoints=[Request()], calls=calls, order=order,
        times=np.arange(n) / 20.0, warmup=0, block=n, second_first=[0] * n, connections=64, timeout=30.0,
        protocol="http/2",
    )  # fmt: skip
    return run_load(load, lambda _: True).arms


def test_an_early_answer_is_an_answer(service: str) -> None:
    """A service that answers before it has read the body: the answer counts, and the rest is not sent."""
    (answers,) = run(service, "/early", n=6, bodies=[b"x" * 3_000_000]).arms
    assert kinds(answers) == {"ok": 6}


def test_a_silent_service_times_out(service: str) -> None:
    """A request without an answer ends at its time-out, and says how far it came."""
    recording = run(service, "/silent", n=6, timeout=2.0)
    assert kinds(recording.arms[0]) == {"timeout": 6}
    assert recording.examples[0][Kind.TIMEOUT] == "not done 2 s after its scheduled send, no byte of an answer"


def test_an_endless_body_ends(service: str) -> None:
    """A body without end is cut at the cap, and counted."""
    recording = run(service, "/endless", n=2)
    assert kinds(recording.arms[0]) == {"too-large": 2}


def test_events_of_a_stream_are_tokens(service: str) -> None:
    """Server-sent events on HTTP/2: each is one token, whatever frames they come in."""
    (answers,) = run(service, "/events/17", n=20, stream="sse").arms
    assert kinds(answers) == {"ok": 20}
    assert answers.tokens is not None
    assert set(answers.tokens.count) == {17}
    assert bool((answers.first <= answers.tokens.first).all())
    assert bool((answers.tokens.last <= answers.done).all())


def test_http1_in_cleartext_is_named(program: str) -> None:
    """A service of HTTP/1.1 only is told as what it is: failures, no traceback, no pass."""
    with started(program, "-http1") as port:
        recording = run(f"http://127.0.0.1:{port}", n=5)
    assert kinds(recording.arms[0]) == {"garbage": 5}
    assert recording.examples[0][Kind.GARBAGE].startswith("the service does not speak HTTP/2: it answered HTTP/1.1 ")


def test_http1_that_closes_at_the_preface_is_named() -> None:
    """A service that only closes the connection when it sees HTTP/2 leaves a question for people."""
    with scoring_service.started() as url:
        recording = run(url, n=5)
    assert set(kinds(recording.arms[0])) <= {"garbage", "connect", "reset", "closed"}
    assert "HTTP/2" in next(iter(recording.examples[0].values()))


def test_http1_over_tls_is_named(program: str, certificate: tuple[str, str]) -> None:
    """A TLS service that does not offer HTTP/2 by ALPN."""
    with started(program, "-http1", "-cert", certificate[0], "-key", certificate[1]) as port:
        recording = run(trusted(port, certificate), n=5)
    assert kinds(recording.arms[0]) == {"garbage": 5}
    assert recording.examples[0][Kind.GARBAGE].startswith("the service does not speak HTTP/2: ")


def test_a_service_that_has_gone_is_refused(program: str) -> None:
    """After the probe the service ended: every request is counted as refused."""
    with started(program) as port:
        target = probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert kinds(run(target, n=5).arms[0]) == {"refused": 5}


@pytest.mark.parametrize("name", ["connection", "transfer-encoding", "upgrade", "te"])
def test_headers_that_http2_forbids(name: str) -> None:
    """Headers of HTTP/1.1 connections are refused before the run."""
    target = parse_target("http://127.0.0.1:1", "url")
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}"):
        prepare([Request(headers={name: "x"})], target, [])


def test_the_fields_of_a_request() -> None:
    """Pseudo headers come first, `host` becomes the authority, the path is encoded below the prefix of the address."""
    target = parse_target("https://example.com:8443/v1", "url")
    endpoint = Request(method="PUT", headers={"host": "other", "x-key": "k"})
    ((fields, body),) = prepare([endpoint], target, [Call(endpoint=0, path="/a b?c=d", body=b"{}")])
    assert fields == [
        (b":method", b"PUT"),
        (b":scheme", b"https"),
        (b":authority", b"other"),
        (b":path", b"/v1/a%20b?c=d"),
        (b"accept", b"*/*"),
        (b"user-agent", b"ghmlops"),
        (b"x-key", b"k"),
        (b"content-length", b"2"),
    ]
    assert body == b"{}"
