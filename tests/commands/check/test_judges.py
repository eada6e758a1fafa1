"""A change cannot choose its judge: policy, baselines, labels and payloads of the baseline's commit judge it, too."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import requests

from ghmlops.commands import check
from ghmlops.commands.check.arms import deployed
from ghmlops.commands.check.job import prepare
from ghmlops.commands.check.judges import trusted_job
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.model import Outcome

ROWS = 5000
REGRESSION = """\
regression:
  task: binary
  key: [id]
  label: label
  score: score
  artifacts: {baseline: data/base.parquet, candidate: cand.parquet, labels: data/labels.parquet}
"""
POLICY = f"version: 1\nservice: judged\n{REGRESSION}"
OTHER = """\
latency:
  request: {method: GET, path: /}
  slo: {p90: 5s}
  arrivals: {constant: 100/s, duration: 1s, warmup: 100ms}
preview: {command: "PYTHON -m http.server --bind 127.0.0.1 {port}"}
""".replace("PYTHON", sys.executable)


class Scene:
    """A repository whose baseline, labels and policy are tracked, and a candidate that is much worse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        (folder / ".github").mkdir()
        (folder / ".gitignore").write_text("evidence/\ncand.parquet\n")
        self.write(".github/ghmlops.yml", POLICY)
        self.truth = np.random.default_rng(0).random(ROWS)
        labels = (np.random.default_rng(7).random(ROWS) < self.truth).astype(np.int64)
        pq.write_table(pa.table({"id": np.arange(ROWS), "label": labels}), folder / "data/labels.parquet")
        self.scores("data/base.parquet", self.truth)
        self.git("init", "--quiet", "-b", "main")
        self.commit()
        self.base = self.git("rev-parse", "HEAD")
        self.scores("cand.parquet", np.random.default_rng(3).random(ROWS))

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *args], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def scores(self, name: str, score: Any, rows: int = ROWS) -> None:
        score = np.clip(score, 0.001, 0.999)[:rows]
        pq.write_table(pa.table({"id": np.arange(rows), "score": score}), self.folder / name)

    def replace(self, old: str, new: str) -> None:
        text = (self.folder / ".github/ghmlops.yml").read_text()
        assert old in text
        self.write(".github/ghmlops.yml", text.replace(old, new))

    def check(self, *argv: str, event: str = "") -> subprocess.CompletedProcess[str]:
        self.commit()
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "RUNNER_"))}
        if event:
            environ |= {"GITHUB_EVENT_NAME": event}
        command = [sys.executable, "-m", "ghmlops", "check", "--base", self.base, *argv]
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False, timeout=120
        )

    def evidence(self, name: str) -> Any:
        return json.loads((self.folder / "evidence" / name).read_text())

    def changed(self) -> set[str]:
        """Return the files that the findings `inputs-changed` name; all of them are inconclusive."""
        findings = [f for f in self.evidence("check.json")["findings"] if f["id"] == "inputs-changed"]
        assert {f["outcome"] for f in findings} <= {Outcome.INCONCLUSIVE}
        assert all(f["dataset"] in f["reason"] for f in findings)
        return {f["dataset"] for f in findings}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A repository with a bad candidate."""
    return Scene(tmp_path / "repo")


def truncate(scene: Scene) -> set[str]:
    """Cut every file to 20 rows, so that no difference can be shown."""
    for name in ("data/base.parquet", "data/labels.parquet", "cand.parquet"):
        pq.write_table(pq.read_table(scene.folder / name).slice(0, 20), scene.folder / name)
    return {"data/base.parquet", "data/labels.parquet"}


def without_labels(scene: Scene) -> set[str]:
    """Replace all labels by null."""
    labels = pa.array([None] * ROWS, pa.int64())
    pq.write_table(pa.table({"id": np.arange(ROWS), "label": labels}), scene.folder / "data/labels.parquet")
    return {"data/labels.parquet"}


def worse_baseline(scene: Scene) -> set[str]:
    """Replace the baseline by predictions that are as bad as the candidate."""
    scene.scores("data/base.parquet", np.random.default_rng(4).random(ROWS))
    return {"data/base.parquet"}


def generated_baseline(scene: Scene) -> set[str]:
    """Stop tracking the baseline, and generate a worse one in a step before the check."""
    scene.git("rm", "--quiet", "--cached", "data/base.parquet")
    scene.write(".gitignore", "evidence/\ncand.parquet\ndata/base.parquet\n")
    scene.scores("data/base.parquet", np.random.default_rng(4).random(ROWS))
    return {"data/base.parquet"}


def linked_folder(scene: Scene) -> set[str]:
    """Replace the folder of the baseline by a link to another one."""
    shutil.copytree(scene.folder / "data", scene.folder / "other")
    scene.scores("other/base.parquet", np.random.default_rng(4).random(ROWS))
    shutil.rmtree(scene.folder / "data")
    (scene.folder / "data").symlink_to("other")
    return {"data/base.parquet"}


def without_section(scene: Scene) -> set[str]:
    """Remove the section that would fail from the policy."""
    scene.replace(REGRESSION, OTHER)
    return {".github/ghmlops.yml"}


def looser_margins(scene: Scene) -> set[str]:
    """Allow everything."""
    margins = "margins: {auc: 0.99, log-loss: 0.99, ece: 0.99, brier: 0.99, accuracy: 0.99}"
    scene.replace("  task: binary\n", f"  task: binary\n  {margins}\n  undecided: warn\n")
    return {".github/ghmlops.yml"}


def other_baseline(scene: Scene) -> set[str]:
    """Compare with another file, which is as bad as the candidate."""
    scene.scores("data/new.parquet", np.random.default_rng(4).random(ROWS))
    scene.replace("data/base.parquet", "data/new.parquet")
    return {".github/ghmlops.yml", "data/new.parquet"}


TRICKS = (
    truncate, without_labels, worse_baseline, generated_baseline, linked_folder, without_section, looser_margins,
    other_baseline,
)  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_a_bad_candidate_does_not_turn_green(scene: Scene, trick: Callable[[Scene], set[str]]) -> None:
    """Whatever the change does to its own judge, the bad candidate fails, and each file that it changed is named."""
    expected = trick(scene)
    done = scene.check()
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert scene.evidence("regression.json")["outcome"] in ("fail", "error")
    assert scene.changed() >= expected


def test_an_honest_change_passes(scene: Scene) -> None:
    """Unchanged inputs are one finding that passes, with the number of files; there is one judge."""
    scene.scores("cand.parquet", scene.truth)
    done = scene.check()
    assert done.returncode == 0, done.stdout + done.stderr
    findings = {f["id"]: f for f in scene.evidence("check.json")["findings"]}
    assert set(findings) == {"policy-unchanged", "inputs-unchanged"}
    assert findings["inputs-unchanged"]["n"] == 2
    assert not list((scene.folder / "evidence").glob("*head-policy*"))
    assert scene.git("worktree", "list").count("\n") == 0


def test_both_policies_judge_and_the_worse_counts(scene: Scene) -> None:
    """A stricter policy of the change judges in a separate leg; evidence names both policies."""
    wide = "margins: {auc: 0.9, log-loss: 0.9, ece: 0.9, accuracy: 0.9, brier: 0.9, negative-flips: 0.9, churn: 0.9}"
    scene.replace("  task: binary\n", f"  task: binary\n  {wide}\n")
    scene.commit()
    scene.base = scene.git("rev-parse", "HEAD")
    scene.scores("cand.parquet", scene.truth + np.random.default_rng(3).normal(0, 0.2, ROWS))
    scene.replace("auc: 0.9", "auc: 0.001")
    done = scene.check()
    assert done.returncode == 1, done.stdout + done.stderr
    base, head = (scene.evidence(f"regression{leg}.json") for leg in ("", "-head-policy"))
    auc = [next(f for f in e["findings"] if f["metric"] == "auc" and not f["slice"]) for e in (base, head)]
    assert [(f["margin"], f["outcome"]) for f in auc] == [(0.9, "pass"), (0.001, "fail")]
    prints = [e["provenance"]["fingerprints"] for e in (base, head)]
    assert prints[0]["policy"] == prints[0]["base-policy"] == prints[1]["base-policy"] != prints[1]["policy"]
    assert (base["leg"], head["leg"]) == ("", "head-policy")


def test_a_pillar_that_both_policies_judge_alike_runs_once(scene: Scene) -> None:
    """A comment in the policy is a change of the policy, and no second measurement."""
    scene.scores("cand.parquet", scene.truth)
    scene.replace("version: 1", "version: 1  # a comment")
    scene.check()
    assert scene.changed() == {".github/ghmlops.yml"}
    assert not list((scene.folder / "evidence").glob("*head-policy*"))


@pytest.mark.parametrize("renamed", [False, True])
def test_a_change_cannot_publish_private_columns(scene: Scene, renamed: bool) -> None:
    """Columns that the base's policy keeps private stay so in the leg of a policy that drops them, under any name."""
    people = np.array(["ann@acme.example", "zoe@acme.example"])[np.arange(ROWS) % 2]
    for name in ("data/base.parquet", "cand.parquet"):
        pq.write_table(pq.read_table(scene.folder / name).append_column("email", [people]), scene.folder / name)
    scene.replace("  task: binary\n", "  task: binary\n  private: [email]\n  slices: [[email]]\n")
    scene.commit()
    scene.base = scene.git("rev-parse", "HEAD")
    column = "contact" if renamed else "email"
    section = f"  slices: [[{column}]]\n  changed-rows: {{rows: 3, show: [{column}]}}\n"
    if renamed:
        section += "  baseline: {contact: email}\n  candidate: {contact: email}\n"
    scene.replace("  private: [email]\n  slices: [[email]]\n", section)
    scene.check("--predictions-dir", "copied")
    head = (scene.folder / "evidence/regression-head-policy.json").read_text()
    assert [finding["slice"] for finding in json.loads(head)["findings"] if column in finding["slice"]]
    assert "private 1" in head
    written = [path for path in scene.folder.glob("evidence/*") if path.is_file()]
    assert [path.name for path in written if b"@acme.example" in path.read_bytes()] == []
    assert not (scene.folder / "copied").exists()


def test_a_new_policy_judges_alone(scene: Scene) -> None:
    """Without a policy at the base the change's own judges, with a warning."""
    shutil.copy(scene.folder / ".github/ghmlops.yml", scene.folder / "new.yml")
    scene.scores("cand.parquet", scene.truth)
    done = scene.check("--policy", "new.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    finding = scene.evidence("check.json")["findings"][0]
    assert (finding["id"], finding["outcome"]) == ("policy-added", "warn")
    assert scene.evidence("regression.json")["outcome"] == "pass"


def test_the_policy_of_a_push_judges_alone(scene: Scene) -> None:
    """The policy of a branch was reviewed, and the gate decides whether it may judge; its change is still a finding."""
    scene.replace("  task: binary\n", "  task: binary\n  margins: {auc: 0.02}\n")
    scene.scores("cand.parquet", scene.truth)
    scene.check(event="push")
    assert scene.changed() == {".github/ghmlops.yml"}
    prints = scene.evidence("regression.json")["provenance"]["fingerprints"]
    assert prints["policy"] != prints["base-policy"]
    assert not list((scene.folder / "evidence").glob("*head-policy*"))


def test_an_untracked_input_is_not_measured(scene: Scene) -> None:
    """Of a file that no commit contains it is unknown whether the change replaced it, which the evidence says."""
    scene.scores("made.parquet", scene.truth)
    scene.scores("cand.parquet", scene.truth)
    (scene.folder / ".git/info/exclude").write_text("made.parquet\n")
    scene.check("--baseline", "made.parquet")
    unknown = [item["what"] for item in scene.evidence("check.json")["not_measured"]]
    assert any("made.parquet" in what for what in unknown)


def test_payloads_come_from_the_base(scene: Scene) -> None:
    """Requests of the load test are those of the baseline's commit, and a change of them is a finding."""
    policy = OTHER.replace("method: GET, path: /", 'method: GET, path: "/{{name}}"').replace(
        "slo:", "payloads: p.jsonl\n  slo:"
    )
    scene.write(".github/ghmlops.yml", f"version: 1\nservice: s\n{policy}")
    scene.write("p.jsonl", '{"name": "absent"}\n')
    scene.commit()
    scene.base = scene.git("rev-parse", "HEAD")
    scene.write("p.jsonl", '{"name": ""}\n')
    done = scene.check()
    assert done.returncode == 2, done.stdout + done.stderr
    assert scene.changed() == {"p.jsonl"}
    findings = scene.evidence("latency.json")["findings"]
    assert [(f["id"], f["outcome"], "404" in f["reason"]) for f in findings] == [("endpoint-broken", "error", True)]


def test_each_arm_is_started_by_its_own_policy(scene: Scene) -> None:
    """The start command of a change cannot slow its baseline down, which is started by the policy of its commit."""
    script = (
        "import sys, http.server as h\nclass A(h.BaseHTTPRequestHandler):\n    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[1].encode())\n"
        "h.HTTPServer(('127.0.0.1', int(sys.argv[2])), A).serve_forever()\n"
    )
    scene.write("serve.py", script)
    command = f'preview: {{command: "{sys.executable} serve.py base {{port}}"}}\n'
    scene.write(".github/ghmlops.yml", POLICY + command)
    scene.commit()
    scene.base = scene.git("rev-parse", "HEAD")
    scene.replace("serve.py base", "serve.py head")
    scene.commit()
    services = Services(
        context=Context(),
        environ=os.environ,
        cwd=scene.folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    job = prepare(check.Inputs(base=scene.base), services)
    with trusted_job(job) as trusted, deployed(trusted) as arms:
        answers = [requests.get(url, timeout=10).content for url in (arms.baseline, arms.candidate)]
    assert answers == [b"base", b"head"]


@pytest.mark.parametrize(("pull_request", "base"), [(7, "fork"), (None, "tip")])
def test_a_pull_request_is_compared_with_its_merge_base(scene: Scene, pull_request: int | None, base: str) -> None:
    """What the base branch changed after the fork, its policy included, is not a change of the pull request."""
    scene.git("switch", "--quiet", "-c", "feature")
    scene.write("new.txt", "x")
    scene.commit()
    scene.git("switch", "--quiet", "main")
    scene.replace("version: 1", "version: 1  # later")
    scene.commit()
    commits = {"fork": scene.base, "tip": scene.git("rev-parse", "HEAD")}
    scene.git("switch", "--quiet", "feature")
    services = Services(
        context=Context(base_sha=commits["tip"], pull_request=pull_request),
        environ=os.environ,
        cwd=scene.folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    job = prepare(check.Inputs(), services)
    assert (job.base, job.services.context.base_sha) == (commits[base], commits[base])
    with trusted_job(job) as trusted:
        assert (trusted.base_policy is None) == (base == "fork")
