"""The same test on a real MLServer (Open Inference Protocol over HTTP) with a scikit-learn model and seeded faults.

One process is the baseline and serves the unchanged model under every name, the other one serves a fault under each.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.syntheticbench.runs import Run, measure_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

TRAIN = """
import json, sys, joblib, numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
data = load_iris()
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(data.data, data.target), sys.argv[1])
json.dump(data.data[np.random.default_rng(11).permutation(150)[:120]].round(1).tolist(), open(sys.argv[2], "w"))
"""
RUNTIME = """
import numpy as np
from mlserver_sklearn import SKLearnModel

class Patched(SKLearnModel):
    async def load(self):
        await super().load()
        usual, last = self._model.predict_proba, []
        name = self.settings.name
        def predict_proba(x):
            x = np.array(x, dtype=float)
            if name == "unit":
                x[:, 2] /= 2.54
            if name == "column-swap":
                x = x[:, [0, 2, 1, 3]]
            if name == "stale-scaler":
                x = x + 0.2
            if name == "clipping":
                x[:, 2] = np.minimum(x[:, 2], 5.0)
            if name == "batch-leak" and len(x) > 1:
                x = x - 0.1 * x[0]
            if name == "dtype" and len(x) > 1:
                x = x.astype(np.float16).astype(float)
            p = usual(x)
            if name == "padding" and len(x) > 2:
                p = np.concatenate([p[:-1], p[:1]])
            if name == "state":
                p = p if not last else 0.95 * p + 0.05 * last.pop()
                last[:] = [p[-1]]
            return p
        self._model.predict_proba = predict_proba
        return True
"""
FAULTS = ("unit", "column-swap", "stale-scaler", "clipping", "batch-leak", "dtype", "padding", "state")
SERVING = ("batch-leak", "dtype", "padding", "state")
UNCHANGED = "unchanged"
POLICY = """\
version: 1
service: bench
latency: {{request: {{method: POST, path: /v2/models/{name}/infer, timeout: 10s}}, payloads: rows.jsonl}}
synthetic: {{requests: 2000, expect: {expect}, ignore: [model_name]}}
"""
_MLSERVER_VARIABLES = ("MLSERVER_", "PYTHON")


class _Ports(NamedTuple):
    http: int
    grpc: int
    metrics: int


def program() -> Path | None:
    """Return MLServer, which `scripts/test` installs in an environment of its own; `None` without it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
    files = sorted(cache.glob("mlserver-*/bin/mlserver"))
    return files[-1] if files else None


@contextlib.contextmanager
def _serving(mlserver: Path, folder: Path, *, patched: bool) -> Iterator[str]:
    ports = _Ports(*_free_ports(3))
    settings = {"host": "127.0.0.1", "http_port": ports.http, "grpc_port": ports.grpc, "metrics_port": ports.metrics}
    names = (*FAULTS, UNCHANGED)
    for name in names:
        place = folder / "models" / name
        place.mkdir(parents=True)
        (place / "patched.py").write_text(RUNTIME)
        model = "patched.Patched" if patched and name in FAULTS else "mlserver_sklearn.SKLearnModel"
        parameters = {"uri": str(folder.parent / "model.joblib"), "extra": {"predict_fn": "predict_proba"}}
        content = {"name": name, "implementation": model, "parameters": parameters}
        (place / "model-settings.json").write_text(json.dumps(content))
    (folder / "models" / "settings.json").write_text(json.dumps(settings | {"parallel_workers": 0, "debug": False}))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_MLSERVER_VARIABLES)}
    with (folder / "log").open("wb") as log:
        command = [str(mlserver), "start", str(folder / "models")]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        url = f"http://127.0.0.1:{ports.http}"
        for name in names:
            _wait(process, f"{url}/v2/models/{name}/ready", folder / "log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [listener.getsockname()[1] for listener in sockets]


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback)
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"MLServer does not serve {url}: {log.read_text(errors='replace')[-2000:]}")


def compare(arguments: argparse.Namespace) -> bool:
    """Goals Y1, Y2 and Y4 on MLServer: faults that are found, replays, and runs without a change."""
    mlserver = program()
    if mlserver is None:
        print("MLServer is not installed: `scripts/test` installs it. Not measured.")
        return False
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        model, rows = folder / "model.joblib", folder / "rows.json"
        command = [str(mlserver.with_name("python")), "-c", TRAIN, str(model), str(rows)]
        subprocess.run(command, check=True, timeout=120)
        lines = [json.dumps(_request(row)) + "\n" for row in json.loads(rows.read_text())]
        urls = [
            stack.enter_context(_serving(mlserver, _new_folder(folder / arm), patched=arm == "candidate"))
            for arm in ("candidate", "baseline")
        ]
        results: dict[str, Run] = {}
        for fault in FAULTS:
            expect = "new-model" if fault in SERVING else "same"
            policy = POLICY.format(name=fault, expect=expect)
            results[fault] = measure_policy((urls[0], urls[1]), policy, "".join(lines), seed=1, replay=True)
            print(f"{fault:14} {', '.join(results[fault].failed) or 'MISSED'}", flush=True)
        policy = POLICY.format(name=UNCHANGED, expect="same")
        same = [
            measure_policy((urls[0], urls[1]), policy, "".join(lines), seed=arguments.seed + run)
            for run in range(arguments.mlserver_runs)
        ]
    return _report(results, same)


def _new_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _request(row: list[float]) -> dict[str, object]:
    tensor = {"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}
    return {"inputs": [tensor]}


def _report(results: dict[str, Run], same: list[Run]) -> bool:
    early = sum(bool(results[fault].failed) for fault in SERVING)
    every = sum(bool(run.failed) for run in results.values())
    replayed = [value for run in results.values() for value in run.replayed.values()]
    failures = sum(bool(run.failed) for run in same)
    most = max(run.requests for run in (*results.values(), *same))
    print(f"MLServer, serving faults by built-in relations alone: {early} of {len(SERVING)} (goal 90 %)")
    print(f"MLServer, all faults: {every} of {len(FAULTS)} (goal 80 %); at most {most:,} requests (goal 2,000)")
    print(f"MLServer, replays that fail again: {sum(replayed)} of {len(replayed)} saved cases")
    print(f"MLServer, failures on the unchanged model: {failures} of {len(same)} runs (goal 0)")
    return early >= 0.9 * len(SERVING) and every >= 0.8 * len(FAULTS) and not failures
