"""The Open Inference Protocol over gRPC against a gRPC server: status codes, connections, time-outs and TLS."""

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
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load import presets
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import inference_messages
from ghmlops.measure.load.protocols.grpc_inference import failure_kind, prepare
from ghmlops.measure.load.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROW = {"x": [1.0, 2.0]}


class Service(grpc.GenericRpcHandler):
    """A service whose behaviour is selected by the name of the model; it stores the metadata of requests."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, str]] = []
        self.together = threading.Barrier(8)
        self.closing = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method != inference_messages.METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(self.infer)

    def infer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        message = inference_messages.ModelInferRequest.FromString(request)
        self.metadata.append({str(key): str(value) for key, value in context.invocation_metadata()})
        name = message.model_name
        if name.startswith("code-"):
            context.abort(getattr(grpc.StatusCode, name.removeprefix("code-")), "as requested")
        if name == "silent":
            self.closing.wait(60)
        if name == "together":
            self.together.wait(30)
        if name == "garbage":
            return b"\xff\xff\xff"
        response = inference_messages.ModelInferResponse(
            model_name=name, model_version=message.model_version, id=message.id
        )
        if name == "raw":
            response.outputs.add(name="y", datatype="FP32", shape=[2])
            response.raw_output_contents.append(np.array([0.5, 1.5], "<f4").tobytes())
        elif name != "empty":
            size = 20 << 20 if name == "large" else 1
            output = response.outputs.add(name="y", datatype="BYTES", shape=[1])
            output.contents.bytes_contents.append(b"a" * size)
        serialised: bytes = response.SerializeToString()
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
    options: dict[str, Any] = {
        "warmup": 0, "block": n, "connections": 64, "timeout": 30.0, "write_order": [0] * n,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / 1000.0, "protocol": "grpc",
    }  # fmt: skip
    calls = [Call(endpoint=0, path=policy.request.path, body=body) for body in bodies]
    load = Load(targets=[arm], endpoints=policy.endpoints, calls=calls, **(options | more))
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


def test_three_hundred_requests(served: tuple[str, Service]) -> None:
    """Every request has a response with outputs, and its times are in order."""
    recording = run(served[0], n=300)
    (answers,) = recording.arms
    assert recording.examples == ({},)
    assert kinds(answers) == {"ok": 300}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_one_connection_carries_many_requests_at_once(served: tuple[str, Service]) -> None:
    """8 requests whose responses are sent only once all have arrived succeed."""
    assert kinds(run(served[0], "together", n=8).arms[0]) == {"ok": 8}


def test_headers_are_sent_as_metadata(served: tuple[str, Service]) -> None:
    """Headers of the policy are sent as metadata, except those that describe HTTP bodies."""
    url, service = served
    service.metadata.clear()
    run(url, n=1, request=Request(headers={"authorization": "Bearer t"}))
    (metadata,) = service.metadata
    assert metadata["authorization"] == "Bearer t"
    assert "content-type" not in metadata


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
    """Each status code has its kind, and the example contains its name and details."""
    recording = run(served[0], f"code-{code}", n=6)
    assert kinds(recording.arms[0]) == {kind: 6}
    assert list(recording.examples[0].values()) == [f"{code}: as requested"]


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
def test_connection_errors_are_classified_by_their_details(details: str, kind: str) -> None:
    """UNAVAILABLE of the library is classified by its text; with any other text it is a status of the service."""
    assert failure_kind(grpc.StatusCode.UNAVAILABLE, details).label == kind


@pytest.mark.parametrize(
    ("model", "kind", "example"),
    [
        ("empty", "check", "expected `outputs`"),
        ("garbage", "check", "the response is not a ModelInferResponse"),
        ("large", "too-large", "RESOURCE_EXHAUSTED: "),
    ],
)
def test_invalid_responses_are_failures(served: tuple[str, Service], model: str, kind: str, example: str) -> None:
    """A response without outputs, that is not a message, or that exceeds the maximum size is a failure."""
    recording = run(served[0], model, n=3)
    assert kinds(recording.arms[0]) == {kind: 3}
    assert next(iter(recording.examples[0].values())).startswith(example)


def test_checks_apply_to_the_json_form_of_the_response(served: tuple[str, Service]) -> None:
    """JSON checks of the policy apply to the message, including raw contents."""
    passing = Request(expect=Expect(json=(JsonCheck(path="outputs[0].data[1]", equals="1.5"),)))
    failing = Request(expect=Expect(json=(JsonCheck(path="model_name", equals="other"),)))
    assert kinds(run(served[0], "raw", n=6, request=passing).arms[0]) == {"ok": 6}
    recording = run(served[0], n=6, request=failing)
    assert kinds(recording.arms[0]) == {"check": 6}
    example = recording.examples[0][Kind.CHECK]
    assert ("`model_name`" in example, "other" in example, '"scorer"' in example) == (True, True, True)


def test_a_silent_service_times_out(served: tuple[str, Service]) -> None:
    """A request without a response fails at its time-out."""
    recording = run(served[0], "silent", n=4, timeout=2.0)
    assert kinds(recording.arms[0]) == {"timeout": 4}
    assert "2 s" in recording.examples[0][Kind.TIMEOUT]


def test_requests_to_a_closed_port_are_refused() -> None:
    """If the service ends after the probe, every request is counted as refused."""
    with started() as (port, _):
        target = probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert kinds(run(target, n=5).arms[0]) == {"refused": 5}


def test_a_service_without_grpc_fails_every_request() -> None:
    """Requests to a service of HTTP/1.1 fail with an example, and none is left unsent."""
    with scoring_service.started() as url:
        recording = run(url, n=5, timeout=5.0)
    assert "ok" not in kinds(recording.arms[0])
    assert recording.arms[0].kind.tolist().count(Kind.UNSENT) == 0
    assert recording.examples[0]


def test_tls_with_a_trusted_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Over TLS the certificate is verified against the trusted authorities."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
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
        default = parse_target(f"https://localhost:{port}", "url")
        untrusted = Target(
            url=default.url, host=default.host, port=port, tls=default.tls, prefix="", authority="localhost",
            address="127.0.0.1",
        )  # fmt: skip
        assert kinds(run(untrusted, n=3).arms[0]) == {"connect": 3}


TARGET = parse_target("http://127.0.0.1:1", "url")
BODY = b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}'


def test_the_model_and_its_version_come_from_the_path() -> None:
    """They are those of the REST path; equal requests are encoded once."""
    calls = [Call(endpoint=0, path="/v2/models/a%20b/versions/7/infer", body=BODY)] * 2
    (message, metadata), again = prepare([Request(headers={"x-key": "k"})], TARGET, calls)
    request = inference_messages.ModelInferRequest.FromString(message)
    assert (request.model_name, request.model_version) == ("a b", "7")
    assert metadata == (("x-key", "k"),)
    assert again[0] is message


@pytest.mark.parametrize("path", ["/", "/predict", "/v2/models/a/infer?x=1", "/v2/models//infer"])
def test_a_path_without_a_model_is_an_error(path: str) -> None:
    """Any other path is an error of the policy that names the key."""
    with pytest.raises(PolicyError, match=r"`latency\.request\.path`"):
        prepare([Request()], TARGET, [Call(endpoint=0, path=path, body=BODY)])


@pytest.mark.parametrize("name", ["te", "grpc-timeout", "x-bin", "host"])
def test_headers_that_grpc_reserves_are_rejected(name: str) -> None:
    """Headers that the library sets, or that need another encoding, are an error of the policy before the run."""
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}"):
        prepare([Request(headers={name: "x"})], TARGET, [])


@pytest.mark.parametrize(("name", "value"), [("x!a", "b"), ("x-a", "\xe9"), ("x-a", "a\tb")])
def test_headers_that_are_invalid_metadata_are_rejected(name: str, value: str) -> None:
    """Names and values that the library would not send are an error that does not contain the value."""
    with pytest.raises(PolicyError, match=f"latency.request.headers.{name}`") as caught:
        prepare([Request(headers={name: value})], TARGET, [])
    assert value not in f"{caught.value.message}{caught.value.hint}" or value == "b"


def test_an_address_with_a_path_is_an_error() -> None:
    """gRPC does not support a path below which a service is located."""
    with pytest.raises(InputError, match="/api"):
        prepare([], parse_target("http://127.0.0.1:1/api", "url"), [])


def test_an_invalid_payload_is_an_error_with_its_number() -> None:
    """A payload that is not a request of the protocol is an error of the data that states its number."""
    calls = [Call(endpoint=0, path="/v2/models/a/infer", body=body) for body in (BODY, b'{"inputs": 3}')]
    with pytest.raises(DataError, match="request 2 "):
        prepare([Request()], TARGET, calls)


@pytest.mark.parametrize("missing", ["grpc", "google"])
def test_a_missing_package_is_an_error_with_the_extra(missing: str) -> None:
    """If grpcio or protobuf is not installed, the error names the package and the extra."""
    script = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from ghmlops.core.errors import InputError
try:
    import ghmlops.measure.load.protocols.grpc_inference
except InputError as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    message, _, hint = done.stdout.partition("|")
    assert missing in message
    assert "ghmlops[grpc]" in hint
