"""HTTP/2 against a service written in Go: multiplexing, flow control, failures and TLS."""

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
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).parents[3] / "http2_service.go"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the compiled service."""
    if shutil.which("go") is None and os.environ.get("CI") != "true":
        pytest.skip("go is not installed: the HTTP/2 service cannot be built")
    binary = tmp_path_factory.mktemp("http2") / "http2_service"
    environment = os.environ | {"CGO_ENABLED": "0"}
    command = ["go", "build", "-trimpath", "-o", str(binary), str(SOURCE)]
    subprocess.run(command, check=True, timeout=300, env=environment, cwd=binary.parent)
    return str(binary)


@contextmanager
def started(program: str, *arguments: str) -> Iterator[int]:
    """Run the service and yield its port."""
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def service(program: str) -> Iterator[str]:
    """Address of a service without TLS."""
    with started(program) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate for localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
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
    options: dict[str, Any] = {
        "warmup": 0, "block": n, "connections": 64, "timeout": 30.0, "write_order": [0] * n,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / rate, "protocol": "http/2",
    }  # fmt: skip
    calls = [Call(endpoint=0, path=path, body=body) for body in bodies]
    load = Load(targets=[arm], endpoints=[request or Request(path=path)], calls=calls, **(options | more))
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


JSON = Expect(json=(JsonCheck(path="protocol", equals="HTTP/2.0"), JsonCheck(path="key", equals="k")))


def test_three_hundred_requests_with_checks(service: str) -> None:
    """Without TLS, by prior knowledge, every response is complete, uses HTTP/2, and passes its checks."""
    request = Request(headers={"x-key": "k", "content-type": "application/json"}, expect=JSON)
    recording = run(service, n=300, request=request)
    (answers,) = recording.arms
    assert kinds(answers) == {"ok": 300}
    assert set(answers.status) == {200}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_tls_negotiates_http2_by_alpn(program: str, certificate: tuple[str, str]) -> None:
    """Over TLS every response uses HTTP/2, which ALPN selects."""
    with started(program, "-cert", certificate[0], "-key", certificate[1]) as port:
        request = Request(headers={"x-key": "k"}, expect=JSON)
        (answers,) = run(trusted(port, certificate), n=200, request=request).arms
    assert kinds(answers) == {"ok": 200}


def test_one_connection_carries_many_requests_at_once(service: str) -> None:
    """24 requests whose responses are sent only once all have arrived succeed."""
    recording = run(service, "/together/24", n=24, rate=100_000.0)
    assert kinds(recording.arms[0]) == {"ok": 24}


def test_the_stream_limit_of_the_service_is_respected(program: str) -> None:
    """If a service allows two streams per connection, more connections are opened."""
    with started(program, "-streams", "2") as port:
        url = f"http://127.0.0.1:{port}"
        assert kinds(run(url, n=200, rate=10_000.0).arms[0]) == {"ok": 200}
        assert kinds(run(url, "/together/8", n=8, rate=100_000.0).arms[0]) == {"ok": 8}


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 1_000_000, 5_000_000])
def test_bodies_larger_than_the_flow_control_windows(service: str, size: int) -> None:
    """Requests exceed the service's window of 64 KiB and responses the generator's window of 1 MiB, without loss."""
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


def test_goaway_without_error_fails_no_request(service: str) -> None:
    """If a service ends connections by GOAWAY, active streams are completed and other requests use new connections."""
    recording = run(service, "/last", n=200, rate=5_000.0)
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 200}


@pytest.mark.parametrize(
    ("path", "kind", "example"),
    [
        ("/status/500", "status", 'HTTP/2 500 "oops"'),
        ("/status/302", "redirect", 'HTTP/2 302 "oops"'),
        ("/status/429", "throttled", 'HTTP/2 429 "oops"'),
        ("/status/503", "throttled", '7: HTTP/2 503 "oops"'),
        ("/reset", "reset", "RST_STREAM INTERNAL_ERROR"),
        ("/reset-late", "reset", '3 bytes received: HTTP/2 200 "abc"'),
    ],
)
def test_failures_are_counted_by_kind_with_an_example(service: str, path: str, kind: str, example: str) -> None:
    """Statuses and reset streams are failures of their kind, with an example without headers."""
    recording = run(service, path, n=12)
    assert kinds(recording.arms[0]) == {kind: 12}
    (text,) = recording.examples[0].values()
    assert example in text
    assert "secret" not in text


def test_a_failed_check_is_a_failure(service: str) -> None:
    """A response with status 200 whose body fails a check is counted, and the example names both values."""
    request = Request(expect=Expect(json=(JsonCheck(path="score", equals="0.75"),)))
    recording = run(service, n=12, request=request)
    assert kinds(recording.arms[0]) == {"check": 12}
    example = recording.examples[0][Kind.CHECK]
    assert ("`score`" in example, "0.75" in example, "0.5" in example) == (True, True, True)


def test_an_aborted_connection_fails_its_active_requests(service: str) -> None:
    """Requests on a connection that the service aborts fail; later requests use a new connection."""
    paths = ["/predict", "/cut"]
    calls = [Call(endpoint=0, path=path, body=b"{}") for path in paths]
    order = [0] * 10 + [1] + [0] * 10
    (answers,) = _run_calls(service, calls, order)
    assert answers.kind[10] in (Kind.CLOSED, Kind.RESET)
    assert answers.kind[-1] == Kind.OK
    assert set(kinds(answers)) <= {"ok", "closed", "reset"}  # on a slow machine others may have been active


def _run_calls(url: str, calls: list[Call], order: list[int]) -> tuple[Answers, ...]:
    n = len(order)
    load = Load(
        targets=[probe(parse_target(url, "url"), "url")], endpoints=[Request()], calls=calls, order=order,
        times=np.arange(n) / 20.0, warmup=0, block=n, write_order=[0] * n, connections=64, timeout=30.0,
        protocol="http/2",
    )  # fmt: skip
    return run_load(load, lambda _: True).arms


def test_a_response_before_the_end_of_the_request(service: str) -> None:
    """If a service responds before it has read the body, the response counts, and the rest is not sent."""
    (answers,) = run(service, "/early", n=6, bodies=[b"x" * 3_000_000]).arms
    assert kinds(answers) == {"ok": 6}


def test_a_silent_service_times_out(service: str) -> None:
    """A request without a response fails at its time-out, and the example reports that nothing was received."""
    recording = run(service, "/silent", n=6, timeout=2.0)
    assert kinds(recording.arms[0]) == {"timeout": 6}
    example = recording.examples[0][Kind.TIMEOUT]
    assert ("2 s" in example, "no byte" in example) == (True, True)


def test_an_endless_body_is_a_failure(service: str) -> None:
    """A body beyond the maximum size ends the request."""
    recording = run(service, "/endless", n=2)
    assert kinds(recording.arms[0]) == {"too-large": 2}


def test_events_of_a_stream_are_tokens(service: str) -> None:
    """Each server-sent event is one token, independently of frames."""
    (answers,) = run(service, "/events/17", n=20, stream="sse").arms
    assert kinds(answers) == {"ok": 20}
    assert answers.tokens is not None
    assert set(answers.tokens.count) == {17}
    assert bool((answers.first <= answers.tokens.first).all())
    assert bool((answers.tokens.last <= answers.done).all())


def test_http1_without_tls_is_reported(program: str) -> None:
    """Requests to a service that supports only HTTP/1.1 fail, and the example names HTTP/1.1."""
    with started(program, "-http1") as port:
        recording = run(f"http://127.0.0.1:{port}", n=5)
    assert kinds(recording.arms[0]) == {"garbage": 5}
    example = recording.examples[0][Kind.GARBAGE]
    assert ("HTTP/2" in example, "HTTP/1.1 " in example) == (True, True)


def test_http1_that_closes_at_the_preface_is_reported() -> None:
    """If a service closes the connection at the preface of HTTP/2, the example mentions HTTP/2."""
    with scoring_service.started() as url:
        recording = run(url, n=5)
    assert set(kinds(recording.arms[0])) <= {"garbage", "connect", "reset", "closed"}
    assert "HTTP/2" in next(iter(recording.examples[0].values()))


def test_http1_over_tls_is_reported(program: str, certificate: tuple[str, str]) -> None:
    """Requests to a TLS service that does not offer HTTP/2 by ALPN fail, and the example mentions HTTP/2."""
    with started(program, "-http1", "-cert", certificate[0], "-key", certificate[1]) as port:
        recording = run(trusted(port, certificate), n=5)
    assert kinds(recording.arms[0]) == {"garbage": 5}
    assert "HTTP/2" in recording.examples[0][Kind.GARBAGE]


def test_requests_to_a_closed_port_are_refused(program: str) -> None:
    """If the service ends after the probe, every request is counted as refused."""
    with started(program) as port:
        target = probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert kinds(run(target, n=5).arms[0]) == {"refused": 5}
