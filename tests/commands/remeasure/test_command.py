"""`ghmlops remeasure`: honest evidence is reproduced; a forgery is found even if all of its numbers fit each other."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.cli import main
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.evidence.remeasured import Remeasured
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import policy_rules
from ghmlops.measure.evidence import decode
from ghmlops.measure.evidence import read_verdict as read_verdict_file
from git_sandbox import Repo
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 6_000
POLICY = """\
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  slices: [device]
  margins: {ece: 5%, accuracy: 2%}
  artifacts: {baseline: models/baseline.parquet, candidate: models/new}
gate: {environment: production, require: [regression]}
"""


class Scene:
    """A repository in the working directory: the deployed commit `base`, and the judged commit `head` on top of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.repo = Repo(folder)
        self.repo.git("init", "--quiet", "--initial-branch=main")
        self.write("models/baseline.parquet", 1)
        self.write("models/new/part.parquet", 1)
        ignored = "/evidence\n/handed-on\n/report*\n/verdict.json\n/outputs\n"
        self.base = self.repo.commit("deployed", {".github/ghmlops.yml": POLICY, ".gitignore": ignored})
        self.head = self.change(good=True)

    def write(self, name: str, seed: int, *, noise: float = 0.1) -> None:
        """Write predictions."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(artifacts.rows(ROWS, seed, noise=noise)), path)

    def change(self, *, good: bool) -> str:
        """Commit a candidate that is as good as the baseline, or much worse; return the commit."""
        self.write("models/new/part.parquet", 2, noise=0.1 if good else 4.0)
        self.head = self.repo.commit("retrained", {})
        self.monkeypatch.setenv("GITHUB_SHA", self.head)
        return self.head

    def check(self, *flags: str) -> int:
        """Measure as the job that runs code of the change does."""
        return main(["check", "--base", self.base, "--predictions-dir", "handed-on", *flags])

    def remeasure(self, *flags: str) -> Remeasured:
        """Measure again; return the output for the gate."""
        return remeasured(self.folder, ["--predictions-dir", "handed-on", "--base", self.base, *flags])

    @property
    def file(self) -> Path:
        """The evidence."""
        return self.folder / "evidence/regression.json"

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the evidence as somebody does who writes what the measuring job uploads."""
        evidence = json.loads(self.file.read_text())
        change(evidence)
        self.file.write_text(json.dumps(evidence))


def remeasured(folder: Path, flags: list[str]) -> Remeasured:
    """Run the command; return its output."""
    outputs = folder / "outputs"
    outputs.unlink(missing_ok=True)
    code = main(["remeasure", *flags])
    lines = outputs.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("remeasured<<"))
    result = msgspec.json.decode(lines[start + 1], type=Remeasured)
    assert code == (2 if any(item.outcome is Outcome.ERROR for item in result.repetitions) else 0)
    return result


def rules_of(result: Remeasured) -> list[tuple[str, str]]:
    """Return rule and outcome of each repetition."""
    return [(item.rule, item.outcome.value) for item in result.repetitions]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A good candidate, not yet measured."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GHMLOPS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/scorer")
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "outputs"))
    monkeypatch.chdir(folder)
    return Scene(folder, monkeypatch)


REPEATED = [("evidence-repeated", "pass")]
DIFFERS = [("evidence-differs", "error")]
NOT_REPEATED = [("evidence-not-repeated", "inconclusive")]


@pytest.mark.parametrize("good", [True, False])
def test_honest_evidence_is_reproduced(scene: Scene, *, good: bool) -> None:
    """A good candidate and a bad one: the repetition has the same results, and names the file by its digest."""
    scene.change(good=good)
    assert (scene.check() == 0) is good
    result = scene.remeasure()
    assert rules_of(result) == REPEATED
    assert result.commit == scene.head
    import hashlib

    assert result.repetitions[0].sha256 == hashlib.sha256(scene.file.read_bytes()).hexdigest()


def test_other_vector_instructions_change_no_result(scene: Scene) -> None:
    """Evidence of a processor without AVX is reproduced by this one: rounding differs, and the tolerance covers it."""
    environ = {**os.environ, "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"}
    command = [sys.executable, "-m", "ghmlops", "check", "--base", scene.base, "--predictions-dir", "handed-on"]
    done = subprocess.run(command, env=environ, cwd=scene.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rules_of(scene.remeasure()) == REPEATED


def merged(scene: Scene, result: Remeasured | None) -> tuple[Outcome, str]:
    """Merge the evidence of the folder as the gate does, with and without a repetition."""
    import hashlib
    from datetime import UTC, datetime

    data = scene.file.read_bytes()
    evidence = decode(data, Evidence, EVIDENCE_SCHEMA, "it")
    loaded = Loaded("regression.json", hashlib.sha256(data).hexdigest(), evidence, "")
    policy = read_policy(POLICY, "policy")
    rules = policy_rules(
        policy,
        commit=scene.head,
        now=datetime.now(UTC),
        base_sha=scene.base,
        remeasured=result,
        repository="acme/scorer",
    )
    verdict = merge([loaded], rules, service=policy.service)
    return verdict.outcome, verdict.reason_code


def forge(scene: Scene) -> None:
    """Measure the good predictions as if they were those of the bad commit: all numbers fit each other."""
    scene.change(good=False)
    bad = (scene.folder / "models/new/part.parquet").read_bytes()
    scene.write("models/new/part.parquet", 2)
    assert scene.check() == 0
    (scene.folder / "models/new/part.parquet").write_bytes(bad)
    (scene.folder / "handed-on/models/new/part.parquet").write_bytes(bad)


def test_a_self_consistent_forgery_is_found(scene: Scene) -> None:
    """Evidence of other predictions passes every check of one folder, and is an error once it is measured again."""
    forge(scene)
    assert merged(scene, None)[0] is Outcome.PASS
    result = scene.remeasure()
    assert rules_of(result) == DIFFERS
    assert merged(scene, result) == (Outcome.ERROR, "evidence-differs")


def test_forged_predictions_are_the_residual_risk(scene: Scene) -> None:
    """If the predictions themselves are forged, the repetition agrees with them; SECURITY.md names this."""
    forge(scene)
    scene.write("handed-on/models/new/part.parquet", 2)
    assert rules_of(scene.remeasure()) == REPEATED


def test_a_worse_baseline_in_the_measuring_job_is_found(scene: Scene) -> None:
    """The job that ran the change compared with a baseline that it wrote; the repetition reads the commit's."""
    scene.change(good=False)
    scene.write("models/baseline.parquet", 3, noise=4.0)
    flags = ["--policy", ".github/ghmlops.yml", "--predictions-dir", "handed-on"]
    scene.monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    main(["regression", *flags])
    scene.edit(lambda e: e["provenance"].update(base_sha=scene.base))
    scene.repo.git("checkout", "--quiet", "models/baseline.parquet")
    result = scene.remeasure()
    assert rules_of(result) == DIFFERS
    assert "baseline is content:" in result.repetitions[0].reason


def metric(evidence: dict[str, Any], name: str = "regression-accuracy") -> dict[str, Any]:
    """Return one finding of the evidence."""
    return next(f for f in evidence["findings"] if f["id"] == name)


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a number": lambda e: metric(e).update(candidate=metric(e)["candidate"] + 1e-4),
    "an interval": lambda e: metric(e)["change"].update(low=metric(e)["change"]["low"] + 1e-5),
    "an outcome": lambda e: metric(e).update(outcome="warn"),
    "a reason": lambda e: metric(e).update(reason="Trust me."),
    "a finding dropped": lambda e: e["findings"].remove(metric(e)),
    "a finding added": lambda e: e["findings"].append({**metric(e), "id": "regression-other"}),
    "a table": lambda e: e["details"]["metrics"].pop(),
    "a note": lambda e: e["not_measured"].append({"what": "everything", "why": "none"}),
    "details of another command": lambda e: e.update(details=None),
    "fingerprint of the baseline": lambda e: e["provenance"]["fingerprints"].update(baseline="content:x:1"),
    "no fingerprints of the data": lambda e: [
        e["provenance"]["fingerprints"].pop(name) for name in ("baseline", "candidate")
    ],
    "a fingerprint more": lambda e: e["provenance"]["fingerprints"].update(labels="content:x:1"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_each_change_of_the_evidence_is_found(scene: Scene, kind: str) -> None:
    """A changed number, outcome, text, table or fingerprint is an error."""
    assert scene.check() == 0
    scene.edit(EDITS[kind])
    assert rules_of(scene.remeasure()) == DIFFERS


def test_another_release_excuses_numbers_and_no_better_outcome(scene: Scene) -> None:
    """With another release a different number is inconclusive, and an outcome that is better is an error."""
    assert scene.check() == 0
    scene.edit(lambda e: e["provenance"].update(version="0.0.1"))
    assert rules_of(scene.remeasure()) == REPEATED
    scene.edit(EDITS["a number"])
    assert rules_of(scene.remeasure()) == NOT_REPEATED
    scene.change(good=False)
    scene.check()
    scene.edit(lambda e: e["provenance"].update(version="0.0.1"))
    scene.edit(lambda e: metric(e).update(outcome="pass"))
    assert rules_of(scene.remeasure()) == DIFFERS


UNREPEATABLE: dict[str, Callable[[Scene], object]] = {
    "no predictions": lambda s: (s.folder / "handed-on/models/new/part.parquet").unlink(),
    "no Parquet": lambda s: (s.folder / "handed-on/models/new/part.parquet").write_bytes(b"PAR1 and more bytes PAR1"),
    "truncated": lambda s: (s.folder / "handed-on/models/new/part.parquet").write_bytes(
        (s.folder / "models/new/part.parquet").read_bytes()[:-200]
    ),
    "another commit": lambda s: s.edit(lambda e: e["provenance"].update(head_sha="c" * 40)),
    "another baseline": lambda s: s.edit(lambda e: e["provenance"].update(base_sha="c" * 40)),
    "another policy": lambda s: s.edit(lambda e: e["provenance"]["fingerprints"].update(policy="sha256:" + "0" * 64)),
    "no policy": lambda s: s.edit(lambda e: e["provenance"]["fingerprints"].pop("policy")),
}


@pytest.mark.parametrize("kind", UNREPEATABLE)
def test_what_cannot_be_repeated_is_inconclusive(scene: Scene, kind: str) -> None:
    """Absent or damaged predictions, another commit, baseline or policy: never a pass, and no traceback."""
    assert scene.check() == 0
    UNREPEATABLE[kind](scene)
    result = scene.remeasure()
    assert rules_of(result) == NOT_REPEATED
    assert merged(scene, result)[0].severity >= Outcome.INCONCLUSIVE.severity


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.parquet", "~/x.parquet"])
def test_a_candidate_outside_of_its_artifact_is_not_read(scene: Scene, name: str) -> None:
    """Evidence that names a file of this machine as its candidate is not repeated."""
    assert scene.check() == 0
    text = POLICY.replace("models/new", name)
    head = scene.repo.commit("other policy", {".github/ghmlops.yml": text})
    scene.monkeypatch.setenv("GITHUB_SHA", head)
    scene.edit(lambda e: e["provenance"].update(head_sha=head))
    from ghmlops.measure.checkout import fingerprint

    policy = fingerprint(scene.folder / ".github/ghmlops.yml")
    scene.edit(lambda e: e["provenance"]["fingerprints"].update(policy=policy))
    result = scene.remeasure()
    assert rules_of(result) == NOT_REPEATED
    assert "not part of the artifact" in result.repetitions[0].reason


def test_an_untracked_baseline_is_not_taken_from_the_change(scene: Scene) -> None:
    """A baseline that the commit does not track is not looked for among the candidate's files."""
    text = POLICY.replace("models/baseline.parquet", "models/made.parquet")
    scene.base = scene.repo.commit("other policy", {".github/ghmlops.yml": text})
    scene.write("models/made.parquet", 1)
    (scene.folder / ".git/info/exclude").write_text("models/made.parquet\n")
    scene.change(good=True)
    assert scene.check() == 0
    scene.write("handed-on/models/made.parquet", 1)
    result = scene.remeasure()
    assert rules_of(result) == NOT_REPEATED
    assert "models/made.parquet" in result.repetitions[0].reason


def test_a_first_deployment_is_repeated_with_the_files_of_its_commit(scene: Scene) -> None:
    """Without a deployed commit the evidence names none, and the judged commit has the baseline."""
    assert scene.check("--base", "none") == 0
    flags = ["--predictions-dir", "handed-on"]
    assert rules_of(remeasured(scene.folder, flags)) == REPEATED


def test_a_dry_run_measures_nothing(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """It lists the evidence, and writes no result."""
    assert scene.check() == 0
    capsys.readouterr()
    assert main(["remeasure", "--dry-run", "--base", scene.base]) == 0
    assert "regression.json" in capsys.readouterr().out


def test_the_gate_demands_and_reads_the_result(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With the result the gate passes; `required` and a result of other evidence close it; other text is an error."""
    assert scene.check() == 0
    result = msgspec.json.encode(scene.remeasure()).decode()

    def gate(value: str) -> tuple[int, str]:
        code = main(["gate", "--remeasured", value, "--commit", scene.head])
        verdict = read_verdict_file(scene.folder / "verdict.json")
        return code, verdict.reason_code

    codes = {f.id for f in read_verdict_file(scene.folder / "verdict.json").findings} if gate(result)[0] == 0 else set()
    assert "evidence-repeated" in codes
    assert gate("required") == (1, "evidence-not-repeated")
    scene.edit(lambda e: e.update(reason=e["reason"] + " "))
    assert gate(result) == (1, "evidence-not-repeated")
    capsys.readouterr()
    assert main(["gate", "--remeasured", "{]", "--commit", scene.head]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "remeasured" in error


class Uploads:
    """Artifacts of run 41 on the local GitHub API."""

    def __init__(self, api: Api, scene: Scene) -> None:
        self.api, self.scene = api, scene

    def run(self, number: int, sha: str, event: str = "push", **fields: Any) -> None:
        """Record a run of the main branch."""
        run = {"id": number, "head_sha": sha, "event": event, "head_branch": "main", "head_repository": "acme/scorer"}
        self.api.seed(runs=[{**run, **fields}])

    def artifact(self, run: int, name: str, folder: Path) -> None:
        """Upload the files of a folder."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(file, file.relative_to(folder))
        content = base64.b64encode(packed.getvalue()).decode()
        self.api.seed(artifacts=[{"run_id": run, "name": name, "zip_base64": content}])

    def deploy(self, sha: str) -> None:
        """Record a successful deployment."""
        self.api.seed(deployments=[{"sha": sha, "payload": {"ghmlops": {"run_id": "1", "service": "scorer"}}}])
        texts = ("description", "environment_url", "log_url", "target_url")
        fields = {"environment": "production", "state": "success", **dict.fromkeys(texts, "")}
        author = {"login": "github-actions[bot]", "type": "Bot", "repository": "acme/scorer"}
        status = self.api.state.stamped(deployment=self.api.state.deployments[-1]["id"], **fields, **author)
        self.api.state.deployment_statuses.append(status)


@pytest.fixture
def uploads(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    """The local GitHub API; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/scorer": {}}}) as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        yield Uploads(api, scene)
        assert api.violations == []


RUN = ["--token", "t", "--run-id", "41"]


def test_evidence_and_predictions_of_a_run_are_fetched(uploads: Uploads) -> None:
    """By the id of the run; the baseline is what GitHub shows as deployed. Without predictions it is inconclusive."""
    scene = uploads.scene
    assert scene.check() == 0
    uploads.run(41, scene.head)
    uploads.deploy(scene.base)
    uploads.artifact(41, "ghmlops-evidence-check-1", scene.folder / "evidence")
    scene.edit(lambda e: e.update(reason="of the folder, which is not read"))
    assert rules_of(remeasured(scene.folder, RUN)) == NOT_REPEATED
    uploads.artifact(41, "ghmlops-predictions-check-1", scene.folder / "handed-on")
    result = remeasured(scene.folder, RUN)
    assert (rules_of(result), result.commit) == (REPEATED, scene.head)


def test_the_baseline_artifact_is_fetched_and_not_taken_from_the_run(uploads: Uploads) -> None:
    """The measuring job replaces the baseline that the job `baseline` handed on; the repetition downloads its own."""
    scene = uploads.scene
    text = POLICY.replace("models/baseline.parquet", '"artifact:predictions@main"')
    scene.base = scene.repo.commit("artifact", {".github/ghmlops.yml": text})
    uploads.run(7, scene.base)
    scene.write("kept/part.parquet", 1)
    uploads.artifact(7, "predictions", scene.folder / "kept")
    uploads.deploy(scene.base)
    (scene.folder / ".git/info/exclude").write_text("kept\nbaseline\n")
    scene.change(good=True)
    assert main(["baseline", "--token", "t", "--base", scene.base]) == 0
    flags = ["--baseline-file", "baseline/baseline.json"]
    assert scene.check(*flags) == 0
    uploads.run(41, scene.head)
    uploads.artifact(41, "ghmlops-predictions-check-1", scene.folder / "handed-on")
    uploads.artifact(41, "ghmlops-evidence-check-1", scene.folder / "evidence")
    assert rules_of(remeasured(scene.folder, RUN)) == REPEATED

    scene.change(good=False)
    scene.write("baseline/1/part.parquet", 3, noise=4.0)
    scene.check(*flags)
    uploads.run(42, scene.head)
    uploads.artifact(42, "ghmlops-predictions-check-1", scene.folder / "handed-on")
    uploads.artifact(42, "ghmlops-evidence-check-1", scene.folder / "evidence")
    result = remeasured(scene.folder, ["--token", "t", "--run-id", "42"])
    assert rules_of(result) == DIFFERS
    assert "baseline is content:" in result.repetitions[0].reason


MAKE = """\
import os, sys, pyarrow.parquet as pq
path = os.environ["PREDICTIONS"]
pq.write_table(pq.read_table("models/new/part.parquet"), path)
"""


def predicting(scene: Scene) -> None:
    """Commit a policy whose predictions both arms make; the base commit predicts what it contains."""
    text = POLICY.partition("  artifacts:")[0] + f"  predict: {sys.executable} make.py\n"
    gate = "gate: {environment: production, require: [regression]}\n"
    scene.write("models/new/part.parquet", 1)
    scene.base = scene.repo.commit("predicts", {".github/ghmlops.yml": text + gate, "make.py": MAKE})


@pytest.mark.parametrize("good", [True, False])
def test_the_baseline_is_predicted_again_by_its_own_commit(scene: Scene, *, good: bool) -> None:
    """`predict` of the baseline's commit runs in the job that remeasures; that of the change does not."""
    predicting(scene)
    scene.change(good=good)
    assert scene.check() == (0 if good else 1)
    (scene.folder / "make.py").write_text("raise SystemExit('code of the change')\n")
    assert rules_of(scene.remeasure()) == REPEATED
    shutil.copy(scene.folder / "models/baseline.parquet", scene.folder / "handed-on/ghmlops-predicted.parquet")
    assert rules_of(scene.remeasure()) == DIFFERS


def test_a_change_that_adds_predict_has_no_baseline_to_repeat(scene: Scene) -> None:
    """Only what the policy of the baseline's commit judged is repeated; the other leg has no baseline."""
    text = POLICY.partition("  artifacts:")[0] + f"  predict: {sys.executable} make.py\n"
    scene.repo.commit("predicts", {".github/ghmlops.yml": text, "make.py": MAKE})
    scene.change(good=True)
    assert scene.check() == 0
    own = json.loads((scene.folder / "evidence/regression-head-policy.json").read_text())
    assert [finding["id"] for finding in own["findings"]] == ["no-baseline"]
    assert rules_of(scene.remeasure()) == REPEATED
