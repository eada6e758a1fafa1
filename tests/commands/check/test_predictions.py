"""`regression.predict` on real repositories: each commit predicts with its own model, in its own work tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PREDICT = """\
import os, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
present = [n for n in ("GITHUB_TOKEN", "GHMLOPS_TOKEN") if n in os.environ]
print("secrets:", present, "folder:", os.getcwd() == os.environ["PREVIEW_WORKDIR"])
truth = np.random.default_rng(0).random(5000)
label = (np.random.default_rng(7).random(5000) < truth).astype(np.int64)
bias = float(open("model.txt").read())
noise = np.random.default_rng(1).random(5000)
score = np.clip(truth * (1 - bias) + noise * bias, 0.001, 0.999)
pq.write_table(pa.table({"id": np.arange(5000), "label": label, "score": score}), os.environ["PREDICTIONS"])
"""
POLICY = """\
version: 1
service: predict-test
gate: {{first-run: {first}}}
regression:
  task: binary
  key: [id]
  label: label
  score: score
  predict: {predict}
  predict-timeout: {limit}
"""


class Scene:
    """A repository whose predictions are made in continuous integration and not committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repo"
        (self.folder / ".github").mkdir(parents=True)
        self.git("init", "--quiet", "-b", "main")
        self.write(".gitignore", "evidence/\n")
        self.write("train.sh", "echo 0.0 > model.txt\n")
        self.write("predict.py", PREDICT)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def policy(self, predict: str = "", first: str = "warn", limit: str = "1m") -> None:
        text = predict or f"bash train.sh && {sys.executable} predict.py"
        self.write(".github/ghmlops.yml", POLICY.format(predict=json.dumps(text), first=first, limit=limit))

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *args], cwd=self.folder, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def check(self, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "ghmlops", "check", *argv],
            cwd=self.folder,
            env=inherited | environ,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def evidence(self, name: str = "regression.json") -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / "evidence" / name).read_text(encoding="utf-8"))
        return value

    def outcomes(self, name: str = "regression.json") -> dict[str, str]:
        return {f["id"]: f["outcome"] for f in self.evidence(name)["findings"]}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A scratch repository with a policy."""
    scene = Scene(tmp_path)
    scene.policy()
    return scene


def test_each_commit_predicts_with_its_own_model(scene: Scene) -> None:
    """A worse model fails although nothing is committed, and an equal one passes; the step's token reaches neither."""
    scene.commit()
    scene.write("README.md", "A change of words.\n")
    scene.commit()
    done = scene.check("--base", "main~1", GITHUB_TOKEN="ghs_secret")
    assert scene.evidence()["outcome"] == "pass", done.stderr
    assert done.returncode == 0
    for arm in ("baseline", "candidate"):
        output = (scene.folder / f"evidence/predict-{arm}.log").read_text(encoding="utf-8")
        assert "secrets: [] folder: True" in output
    scene.write("train.sh", "echo 0.6 > model.txt\n")
    scene.commit()
    done = scene.check("--base", "main~1")
    assert (scene.evidence()["outcome"], done.returncode) == ("fail", 1)


@pytest.mark.parametrize(("first", "code"), [("warn", 0), ("fail", 1)])
def test_a_change_that_adds_predictions_has_no_baseline(scene: Scene, first: str, code: int) -> None:
    """The commit of the baseline has neither policy nor script; `first-run` alone decides how that counts."""
    for name in (".github/ghmlops.yml", "predict.py"):
        (scene.folder / name).unlink()
    scene.commit()
    scene.policy(first=first)
    scene.write("predict.py", PREDICT)
    scene.commit()
    done = scene.check("--base", "main~1")
    assert scene.outcomes() == {"no-baseline": first}
    assert done.returncode == code, done.stderr
    assert scene.evidence("verdict.json")["outcome"] == first


def test_a_run_without_a_commit_to_compare_with_has_no_baseline(scene: Scene) -> None:
    """The first deployment is a warning by default; its candidate is predicted nevertheless."""
    scene.commit()
    done = scene.check("--base", "none")
    assert (scene.outcomes(), done.returncode) == ({"no-baseline": "warn"}, 0), done.stderr
    assert (scene.folder / "evidence/predict-candidate.log").exists()


@pytest.mark.parametrize(
    ("predict", "limit", "fact"),
    [
        ("exit 7", "1m", "exit status 7"),
        ("true", "1m", "PREDICTIONS"),
        ("sleep 60", "1s", "predict-timeout"),
        ('echo damage > "$PREDICTIONS"', "1m", "candidate.parquet"),
        ("false | cat", "1m", "exit status 1"),
    ],
)
def test_a_prediction_that_fails_is_one_line(scene: Scene, predict: str, limit: str, fact: str) -> None:
    """A status, no file, a time-out and a file that is not Parquet are errors of the candidate, in one line each."""
    scene.commit()
    scene.policy(predict, limit=limit)
    scene.commit()
    done = scene.check("--base", "main~1")
    assert done.returncode == 2
    result = scene.evidence("regression.json")
    assert (result["outcome"], set(scene.outcomes())) == ("error", {"regression-not-judged"})
    assert fact in result["reason"]
    assert "\n" not in result["reason"]
    assert "Traceback" not in done.stderr


def test_a_baseline_that_no_longer_predicts_is_an_error(scene: Scene) -> None:
    """Its policy has `predict`, so that its failure is not that of a first run."""
    scene.policy("exit 3")
    scene.commit()
    scene.policy()
    scene.commit()
    done = scene.check("--base", "main~1")
    assert (scene.outcomes(), done.returncode) == ({"regression-not-judged": "error"}, 2)


def test_predict_runs_in_check_only(scene: Scene) -> None:
    """`regression` alone has no work trees: its error says where `predict` runs, and asks for a file."""
    command = [sys.executable, "-m", "ghmlops", "regression"]
    done = subprocess.run(command, cwd=scene.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "ghmlops check" in done.stderr
    assert "--baseline" in done.stderr


def test_values_are_never_shell_text(scene: Scene) -> None:
    """The commit and the folder reach bash as quoted variables, whatever the name of the folder."""
    target = scene.folder.with_name('re po $(touch "hacked")')
    scene.folder.rename(target)
    scene.folder = target
    scene.policy(f"test -d {{workdir}} && test -n {{sha}} && bash train.sh && {sys.executable} predict.py")
    scene.commit()
    scene.commit()
    done = scene.check("--base", "main~1")
    assert (scene.evidence()["outcome"], done.returncode) == ("pass", 0), done.stderr
    assert not list(scene.folder.rglob("hacked"))


def artifact_policy(scene: Scene) -> None:
    text = (scene.folder / ".github/ghmlops.yml").read_text(encoding="utf-8").partition("  predict:")[0]
    artifacts = "  artifacts: {baseline: 'artifact:predictions@main', candidate: candidate.parquet}\n"
    scene.write(".github/ghmlops.yml", text + artifacts)


@pytest.mark.parametrize(
    ("baseline", "outcome"),
    [
        ({"base_sha": "", "source": "none"}, {"no-baseline": "warn"}),
        ({"absent": {"artifact:predictions@main": "no artifact of that name"}}, {"no-baseline": "warn"}),
        ({"problems": {"artifact:predictions@main": "status 502"}}, {"regression-not-judged": "inconclusive"}),
        ({}, {"regression-not-judged": "error"}),
    ],
)
def test_an_artifact_that_no_run_has_is_a_first_run(
    scene: Scene, tmp_path: Path, baseline: dict[str, Any], outcome: dict[str, str]
) -> None:
    """Nothing deployed and no artifact are a first run; a failed download is inconclusive, an unnamed one an error."""
    artifact_policy(scene)
    scene.commit()
    sha = scene.commit()
    content = {"schema": "ghmlops/baseline/v1", "base_sha": sha, "source": "merge-base"} | baseline
    (tmp_path / "baseline.json").write_text(json.dumps(content), encoding="utf-8")
    base = content["base_sha"] or "none"
    done = scene.check("--base", str(base), "--baseline-file", str(tmp_path / "baseline.json"))
    assert scene.outcomes() == outcome, done.stderr
    assert scene.evidence("verdict.json")["outcome"] == next(iter(outcome.values()))


def test_several_data_sets(scene: Scene) -> None:
    """`predict` writes one file per data set into a folder; each is compared, and a missing one is named."""
    text = (scene.folder / ".github/ghmlops.yml").read_text(encoding="utf-8")
    scene.write(".github/ghmlops.yml", text + "  datasets: {eu: {}, us: {}}\n")
    copies = PREDICT.replace(', os.environ["PREDICTIONS"])', ', os.environ["PREDICTIONS"] + "/eu.parquet")')
    scene.write("predict.py", copies + 'pq.write_table(pq.read_table(os.environ["PREDICTIONS"] + "/eu.parquet"),'
                ' os.environ["PREDICTIONS"] + "/us.parquet")\n')  # fmt: skip
    scene.commit()
    scene.write("README.md", "A change of words.\n")
    scene.commit()
    done = scene.check("--base", "main~1", "--predictions-dir", "copied")
    assert (scene.evidence()["outcome"], done.returncode) == ("pass", 0), done.stderr
    assert {f["dataset"] for f in scene.evidence()["findings"] if f["id"] == "regression-auc"} == {"eu", "us"}
    copied = scene.folder / "copied/ghmlops-predicted.parquet"
    assert sorted(path.name for path in copied.iterdir()) == ["eu.parquet", "us.parquet"]
    scene.write("predict.py", copies)
    scene.commit()
    done = scene.check("--base", "main~1")
    assert (scene.outcomes(), done.returncode) == ({"regression-not-judged": "error"}, 2)
    assert "us.parquet" in scene.evidence()["reason"]


def test_a_committed_file_is_compared_with_that_of_the_base(scene: Scene) -> None:
    """Baseline and candidate are the same path: its change is judged, and without an older file it is a first run."""
    text = (scene.folder / ".github/ghmlops.yml").read_text(encoding="utf-8").partition("  predict:")[0]
    scene.write(".github/ghmlops.yml", text + "  artifacts: {baseline: p.parquet, candidate: p.parquet}\n")
    scene.commit()

    def predict(bias: float) -> None:
        scene.write("model.txt", str(bias))
        environ = {**os.environ, "PREVIEW_WORKDIR": "", "PREDICTIONS": str(scene.folder / "p.parquet")}
        subprocess.run([sys.executable, "predict.py"], cwd=scene.folder, env=environ, check=True, timeout=60)
        scene.commit()

    predict(0.0)
    assert scene.check("--base", "main~1").returncode == 0
    assert scene.outcomes() == {"no-baseline": "warn"}
    assert scene.check("--base", "none").returncode == 0
    assert scene.outcomes() == {"no-baseline": "warn"}
    predict(0.0001)
    done = scene.check("--base", "main~1")
    assert (scene.evidence("verdict.json")["outcome"], done.returncode) == ("pass", 0), done.stderr
    predict(0.6)
    done = scene.check("--base", "main~1")
    assert (scene.evidence("verdict.json")["outcome"], done.returncode) == ("fail", 1), done.stderr
