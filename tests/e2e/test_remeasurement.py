"""Forged evidence at the deployment gate: measured again in a job without code of the change, with the real runner."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import consumer
from e2e.test_deployment import AGAIN, DEPLOY, DEPLOYED, GATE, REMEASURE, deployments, dispatch, prepare, push

if TYPE_CHECKING:
    from github_api.server import Api
    from runner import World

BELIEVING = AGAIN.replace("name: gate again", "name: gate that believes").replace(
    "      revert: ${{ inputs.revert }}\n", "      remeasure: false\n"
)


def archive(api: Api, run_id: int, name: str) -> dict[str, bytes]:
    """Return the files of an artifact that a run uploaded."""
    stored = next(a for a in api.state.artifacts if a["run_id"] == run_id and a["name"] == name)
    with zipfile.ZipFile(io.BytesIO(stored["zip"])) as opened:
        return {entry: opened.read(entry) for entry in opened.namelist()}


def upload(api: Api, run_id: int, name: str, files: dict[str, bytes]) -> None:
    """Store an artifact of a run."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for entry, data in files.items():
            opened.writestr(entry, data)
    content = base64.b64encode(packed.getvalue()).decode()
    api.seed(artifacts=[{"run_id": run_id, "name": name, "zip_base64": content}])


def renamed(files: dict[str, bytes], **origin: Any) -> dict[str, bytes]:
    """Return evidence as if another run had measured another commit."""
    documents = {name: json.loads(content) for name, content in files.items() if name.endswith(".json")}
    documents.pop("verdict.json", None)
    for document in documents.values():
        document["provenance"].update(origin)
    return {name: json.dumps(document).encode() for name, document in documents.items()}


EVIDENCE, PREDICTIONS = "ghmlops-evidence-check-1", "ghmlops-predictions-check-1"


def test_forged_evidence_is_refused(world: World, api: Api) -> None:
    """The evidence of a good commit, rewritten for a bad one: only a gate that believes it passes."""
    again = {"deploy.yml": DEPLOY, "again.yml": AGAIN, "believing.yml": BELIEVING}
    start = prepare(world, again)
    good = consumer.change(world, good=True)
    honest = push(world, api, good, start, 4241)
    assert honest.jobs == DEPLOYED, honest.text
    assert list(archive(api, 4241, PREDICTIONS)) == ["predictions/candidate.parquet"]

    bad = consumer.change(world, good=False)
    run = {"id": 4300, "head_sha": bad, "event": "push", "head_branch": "main", "head_repository": "acme/consumer"}
    api.seed(runs=[{**run, "conclusion": "success"}])
    # The header's workflow measured the good commit; its path is that of the forged run.
    forged = renamed(archive(api, 4241, EVIDENCE), head_sha=bad, base_sha=good, run_id="4300", workflow="")
    upload(api, 4300, EVIDENCE, forged)
    worse = (world.consumer / "predictions" / "candidate.parquet").read_bytes()
    upload(api, 4300, PREDICTIONS, {"predictions/candidate.parquet": worse})

    code, jobs, text = dispatch(world, api, 6001, {"commit": bad, "run-id": "4300"})
    assert (code, jobs) == (1, {REMEASURE: "success", GATE: "failure"}), text
    assert "evidence-differs" in text
    assert (bad, "production", ["error"]) in deployments(api)

    code, jobs, text = dispatch(world, api, 6002, {"commit": bad, "run-id": "4300"}, "believing.yml")
    assert (code, jobs) == (0, {GATE: "success"}), text


def test_evidence_without_its_predictions_is_refused(world: World, api: Api) -> None:
    """A run that uploads evidence and no predictions: the gate is inconclusive, and names the artifact."""
    start = prepare(world, {"again.yml": AGAIN, "deploy.yml": DEPLOY})
    commit = consumer.change(world, good=True)
    assert push(world, api, commit, start, 4241).jobs == DEPLOYED
    api.seed(runs=[{"id": 4300, "head_sha": commit, "event": "push", "head_repository": "acme/consumer"}])
    evidence = renamed(archive(api, 4241, EVIDENCE), run_id="4300", workflow="")
    upload(api, 4300, EVIDENCE, evidence)
    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "4300"})
    assert (code, jobs) == (1, {REMEASURE: "success", GATE: "failure"}), text
    assert f"no artifact {PREDICTIONS}" in text


PREVIEW = """\
version: 1
service: click-scorer
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: requests.jsonl
  arrivals: {constant: 100/s, duration: 6s, warmup: 0.5s}
  slo: {p90: 2s, errors: 20%}
gate: {environment: production, require: [latency]}
"""


class Deployed(BaseHTTPRequestHandler):
    """A deployed preview, which runs in no job."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_a_deployed_preview_is_measured_by_its_address(world: World, api: Api) -> None:
    """With `url` and without `setup`, the job starts nothing of the commit, and its evidence opens the gate."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Deployed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        workflow = DEPLOY.replace("pr-gate.yml@v1\n", f"pr-gate.yml@v1\n    with:\n      url: {address}\n")
        start = prepare(world, {"deploy.yml": workflow}, PREVIEW)
        world.write({"serve.py": "raise SystemExit('code of the change')\n"})
        commit = world.commit("Break the service of the repository")
        run = push(world, api, commit, start, 4241)
        server.shutdown()
    assert run.jobs == DEPLOYED, run.text
    assert [(commit, "production", ["queued", "success"])] == deployments(api)
