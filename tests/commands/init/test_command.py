"""`ghmlops init` and `policy check` in repositories made from the data sets of scikit-learn."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import yaml
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]

from ghmlops.cli import main
from ghmlops.core.policyfile.document import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = [
    ".github/ghmlops.yml",
    ".github/workflows/ghmlops-deploy.yml",
    ".github/workflows/ghmlops-report.yml",
    ".github/workflows/ghmlops.yml",
]
SERVER = """\
import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404, b"ok")

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200 if self.path == "/predict" else 404, json.dumps({"y": sum(row["x"])}).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder without a runner's variables."""
    folder = tmp_path / "scorer"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    return folder


def write(path: Path, columns: Mapping[str, Any]) -> None:
    """Write a Parquet file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path)


def cancer(noise: float = 0.0) -> dict[str, Any]:
    """Return predictions of a real classifier on real patients; noise worsens them."""
    x, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(C=1.0, max_iter=100, solver="liblinear").fit(x, y)
    logits = model.decision_function(x) + noise * np.random.default_rng(7).normal(size=len(y))
    size = np.where(x[:, 0] > np.median(x[:, 0]), "large", "small")
    score = 1.0 / (1.0 + np.exp(-logits))
    return {"id": np.arange(len(y)), "label": y, "p_benign": score, "size": size}


def diabetes(shift: float = 0.0) -> dict[str, Any]:
    """Return predictions of a real regression on real patients, in the columns of a default pandas file."""
    x, y = load_diabetes(return_X_y=True)
    prediction = Ridge(0.1).fit(x, y).predict(x) + shift
    return {"patient_id": np.arange(len(y)), "target": y, "prediction": prediction, "sex": (x[:, 1] > 0).astype(int)}


def iris(*, reverse: bool = False) -> dict[str, Any]:
    """Return class probabilities of a real classifier of three classes; reversed ones have the wrong order."""
    data = load_iris()
    model = LogisticRegression(max_iter=1000).fit(data.data, data.target)
    names = data.target_names[data.target].tolist()
    rows = list(model.predict_proba(data.data))
    return {
        "row_id": np.arange(len(names)),
        "y_true": names,
        "probabilities": [row.tolist()[::-1] if reverse else row.tolist() for row in rows],
    }


def serve(folder: Path, *, requests: bool = True) -> None:
    """Write a server of the standard library, with its request bodies."""
    (folder / "serve.py").write_text(SERVER)
    if requests:
        (folder / "requests.jsonl").write_text('{"x": [1, 2]}\n{"x": [3, 4]}\n')


def written(folder: Path) -> list[str]:
    """Return the files below `.github`."""
    return sorted(str(p.relative_to(folder)) for p in folder.glob(".github/**/*") if p.is_file())


def section(folder: Path, name: str) -> dict[str, Any]:
    """Return a section of the written policy, which the strict reader accepts."""
    text = (folder / ".github" / "ghmlops.yml").read_text()
    read_policy(text)
    body: dict[str, Any] = yaml.safe_load(text)
    return body[name]  # type: ignore[no-any-return]


def test_binary(here: Path) -> None:
    """Task, key, label, score and slices are derived, and the two files are the two sides."""
    write(here / "predictions" / "baseline.parquet", cancer())
    write(here / "predictions" / "candidate.parquet", cancer())
    assert main(["init"]) == 0
    assert written(here) == FILES
    assert section(here, "regression") == {
        "task": "binary",
        "key": ["id"],
        "label": "label",
        "score": "p_benign",
        "slices": ["size"],
        "margins": {"accuracy": "1.5%", "positive-rate": "1.8%"},
        "artifacts": {
            "baseline": "predictions/baseline.parquet",
            "candidate": "predictions/candidate.parquet",
        },
    }
    assert section(here, "gate")["require"] == ["regression"]


def test_regression_with_a_service(here: Path) -> None:
    """A single file is compared with that of the base commit; a server is recognised with its paths."""
    write(here / "predictions.parquet", diabetes())
    serve(here)
    assert main(["init"]) == 0
    body = section(here, "regression")
    assert (body["task"], body["key"], body["prediction"], body["slices"]) == (
        "regression",
        ["patient_id"],
        "prediction",
        ["sex"],
    )
    assert body["artifacts"]["baseline"] == body["artifacts"]["candidate"] == "predictions.parquet"
    assert section(here, "preview")["command"] == "python serve.py --port {port}"
    assert section(here, "preview")["ready"] == "/healthz"
    assert section(here, "latency")["request"]["path"] == "/predict"


def test_requirements(here: Path) -> None:
    """A service with requirements is built for each arm; without payloads only its start is checked."""
    (here / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (here / "requirements.txt").write_text("fastapi\n")
    assert main(["init"]) == 0
    assert section(here, "preview") == {
        "build": "python -m pip install -r requirements.txt",
        "command": "python -m uvicorn main:app --port {port}",
        "ready": "/",
        "timeout": "60s",
    }
    assert section(here, "gate")["require"] == ["preview"]


def test_multiclass(here: Path) -> None:
    """The classes of a vector are the values of the label in ascending order."""
    write(here / "predictions.parquet", iris())
    assert main(["init"]) == 0
    body = section(here, "regression")
    assert (body["task"], body["score"]) == ("multiclass", "probabilities")
    assert body["classes"] == ["setosa", "versicolor", "virginica"]


def test_labels_of_their_own(here: Path) -> None:
    """A file with key and label supplies the label of predictions without one."""
    columns = cancer()
    write(here / "labels.parquet", {"id": columns["id"], "label": columns.pop("label")})
    write(here / "predictions.parquet", columns)
    assert main(["init"]) == 0
    assert section(here, "regression")["labels"] == "labels.parquet"


def test_no_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Predictions without a unique column are named with the flag that helps; an index of pandas is not stored."""
    columns = diabetes()
    del columns["patient_id"]
    columns["prediction"] = np.round(columns["prediction"])
    write(here / "predictions.parquet", columns)
    assert main(["init"]) == 2
    error = capsys.readouterr().err
    assert "--key" in error
    assert "pandas" in error
    assert list(here.iterdir()) == [here / "predictions.parquet"]


def test_flags_win(here: Path) -> None:
    """What a flag states is not derived."""
    write(here / "predictions.parquet", {**cancer(), "row": np.arange(569)})
    line = ["init", "--service", "tumours", "--key", "row", "--slices", "", "--environment", "staging"]
    assert main([*line, "--command", "serve --port {port}", "--policy", "ml/policy.yml"]) == 0
    policy = read_policy((here / "ml" / "policy.yml").read_text())
    assert policy.service == "tumours"
    assert policy.regression is not None
    assert policy.regression.key == ("row",)
    assert policy.gate.environment == "staging"
    deploy = yaml.safe_load((here / ".github/workflows/ghmlops-deploy.yml").read_text())
    assert deploy["jobs"]["gate"]["with"] == {"policy": "ml/policy.yml", "environment": "staging"}


@pytest.mark.parametrize("existing", FILES)
def test_nothing_is_overwritten(here: Path, existing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One existing file prevents all, and is named."""
    serve(here)
    (here / existing).parent.mkdir(parents=True)
    (here / existing).write_text("mine")
    assert main(["init"]) == 2
    assert existing in capsys.readouterr().err
    assert written(here) == [existing]
    assert (here / existing).read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(here: Path) -> None:
    """If a workflow cannot be written, the policy is removed again."""
    serve(here)
    (here / ".github" / "workflows").mkdir(parents=True)
    (here / ".github" / "workflows").chmod(0o500)
    assert main(["init"]) == 2
    assert written(here) == []


def test_a_file_in_place_of_the_folder(here: Path) -> None:
    """If the folder of the workflows is a file, nothing is left of the policy and its folder."""
    serve(here)
    (here / ".github").mkdir()
    (here / ".github" / "workflows").write_text("")
    assert main(["init", "--policy", "ml/deep/policy.yml"]) == 2
    assert not (here / "ml").exists()


def test_dry_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` prints all files and writes none; unknown things are listed."""
    serve(here, requests=False)
    assert main(["init", "--dry-run", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert sorted(data["files"]) == FILES
    assert [line for line in data["unknown"] if "--payloads" in line]
    assert [line for line in data["unknown"] if "--candidate" in line]
    assert written(here) == []


def test_damaged_parquet(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not Parquet is an error of one line that names it, if nothing else is here or a flag names it."""
    (here / "predictions.parquet").write_bytes(b"PAR1 no")
    assert main(["init"]) == 2
    assert "predictions.parquet" in (error := capsys.readouterr().err)
    assert error.count("\n") == 1
    serve(here)
    assert main(["init", "--candidate", "predictions.parquet"]) == 2
    assert "predictions.parquet" in (error := capsys.readouterr().err)
    assert error.count("\n") == 1
    assert written(here) == []


@pytest.mark.parametrize("footer", [b"", b"no", b"PAR1"], ids=["empty", "cut", "wrong"])
def test_damaged_parquet_beside_good_files(here: Path, capsys: pytest.CaptureFixture[str], footer: bytes) -> None:
    """A damaged file that no flag names, as tests have them, is listed and left out."""
    write(here / "predictions.parquet", cancer())
    damaged = here / "tests" / "damaged.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"PAR1" + footer.rjust(12 if footer else 0))
    assert main(["init", "--dry-run", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [line for line in data["unknown"] if "damaged.parquet" in line and line.endswith(": left out")]
    assert "candidate: predictions.parquet" in data["files"][".github/ghmlops.yml"]


def test_what_is_no_content(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named pipes, which would wait for a writer, are not opened; a pointer of Git LFS is named with a hint."""
    serve(here)
    for name in ("pipe.parquet", "app/Dockerfile", "app/main.py", "pipe.jsonl"):
        (here / name).parent.mkdir(exist_ok=True)
        os.mkfifo(here / name)
    assert main(["init", "--dry-run"]) == 0
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * "0" + "\nsize 12345678\n"
    (here / "predictions.parquet").write_text(pointer)
    capsys.readouterr()
    assert main(["init", "--dry-run"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "predictions.parquet: a pointer" in line]
    assert "git lfs pull" in line


def test_questions_on_a_terminal(here: Path) -> None:
    """On a terminal the missing values are asked for, and the answers are used."""
    serve(here)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ghmlops", "init"], cwd=here, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE
    )
    os.close(terminal)
    os.write(controller, b"artifact:predictions@main\n")
    output, _ = process.communicate(timeout=60)
    os.close(controller)
    assert process.returncode == 0, output
    assert b"--task" in output
    assert written(here) == FILES


def check(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the result of `policy check`."""
    assert main(["policy", "check", "--json"]) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_policy_check_of_a_written_policy(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A written policy has all files, decides every quantile, and states cost, rows and permissions."""
    write(here / "predictions.parquet", cancer())
    serve(here)
    assert main(["init"]) == 0
    capsys.readouterr()
    data = check(capsys)
    assert (data["outcome"], data["reason_code"], data["missing"]) == ("pass", "policy-valid", [])
    text = "\n".join(data["runs"])
    assert "can never" not in text
    assert "6,000 requests per arm" in text
    assert "569 rows" in text
    assert "statuses: write" in text


def test_policy_check_lists_missing_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file is listed with its key, and is a warning, because a workflow may make it."""
    write(here / "predictions.parquet", cancer())
    serve(here)
    assert main(["init"]) == 0
    (here / "requests.jsonl").unlink()
    capsys.readouterr()
    data = check(capsys)
    assert (data["outcome"], data["reason_code"]) == ("warn", "files-missing")
    assert data["missing"] == ["latency.payloads: requests.jsonl"]


def git(*line: str) -> None:
    """Run git in the current folder."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *line], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("before", "after", "code", "outcome"),
    [
        pytest.param(cancer(), cancer(), 0, "pass", id="binary, equal"),
        pytest.param(cancer(), cancer(noise=6.0), 1, "fail", id="binary, worse"),
        pytest.param(diabetes(), diabetes(), 0, "pass", id="regression, equal"),
        pytest.param(diabetes(), diabetes(shift=60.0), 1, "fail", id="regression, worse"),
        pytest.param(iris(), iris(), 0, "pass", id="multiclass, equal"),
        pytest.param(iris(), iris(reverse=True), 1, "fail", id="multiclass, worse"),
    ],
)
def test_first_verdict(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    code: int,
    outcome: str,
) -> None:
    """Without an edit after `init`, an equal model passes and a worse one fails."""
    write(here / "predictions.parquet", before)
    git("init", "-q", "-b", "main")
    assert main(["init"]) == 0
    git("add", "-A")
    git("commit", "-qm", "adopt")
    git("switch", "-qc", "change")
    write(here / "predictions.parquet", after)
    (here / "note").write_text("a change")
    git("add", "-A")
    git("commit", "-qm", "change")
    capsys.readouterr()
    assert main(["check", "--base", "main", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["outcome"] == outcome


PREDICT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
table.to_parquet(parser.parse_args().out)
"""


def test_a_model_and_predictions_that_are_not_committed(here: Path) -> None:
    """CI trains the model in `build`, and `predict` makes both sides, before and after the first commit."""
    (here / "app.py").write_text('from fastapi import FastAPI\nload("model.joblib")\napp = FastAPI()\n')
    (here / "train.py").write_text('dump("model.joblib")\n')
    (here / "predict.py").write_text(PREDICT)
    (here / "requirements.txt").write_text("fastapi\n")
    (here / ".gitignore").write_text("*.joblib\n/*.parquet\n")
    write(here / "scores.parquet", {"id": np.arange(100), "label": np.arange(100) % 2, "score": np.linspace(0, 1, 100)})
    git("init", "--quiet", "-b", "main")
    build = "python -m pip install -r requirements.txt\npython train.py"
    for committed in (False, True):
        assert main(["init"]) == 0
        policy = read_policy((here / ".github/ghmlops.yml").read_text())
        assert policy.preview is not None
        assert policy.preview.build.strip() == build
        assert policy.regression is not None
        assert policy.regression.predict == 'python predict.py --out "$PREDICTIONS"'
        assert policy.regression.datasets == ()
        for name in FILES:
            (here / name).unlink()
        if not committed:
            git("add", "--all")
            git("commit", "--quiet", "-m", "Start")
    git("add", "--force", "scores.parquet", "--", ".")
    git("commit", "--quiet", "-m", "Commit the predictions")
    assert main(["init"]) == 0
    policy = read_policy((here / ".github/ghmlops.yml").read_text())
    assert policy.regression is not None
    assert policy.regression.predict == ""
    assert policy.regression.datasets[0].candidate == ("scores.parquet",)


def test_a_service_without_a_script_that_predicts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What makes uncommitted predictions is asked for; `--predict` and the columns state it without any file."""
    write(here / "scores.parquet", {"id": np.arange(100), "label": np.arange(100) % 2, "score": np.linspace(0, 1, 100)})
    (here / ".gitignore").write_text("*.parquet\n")
    git("init", "--quiet", "-b", "main")
    assert main(["init", "--dry-run"]) == 0
    assert "--predict" in capsys.readouterr().out
    (here / "scores.parquet").unlink()
    flags = ["--predict", "make predictions", "--task", "binary", "--key", "id", "--label", "y", "--score", "p"]
    assert main(["init", *flags]) == 0
    policy = read_policy((here / ".github/ghmlops.yml").read_text())
    assert policy.regression is not None
    assert (policy.regression.predict, policy.regression.key) == ("make predictions", ("id",))
    capsys.readouterr()
    assert main(["init", "--dry-run", "--predict", "x", "--policy", "other.yml"]) == 2
    assert "--key" in capsys.readouterr().err


def test_a_service_in_a_folder_of_the_repository(here: Path) -> None:
    """Its policy names its paths; its workflows are in the top folder, with its name, folder and artifacts."""
    git("init", "--quiet", "-b", "main")
    for service in ("ranker", "click scorer"):
        folder = here / "services" / service
        folder.mkdir(parents=True)
        write(
            folder / "p.parquet", {"id": np.arange(100), "label": np.arange(100) % 2, "score": np.linspace(0, 1, 100)}
        )
        assert main(["init", "--working-directory", f"services/{service}"]) == 0
    workflows = here / ".github/workflows"
    names = [f"ghmlops-{s}{kind}.yml" for s in ("click-scorer", "ranker") for kind in ("-deploy", "-report", "")]
    assert sorted(path.name for path in workflows.iterdir()) == names
    policy = read_policy((here / "services/ranker/.github/ghmlops.yml").read_text())
    assert (policy.service, policy.paths) == ("ranker", ("services/ranker/**",))
    check = yaml.safe_load((workflows / "ghmlops-click-scorer.yml").read_text())
    expected = {"working-directory": "services/click scorer", "service": "click-scorer"}
    assert check["jobs"]["check"]["with"] == expected
    report = yaml.safe_load((workflows / "ghmlops-click-scorer-report.yml").read_text())
    assert report[True]["workflow_run"]["workflows"] == [check["name"]]
    deploy = yaml.safe_load((workflows / "ghmlops-ranker-deploy.yml").read_text())
    assert deploy[True]["push"]["paths"] == ["services/ranker/**"]
    assert {job["with"]["service"] for job in deploy["jobs"].values()} == {"ranker"}
    assert main(["init", "--working-directory", "services/ranker"]) == 2
