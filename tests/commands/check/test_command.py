"""`check` on a real repository, with real services, real Parquet files and real load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

SERVICE = '''\
"""Answers after a fixed time."""
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DELAY = 0.02

class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer, or delayed acknowledgements hide the delay
    def do_GET(self): self.reply(b"ready")
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(DELAY)
        self.reply(b'{"p": 0.5}')
    def reply(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

Server(("127.0.0.1", int(sys.argv[-1])), Answer).serve_forever()
'''
POLICY = """\
version: 1
service: check-test
preview: {{command: "{python} answers.py --port {{port}}", ready: /, timeout: 30s}}
latency:
  request: {{method: POST, path: /}}
  payloads: requests.jsonl
  arrivals: {{poisson: 300/s, duration: 60s, warmup: 500ms}}  # a run ends at its decision; a busy machine needs more
  slo: {{p90: 2s}}
  margins: {{p50: {{fail: 20%, safe: 60%}}, p95: {{fail: 50%, safe: 100%}}, p99: {{fail: 80%, safe: 100%}}}}
regression:
  task: binary
  key: [id]
  label: label
  score: score
  artifacts: {{baseline: base.parquet, candidate: cand.parquet}}
"""


class Repository(NamedTuple):
    """A scratch repository: its folder and the commit of the baseline."""

    folder: Path
    base: str


def git(folder: Path, *args: str) -> str:
    """Run git as a fictitious author."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *args], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def predictions(path: Path, seed: int, *, noise: float) -> None:
    """Write 20,000 scored rows; the labels are the same for every seed."""
    truth = np.random.default_rng(0).random(20000)
    score = np.clip(truth + np.random.default_rng(seed).normal(0, noise, 20000), 0.001, 0.999)
    label = (np.random.default_rng(7).random(20000) < truth).astype(np.int64)
    pq.write_table(pa.table({"id": np.arange(20000), "label": label, "score": score}), path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a service, a policy, payloads and the predictions of an unchanged model."""
    folder = tmp_path / "repo"
    (folder / ".github").mkdir(parents=True)
    (folder / "answers.py").write_text(SERVICE)
    (folder / ".github/ghmlops.yml").write_text(POLICY.format(python=sys.executable))
    (folder / "requests.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    (folder / ".gitignore").write_text("evidence/\n*.parquet\n*.md\n*.html\n")
    git(folder, "init", "--quiet", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "baseline")
    predictions(folder / "base.parquet", 1, noise=0.002)
    predictions(folder / "cand.parquet", 2, noise=0.002)
    return Repository(folder, git(folder, "rev-parse", "HEAD"))


def change(repository: Repository, old: str, new: str, file: str = "answers.py") -> str:
    """Commit a change of one file and return the commit."""
    path = repository.folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    git(repository.folder, "commit", "--quiet", "-am", "candidate")
    return git(repository.folder, "rev-parse", "HEAD")


def environment() -> dict[str, str]:
    """Return the environment without a runner's variables."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_"))}


def check(repository: Repository, *argv: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
    """Run `ghmlops check` in the repository."""
    command = [sys.executable, "-m", "ghmlops", "check", *argv]
    return subprocess.run(
        command, cwd=repository.folder, env=environment(), capture_output=True, text=True, check=False, timeout=timeout
    )


def evidence(repository: Repository, name: str) -> Any:
    """Return an evidence file."""
    return json.loads((repository.folder / "evidence" / name).read_text())


def services_left() -> list[str]:
    """Return the command lines of services of this test that still run."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if "answers.py --port" in line and sys.executable in line]


def test_an_unchanged_candidate_passes(repository: Repository) -> None:
    """Both pillars pass; the base commit runs in a separate work tree; the report is written; nothing keeps running."""
    head = change(repository, '"""Answers after', '"""It answers after')
    done = check(repository, "--base", "main~1", "--markdown", "report.md", "--html", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {p.name for p in (repository.folder / "evidence").glob("*.json")} >= {
        "check.json",
        "latency.json",
        "preview.json",
        "regression.json",
    }
    ready = evidence(repository, "preview.json")["findings"]
    assert [(f["id"], f["dataset"]) for f in ready] == [
        ("preview-ready", "baseline"),
        ("preview-ready", "candidate"),
        ("arms-differ", ""),
    ]
    latency = evidence(repository, "latency.json")
    assert (latency["provenance"]["head_sha"], latency["provenance"]["base_sha"]) == (head, repository.base)
    assert {m["arm"] for m in latency["measurements"]} == {"baseline", "candidate"}
    assert "check-test" in (repository.folder / "report.md").read_text()
    assert (repository.folder / "report.html").read_text().startswith("<!doctype html>")
    assert git(repository.folder, "worktree", "list").count("\n") == 0
    assert services_left() == []


def test_a_slower_candidate_fails_twice(repository: Repository) -> None:
    """A slower commit fails and is measured again on fresh deployments, where it fails again."""
    change(repository, "DELAY = 0.02", "DELAY = 0.1")
    done = check(repository, "--base", repository.base)
    assert done.returncode == 1, done.stdout + done.stderr
    first, second = evidence(repository, "latency.json"), evidence(repository, "latency-confirm.json")
    assert [(e["outcome"], e["leg"]) for e in (first, second)] == [("fail", ""), ("fail", "confirm")]
    failed = [{f["id"] for f in e["findings"] if f["outcome"] == "fail"} for e in (first, second)]
    assert "latency-p50" in failed[0] & failed[1]
    assert evidence(repository, "regression.json")["outcome"] == "pass"


def test_a_service_that_dies_is_an_error_and_regression_is_still_judged(repository: Repository) -> None:
    """A pillar that cannot be measured becomes evidence with the outcome error; the others run; exit 2."""
    change(repository, "DELAY = 0.02", 'raise SystemExit("no model file")')
    done = check(repository, "--base", repository.base)
    assert done.returncode == 2, done.stdout + done.stderr
    finding = evidence(repository, "latency.json")["findings"][0]
    assert (finding["id"], finding["outcome"]) == ("latency-not-judged", "error")
    assert "no model file" in finding["reason"]
    assert evidence(repository, "regression.json")["outcome"] == "pass"
    assert services_left() == []


def test_a_new_policy_is_a_warning(repository: Repository) -> None:
    """A policy that the base does not have judges alone, with a warning, because a person decides about that."""
    change(repository, "p90: 2s", "p90: 3s", file=".github/ghmlops.yml")
    policy = (repository.folder / ".github/ghmlops.yml").read_text()
    (repository.folder / "only.yml").write_text(
        policy.partition("preview:")[0] + "regression:" + policy.partition("regression:")[2]
    )
    done = check(repository, "--base", repository.base, "--policy", "only.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert evidence(repository, "check.json")["findings"][0]["id"] == "policy-added"
    assert evidence(repository, "check.json")["outcome"] == "warn"


def test_a_required_preview_is_shown_without_latency(repository: Repository) -> None:
    """If the gate requires a preview and no load is sent, the candidate is started to show that it becomes ready."""
    policy = (repository.folder / ".github/ghmlops.yml").read_text()
    without = policy.partition("latency:")[0] + "regression:" + policy.partition("regression:")[2]
    (repository.folder / "only.yml").write_text(without + "gate: {require: [preview, regression]}\n")
    done = check(repository, "--policy", "only.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert evidence(repository, "preview.json")["findings"][0]["id"] == "preview-ready"
    assert services_left() == []


def test_old_evidence_does_not_stand_in(repository: Repository) -> None:
    """Evidence of an earlier run is removed first."""
    folder = repository.folder / "evidence"
    folder.mkdir()
    (folder / "latency-confirm.json").write_text("{}")
    (folder / "notes.json").write_text("{}")
    policy = (repository.folder / ".github/ghmlops.yml").read_text()
    (repository.folder / "only.yml").write_text(
        policy.partition("preview:")[0] + "regression:" + policy.partition("regression:")[2]
    )
    done = check(repository, "--policy", "only.yml")
    assert not (folder / "latency-confirm.json").exists()
    assert done.returncode == 2  # notes.json is not ours to remove, and is not evidence


def test_artifacts_of_other_runs_are_not_for_the_job_that_runs_the_change(repository: Repository) -> None:
    """They need a token, which the code of a pull request must not see: the error names the alternative."""
    policy = (repository.folder / ".github/ghmlops.yml").read_text()
    only = policy.partition("preview:")[0] + "regression:" + policy.partition("regression:")[2]
    (repository.folder / "only.yml").write_text(only.replace("base.parquet", "'artifact:predictions@main'"))
    done = check(repository, "--policy", "only.yml", timeout=60)
    assert done.returncode == 2
    result = evidence(repository, "regression.json")
    assert result["outcome"] == "error"
    for fact in ("no token", "artifact:predictions@main", "actions/baseline", "`baseline-file`", "actions/regression"):
        assert fact in result["reason"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--base", "no-such-branch"], "is not a commit of this repository"),
        (["--base", "--upload-pack=x"], "is not a commit of this repository"),
        (["--policy", "none.yml"], "none.yml: no such file"),
        (["--policy", "empty.yml"], "empty.yml measures nothing"),
    ],
)
def test_bad_input_is_one_line(repository: Repository, argv: list[str], message: str) -> None:
    """A wrong base or policy ends before anything is started, and leaves an error as evidence."""
    (repository.folder / "empty.yml").write_text("version: 1\nservice: s\n")
    if argv[1].startswith("--"):
        argv = ["=".join(argv)]
    done = check(repository, *argv, timeout=30)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in (repository.folder / "evidence").iterdir()] == ["check.json"]
    evidence = json.loads((repository.folder / "evidence" / "check.json").read_text())
    assert (evidence["outcome"], [f["id"] for f in evidence["findings"]]) == ("error", ["check-not-judged"])


def test_dry_run_starts_nothing(repository: Repository) -> None:
    """`--dry-run` prints what would run and the baseline's commit."""
    done = check(repository, "--base", repository.base, "--dry-run", timeout=30)
    assert done.returncode == 0
    assert repository.base in done.stdout
    assert "latency: POST /, poisson 300/s" in done.stdout
    assert not (repository.folder / "evidence").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(repository: Repository, number: signal.Signals) -> None:
    """Interrupted under load: exit 130, no service, no work tree, an error for the unfinished pillar."""
    command = [sys.executable, "-m", "ghmlops", "check", "--base", repository.base]
    running = subprocess.Popen(
        command, cwd=repository.folder, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "candidate is ready" in line:
            break
    time.sleep(1.0)  # into the load; the moment does not matter for the claim
    running.send_signal(number)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert services_left() == []
    assert git(repository.folder, "worktree", "list").count("\n") == 0
    for name in ("check.json", "latency.json"):
        evidence = json.loads((repository.folder / "evidence" / name).read_text())
        assert (evidence["outcome"], evidence["reason_code"]) == ("error", name.replace(".json", "-not-judged"))
    assert list((repository.folder / "evidence").glob(".*")) == []
