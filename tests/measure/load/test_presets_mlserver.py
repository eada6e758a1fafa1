"""The preset `open-inference` against a real MLServer with a scikit-learn model, over REST and gRPC."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load import presets
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOCK = Path(__file__).parents[3] / "scripts" / "mlserver" / "requirements.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
MLSERVER = Path(
    os.environ.get("GHMLOPS_MLSERVER")
    or CACHE / f"mlserver-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}" / "bin" / "mlserver"
)
TRAIN = """
import joblib, sys
from sklearn.linear_model import LinearRegression
joblib.dump(LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 3.0, 4.0]), sys.argv[1])
"""
"""Trains a model that predicts 1 + 2a + 3b."""


def free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [listener.getsockname()[1] for listener in sockets]


@pytest.fixture(scope="session")
def mlserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a real MLServer by protocol."""
    if not MLSERVER.is_file() and os.environ.get("CI") != "true":
        pytest.skip("MLServer is not installed: `scripts/test` installs it in a separate environment")
    folder = tmp_path_factory.mktemp("mlserver")
    model = folder / "models" / "linear"
    model.mkdir(parents=True)
    python = MLSERVER.with_name("python")
    subprocess.run([python, "-c", TRAIN, str(model / "model.joblib")], check=True, timeout=120)
    http, grpc, metrics = free_ports(3)
    settings: dict[str, Any] = {
        "host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": 0,
        "debug": False,
    }  # fmt: skip
    (folder / "models" / "settings.json").write_text(json.dumps(settings))
    model_settings = {"name": "linear", "implementation": "mlserver_sklearn.SKLearnModel"}
    (model / "model-settings.json").write_text(json.dumps(model_settings | {"parameters": {"uri": "./model.joblib"}}))
    with (folder / "log").open("wb") as log:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLSERVER_", "PYTHON"))}
        process = subprocess.Popen(
            [MLSERVER, "start", str(folder / "models")], stdout=log, stderr=log, cwd=folder, env=environment
        )
    try:
        _wait(process, f"http://127.0.0.1:{http}/v2/models/linear/ready", folder / "log")
        yield {"http/1.1": f"http://127.0.0.1:{http}", "grpc": f"http://127.0.0.1:{grpc}"}
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (a loopback address of the fixture)
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"MLServer did not start: {log.read_text()[-2000:]}")


def run(servers: dict[str, str], protocol: Any, rows: Sequence[dict[str, Any]], n: int = 200, **more: Any) -> Recording:
    """Send `n` requests created from payload rows as the command does."""
    options: dict[str, Any] = {"preset": "open-inference", "model": "linear"}
    policy = presets.apply(Latency(protocol=protocol, **(options | more)))
    bodies = [presets.body(policy, msgspec.json.encode(row)) for row in rows]
    calls = [Call(endpoint=0, path=policy.request.path, body=body) for body in bodies]
    load = Load(
        targets=[probe(parse_target(servers[protocol], "url"), "url")],
        endpoints=policy.endpoints,
        calls=calls,
        order=[i % len(calls) for i in range(n)],
        times=np.arange(n) / 200.0,
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=16,
        timeout=30.0,
        protocol=protocol,
    )
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


BOTH = pytest.mark.parametrize("protocol", ["http/1.1", "grpc"])


@BOTH
def test_columns_of_a_row_become_tensors(mlserver: dict[str, str], protocol: str) -> None:
    """A vector column becomes a tensor from which the model predicts the right value, in all of 200 requests."""
    expect = Expect(json=(JsonCheck(path="outputs[0].data[0]", matches=r"^9(\.0*\d*)?$|^8\.9999"),))
    recording = run(mlserver, protocol, [{"x": [1.0, 2.0]}], request=Request(expect=expect))
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 200}


@BOTH
def test_a_row_that_is_a_request_is_sent_unchanged(mlserver: dict[str, str], protocol: str) -> None:
    """Rows with `inputs` are sent unchanged, including integers and nested data."""
    rows: list[dict[str, Any]] = [
        {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3.5, 4]]}]},
        {"id": "7", "inputs": [{"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [1, 2]}]},
    ]
    recording = run(mlserver, protocol, rows)
    assert recording.examples == ({},)
    assert kinds(recording.arms[0]) == {"ok": 200}


@pytest.mark.parametrize(
    ("protocol", "kind", "fact"), [("http/1.1", "status", "400"), ("grpc", "status", "INVALID_ARGUMENT")]
)
def test_an_invalid_payload_fails_only_its_requests(
    mlserver: dict[str, str], protocol: str, kind: str, fact: str
) -> None:
    """A payload that requests an unknown output is a failure with an example; the other requests are ok."""
    inputs = [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]
    bad = {"inputs": inputs, "outputs": [{"name": "nothing"}]}
    recording = run(mlserver, protocol, [{"x": [1.0, 2.0]}, bad], n=40)
    assert kinds(recording.arms[0]) == {"ok": 20, kind: 20}
    assert fact in recording.examples[0][Kind.STATUS]


def test_an_exception_of_the_model_is_a_failure_over_grpc(mlserver: dict[str, str]) -> None:
    """For a vector of the wrong width MLServer returns INTERNAL with the model's exception; other requests are ok."""
    recording = run(mlserver, "grpc", [{"x": [1.0, 2.0]}, {"x": [1.0, 2.0, 3.0]}], n=40)
    assert kinds(recording.arms[0]) == {"ok": 20, "status": 20}
    assert recording.examples[0][Kind.STATUS].startswith("INTERNAL: X has 3 features")


@pytest.mark.parametrize(("protocol", "fact"), [("http/1.1", "404"), ("grpc", "NOT_FOUND")])
def test_an_unknown_model_fails_every_request(mlserver: dict[str, str], protocol: str, fact: str) -> None:
    """If the server does not have the model, every request fails, and the example contains the status."""
    recording = run(mlserver, protocol, [{"x": [1.0, 2.0]}], n=20, model="no such model")
    assert kinds(recording.arms[0]) == {"status": 20}
    assert fact in recording.examples[0][Kind.STATUS]
