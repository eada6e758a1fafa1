"""The Open Inference Protocol over gRPC against a real gRPC server: status codes, connections, time-outs, TLS."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import numpy as np
import pytest

import scoring_service
from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.load import presets
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import inference_messages
from ghmlops.measure.load.protocols.grpc_inference import kind_of, prepare
from ghmlops.measure.load.target import Target, parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROW = {"x": [1.0, 2.0]}


class Service(grpc.GenericRpcHandler):
    """Answers as the name of the model asks; keeps the metadata that it saw."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.together = threading.Barrier(8)
        self.closing = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method != inference_messages.METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(self.infer)

    def infer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        message = inference_messages.Request.FromString(request)
        self.seen.append({str(key): str(value) for key, value in context.invocation_metadata()})
        name = message.model_name
        if name.startswith("code-"):
            context.abort(getattr(grpc.StatusCode, name.removeprefix("code-")), "told so")
        if name == "silent":
            self.closing.wait(60)
        if name == "together":
            self.together.wait(30)
        if name == "garbage":
            return b"\xff\xff\xff"
        answer = inference_messages.Response(model_name=name, model_version=message.model_version, id=message.id)
        if name == "raw":
            answer.outputs.add(name="y", datatype="FP32", shape=[2])
            answer.raw_output_contents.append(np.array([0.5, 1.5], "<f4").tobytes())
        elif name != "empty":
            size = 20 << 20 if name == "large" else 1
            output = answer.outputs.add(name="y", datatype="BYTES", shape=[1])
            output.contents.bytes_contents.append(b"a" * size)
        serialised: bytes = answer.SerializeToString()
        return serialised


@contextmanager
def started(credentials: grpc.ServerCredentials | None = None) -> Iterator[tuple[int, Service]]:
    service = Service()
    server = grpc.server(ThreadPoolExecutor(16), handlers=[service], options=[("grpc.so_reuseport", 0)])
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield port, service
    finally:
        service.closing.set()
        server.stop(None).wait(30)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Service]]:
    with started() as (port, service):
        yield f"http://127.0.0.1:{port}", service


def run(
    target: Target | str, model: str = "scorer", *, n: int = 40, rows: Sequence[Any] = (ROW,), **more: Any
) -> Recording:
    arm = probe(parse_target(target, "url"), "url") if isinstance(target, str) else target
    request = more.pop("request", Request())
    policy = presets.apply(Latency(preset="open-inference", protocol="grpc", model=model, request=request))
    bodies = [presets.body(policy, msgspec.json.encode(row)) for row in rows]
    given: dict[str, Any] = {
        "warmup": 0, "block": n, "connections": 64, "timeout": 30.0, "second_first": [0] * n,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / 1000.0, "protocol": "grpc",
    }  # fmt: skip
    calls = [Call(endpoint=0, path=policy.request.path, body=body) for body in bodies]
    load = Load(targets=[arm], endpoints=policy.endpoints, calls=calls, **(given | more))
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


def test_three_hundred_requests(served: tuple[str, Service]) -> None:
    """Every request is answered with outputs; its times are in order."""
    recording = run(served[0], n=300)
    (answers,) = recording.arms
    assert recording.examples == ({},)
    assert kinds(answers) == {"ok": 300}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_requests_share_a_connection(served: tuple[str, Service]) -> None:
    """8 requests that are only answered together."""
    assert kinds(run(served[0], "together", n=8).arms[0]) == {"ok": 8}


def test_headers_are_metadata(served: tuple[str, Service]) -> None:
    """Headers of the policy reach the service as metadata; those of HTTP bodies are left out."""
    url, service = served
    service.seen.clear()
    run(url, n=1, request=Request(headers={"authorization": "Bearer t"}))
    (seen,) = service.seen
    assert seen["authorization"] == "Bearer t"
    assert "content-type" not in seen


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_ARGUMENT", "status"),
        ("NOT_FOUND", "status"),
        ("INTERNAL", "status"),
        ("UNAVAILABLE", "status"),
        ("UNIMPLEMENTED", "status"),
        ("RESOURCE_EXHAUSTED", "throttled"),
        ("DEADLINE_EXCEEDED", "timeout"),
    ],
)
def test_status_codes_are_counted_by_kind(served: tuple[str, Service], code: str, kind: str) -> None:
    """What the service answers is told with the name of its code."""
    recording = run(served[0], f"code-{code}", n=6)
    assert kinds(recording.arms[0]) == {kind: 6}
    assert list(recording.examples[0].values()) == [f"{code}: told so"]


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        (
            "failed to connect to all addresses; last error: UNKNOWN: connect failed: Connection refused (111)",
            "refused",
        ),
        ("failed to connect to all addresses; last error: UNAVAILABLE: No route to host", "connect"),
        ("recvmsg:Connection reset by peer", "reset"),
        ("Socket closed", "closed"),
        ("the model is loading", "status"),
    ],
)
def test_what_the_library_says_of_connections(details: str, kind: str) -> None:
    """UNAVAILABLE is told apart by its words; words of the service's own are an answer."""
    assert kind_of(grpc.StatusCode.UNAVAILABLE, details).label == kind


@pytest.mark.parametrize(
    ("model", "kind", "example"),
    [
        ("empty", "check", "expected `outputs` in the answer, and there are none"),
        ("garbage", "check", "the answer is not a ModelInferResponse"),
        ("large", "too-large", "RESOURCE_EXHAUSTED: "),
    ],
)
def test_answers_that_are_none(served: tuple[str, Service], model: str, kind: str, example: str) -> None:
    """An OK without outputs, without a message, or beyond the cap is a failure."""
    recording = run(served[0], model, n=3)
    assert kinds(recording.arms[0]) == {kind: 3}
    assert next(iter(recording.examples[0].values())).startswith(example)


def test_checks_see_the_json_form_of_the_answer(served: tuple[str, Service]) -> None:
    """JSON checks of the policy work on the message, raw contents too."""
    good = Request(expect=Expect(json=(JsonCheck(path="outputs[0].data[1]", equals="1.5"),)))
    bad = Request(expect=Expect(json=(JsonCheck(path="model_name", equals="other"),)))
    assert kinds(run(served[0], "raw", n=6, request=good).arms[0]) == {"ok": 6}
    recording = run(served[0], n=6, request=bad)
    assert kinds(recording.arms[0]) == {"check": 6}
    assert recording.examples[0][Kind.CHECK] == 'expected `model_name` to equal other, got "scorer"'


def test_a_silent_service_times_out(served: tuple[str, Service]) -> None:
    """A request without an answer ends at its time-out."""
    recording = run(served[0], "silent", n=4, timeout=2.0)
    assert kinds(recording.arms[0]) == {"timeout": 4}
    assert recording.examples[0][Kind.TIMEOUT] == "not done 2 s after its scheduled send"


def test_a_service_that_has_gone_is_refused() -> None:
    """After the probe the service ended: every request is counted as refused."""
    with started() as (port, _):
        target = probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert kinds(run(target, n=5).arms[0]) == {"refused": 5}


def test_a_service_that_does_not_speak_grpc() -> None:
    """A service of HTTP/1.1: failures with an example, no traceback, no pass."""
    with scoring_service.started() as url:
        recording = run(url, n=5, timeout=5.0)
    assert "ok" not in kinds(recording.arms[0])
    assert recording.arms[0].kind.tolist().count(Kind.UNSENT) == 0
    assert recording.examples[0]


def test_tls_with_a_trusted_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Over TLS the certificate is verified against the authorities that the policy names."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    folder = tmp_path_factory.mktemp("tls")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = "-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    full = ["openssl", *command.split(), *names.split()]
    subprocess.run(full, check=True, capture_output=True, timeout=60, cwd=folder)
    certificate = (folder / "cert.pem").read_bytes()
    credentials = grpc.ssl_server_credentials([((folder / "key.pem").read_bytes(), certificate)])
    with started(credentials) as (port, _):
        target = parse_target(f"https://localhost:{port}", "url")
        assert target.tls is not None
        target.tls.load_verify_locations(folder / "cert.pem")
        assert kinds(run(probe(target, "url"), n=50).arms[0]) == {"ok": 50}
        stranger = parse_target(f"https://localhost:{port}", "url")
        untrusted = Target(
            url=stranger.url, host=stranger.host, port=port, tls=stranger.tls, prefix="", authority="localhost",
            address="127.0.0.1",
        )  # fmt: skip
        assert kinds(run(untrusted, n=3).arms[0]) == {"connect": 3}


TARGET = parse_target("http://127.0.0.1:1", "url")
BODY = b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}'


def test_the_model_and_its_version_come_from_the_path() -> None:
    """The path that REST would use names both; equal requests are made once."""
    calls = [Call(endpoint=0, path="/v2/models/a%20b/versions/7/infer", body=BODY)] * 2
    (message, metadata), again = prepare([Request(headers={"x-key": "k"})], TARGET, calls)
    made = inference_messages.Request.FromString(message)
    assert (made.model_name, made.model_version) == ("a b", "7")
    assert metadata == (("x-key", "k"),)
    assert again[0] is message


@pytest.mark.parametrize("path", ["/", "/predict", "/v2/models/a/infer?x=1", "/v2/models//infer"])
def test_a_path_that_names_no_model(path: str) -> None:
    """A path of REST services has no meaning."""
    with pytest.raises(PolicyError, match="takes the model from a path"):
        prepare([Request()], TARGET, [Call(endpoint=0, path=path, body=BODY)])


@pytest.mark.parametrize("name", ["te", "grpc-timeout", "x-bin", "host"])
def test_headers_that_grpc_forbids(name: str) -> None:
    """Headers that the library sets, or that need another encoding, are refused before the run."""
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}"):
        prepare([Request(headers={name: "x"})], TARGET, [])


@pytest.mark.parametrize(("name", "value"), [("x!a", "b"), ("x-a", "\xe9"), ("x-a", "a\tb")])
def test_headers_that_cannot_be_metadata(name: str, value: str) -> None:
    """What the library would log for each request and never send is refused before the run; the value is not told."""
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}`: cannot be sent") as caught:
        prepare([Request(headers={name: value})], TARGET, [])
    assert value not in f"{caught.value.message}{caught.value.hint}" or value == "b"


def test_an_address_with_a_path() -> None:
    """gRPC knows no path below which a service lies."""
    with pytest.raises(InputError, match="gRPC knows no paths"):
        prepare([], parse_target("http://127.0.0.1:1/api", "url"), [])


def test_a_body_of_another_form_names_its_place() -> None:
    """A payload that is no request of the protocol is the user's to mend."""
    calls = [Call(endpoint=0, path="/v2/models/a/infer", body=body) for body in (BODY, b'{"inputs": 3}')]
    with pytest.raises(DataError, match="request 2 of the payloads: not a request of the Open Inference Protocol"):
        prepare([Request()], TARGET, calls)


@pytest.mark.parametrize("missing", ["grpc", "google"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    """Where grpcio or protobuf is not installed the error names the extra."""
    script = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from ghmlops.core.errors import InputError
try:
    import ghmlops.measure.load.grpc_inference
except InputError as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("protocol `grpc` needs a package that is not installed: ")
    assert done.stdout.strip().endswith("| install the extra: `pip install 'ghmlops[grpc]'`")
