"""Numbers from a real Prometheus, and from servers that are none."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import PolicyError, ServiceError
from ghmlops.core.policy.promote import Prometheus
from ghmlops.measure.telemetry.prometheus import MAX_ANSWER_BYTES, MAX_POINTS, PrometheusSource
from prometheus_server import needs_prometheus, running_prometheus, values_by_arm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prometheus."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


def source(url: str, environ: dict[str, str] | None = None, variable: str = "") -> PrometheusSource:
    """Return a source."""
    return PrometheusSource(Prometheus(url=url, token_variable=variable), environ or {})


@needs_prometheus
@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("vector(0.25)", 0.25),
        ("scalar(vector(3))", 3.0),
        ("-1e-9", -1e-9),
        ("sum(vector(1) or vector(2))", 1.0),
        ("absent_metric", None),
        ("vector(1) / 0", None),
        ("-vector(1) / 0", None),
        ("vector(0) / 0", None),
        ("histogram_quantile(0.9, absent_bucket)", None),
    ],
)
def test_values(server: str, query: str, value: float | None) -> None:
    """A vector of one series and a scalar have a value; no series, NaN and infinity have none."""
    assert source(server).query(query) == value


@needs_prometheus
def test_a_range_in_several_requests(server: str) -> None:
    """More points than one request may have; every time once, and the labels of the series."""
    content = source(server).query_range("time() * vector(1)", start=600.0, end=600.0 + 60 * MAX_POINTS, step=60.0)
    assert [time for time, _ in content.points] == [600.0 + 60 * place for place in range(MAX_POINTS + 1)]
    assert all(value == time for time, value in content.points)
    labelled = source(server).query_range(
        'label_replace(vector(1), "app", "x", "", "")', start=0.0, end=60.0, step=60.0
    )
    assert labelled.labels == {"app": "x"}


@needs_prometheus
def test_ranges_without_numbers(server: str) -> None:
    """No series, NaN, several series, and a query that is none."""
    times = {"start": 0.0, "end": 60.0, "step": 60.0}
    assert source(server).query_range("absent_metric", **times).points == []
    assert source(server).query_range("vector(0) / 0", **times).points == [(0.0, None), (60.0, None)]
    for query in ('label_replace(vector(1), "a", "b", "", "") or vector(2)', "sum("):
        with pytest.raises(PolicyError):
            source(server).query_range(query, **times)


@needs_prometheus
def test_the_values_of_the_arms(server: str) -> None:
    """The query of a policy, with `{arm}` replaced."""
    query = values_by_arm({"v2": "0.5", "v1t": "0.75"})
    assert [source(server).query(query.replace("{arm}", arm)) for arm in ("v2", "v1t", "v9")] == [0.5, 0.75, None]


@needs_prometheus
@pytest.mark.parametrize(
    "query", ["sum(", 'label_replace(vector(1), "a", "b", "", "") or vector(2)', "absent_metric[5m]", '"text"', ""]
)
def test_a_query_that_cannot_be_used(server: str, query: str) -> None:
    """A syntax error, two series, a range and a text are errors of the policy, in one line."""
    if query == "absent_metric[5m]":
        query = "vector(1)[5m:1m]"
    with pytest.raises(PolicyError) as caught:
        source(server).query(query)
    assert "\n" not in caught.value.message


@contextlib.contextmanager
def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a server that always gives one answer, and the Authorization headers that it received."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}", received
        finally:
            httpd.shutdown()
            thread.join()


GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>welcome</html>"),
        (200, b"[" * 100_000),
        (200, b'{"status":"success"}'),
        (200, b'{"status":"error","error":"no"}'),
        (200, GOOD.replace(b'"2"', b'"two"')),
        (200, GOOD.replace(b'[1,"2"]', b"[1]")),
        (200, GOOD + b" " * MAX_ANSWER_BYTES),
        (302, GOOD),
        (401, b'{"status":"error","error":"who?"}'),
        (503, b'{"status":"error","error":"starting"}'),
    ],
)
def test_an_answer_that_is_none(status: int, body: bytes) -> None:
    """Garbage, damage, a refusal and a redirect are one error, never a value."""
    with (
        answering(status, body, {"Location": "http://127.0.0.1:9/"}) as (url, _),
        pytest.raises(ServiceError) as caught,
    ):
        source(url).query("up")
    assert caught.value.reason_code == "no-telemetry"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "result", [b'[{"metric":{"a":"\xff"},"values":[[1,"2"]]}]', b'[{"metric":{},"values":[[1,2]]}]', b"7", b"{}"]
)
def test_a_range_that_is_none(result: bytes) -> None:
    """Bytes that are no text, and values of other types."""
    body = b'{"status":"success","data":{"resultType":"matrix","result":%s}}' % result
    with answering(200, body) as (url, _), pytest.raises(ServiceError) as caught:
        source(url).query_range("up", start=0.0, end=60.0, step=60.0)
    assert caught.value.reason_code == "no-telemetry"


def test_a_server_of_another_protocol() -> None:
    """What it answers is in the message, on one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ServiceError) as caught:
            source(f"http://127.0.0.1:{listener.getsockname()[1]}").query("up")
        thread.join()
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid:9090", "https://127.0.0.1:9"])
def test_a_server_that_is_not_there(address: str) -> None:
    """A refused connection and an unknown name."""
    with pytest.raises(ServiceError) as caught:
        source(address).query("up")
    assert caught.value.reason_code == "no-telemetry"


def test_a_token_of_a_variable() -> None:
    """It is sent as a bearer token, and one that is missing is an error before any request."""
    with answering(200, GOOD) as (url, received):
        assert source(url, {"TOKEN": "abc\n"}, "TOKEN").query("up") == 2.0
        assert source(url).query("up") == 2.0
    assert received == ["Bearer abc", ""]
    for environ in ({}, {"TOKEN": " "}, {"TOKEN": "a\r\nb"}, {"TOKEN": "\u00fc"}):
        with pytest.raises(PolicyError):
            source("http://127.0.0.1:9", environ, "TOKEN")
