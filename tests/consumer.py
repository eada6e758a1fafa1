"""A consumer repository: a service, its predictions, its policy, and workflows that use the suite."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

    from runner import World

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
REPOSITORY = {"full_name": "acme/consumer", "default_branch": "main"}
ROWS = 3000

POLICY = """\
version: 1
service: click-scorer
regression:
  task: binary
  key: [id]
  label: clicked
  score: p_click
  slices: [device]
  margins: {ece: 5%}                       # the smallest margin that these rows can resolve
  artifacts: {baseline: predictions/baseline.parquet, candidate: predictions/candidate.parquet}
gate: {environment: production, require: [regression]}
"""

WITH_LATENCY = """\
preview: {command: "python3 serve.py --port {port}", ready: /healthz, timeout: 30s}
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: requests.jsonl
  arrivals: {constant: 100/s, duration: 6s, warmup: 0.5s}
  slo: {p90: 2s, errors: 20%}
"""

SERVICE = '''\
"""A service: answers each request with a score."""
import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scorer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer({"ready": True})

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer({"p_click": 1 / (1 + row["x"] ** 2)})

    def log_message(self, *_):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Scorer).serve_forever()
'''


def predictions(path: Path, *, noise: float, seed: int) -> None:
    """Write the predictions of a model whose score is the truth plus noise of this standard deviation."""
    rows = random.Random(7)  # noqa: S311  (made-up data, repeatable)
    luck = random.Random(seed)  # noqa: S311
    table: dict[str, list[Any]] = {"id": [], "device": [], "clicked": [], "p_click": []}
    for number in range(ROWS):
        truth = rows.random()
        table["id"].append(number)
        table["device"].append(rows.choice(["phone", "desktop"]))
        table["clicked"].append(int(rows.random() < truth))
        table["p_click"].append(min(max(truth + luck.gauss(0, noise), 0.001), 0.999))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)


def fill(world: World, workflows: dict[str, str], *, policy: str = POLICY) -> str:
    """Write and push the first commit: service, policy, workflows, and a candidate that equals its baseline."""
    world.write({f".github/workflows/{name}": text for name, text in workflows.items()})
    world.write({".github/ghmlops.yml": policy, "serve.py": SERVICE})
    world.write({"requests.jsonl": "".join(f'{{"x": {n / 10}}}\n' for n in range(100))})
    for side in ("baseline", "candidate"):
        predictions(world.consumer / "predictions" / f"{side}.parquet", noise=0.005, seed=1)
    return world.commit("Start")


def change(world: World, *, good: bool) -> str:
    """Commit and push a candidate that is as good as its baseline, or worse."""
    predictions(world.consumer / "predictions" / "candidate.parquet", noise=0.005 if good else 0.5, seed=2)
    return world.commit("Retrain" if good else "Break the model")


def pull_request(number: int, head: str, base: str) -> dict[str, Any]:
    """Return the payload of a `pull_request` event."""
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": head, "ref": "topic", "repo": REPOSITORY},
            "base": {"sha": base, "ref": "main", "repo": REPOSITORY},
        },
        "repository": REPOSITORY,
    }


def push(head: str, before: str) -> dict[str, Any]:
    """Return the payload of a `push` event on the default branch."""
    return {"ref": "refs/heads/main", "after": head, "before": before, "repository": REPOSITORY}


def completed(run_id: int, head: str) -> dict[str, Any]:
    """Return the payload of the `workflow_run` event that follows the run of a pull request from a fork."""
    run = {
        "id": run_id,
        "run_attempt": 1,
        "event": "pull_request",
        "conclusion": "success",
        "head_sha": head,
        "head_branch": "topic",
        "head_repository": {"full_name": "ada/consumer", "owner": {"login": "ada"}},
        "html_url": f"https://github.com/acme/consumer/actions/runs/{run_id}",
        "pull_requests": [],
    }
    return {"action": "completed", "workflow_run": run, "repository": REPOSITORY}
