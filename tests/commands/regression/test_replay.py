"""The command in a real repository: the same inputs give the same bytes, and `--replay` confirms it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from git_sandbox import Repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 6_000
POLICY = """
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  time: t
  window: 1w
  slices: [device, [device, country]]
  minimum-rows: 100
  artifacts: {baseline: baseline, candidate: candidate}
"""
_TIMES = re.compile(rb'"(started|seconds)": [^,\n]*')


def table(seed: int) -> pa.Table:
    return pa.table(artifacts.rows(ROWS, seed))


def plain(rows: pa.Table, folder: Path) -> None:
    pq.write_table(rows, folder / "part-0.parquet")


def shuffled(rows: pa.Table, folder: Path) -> None:
    plain(rows.take(np.random.default_rng(3).permutation(len(rows))), folder)


def regrouped(rows: pa.Table, folder: Path) -> None:
    pq.write_table(rows, folder / "part-0.parquet", row_group_size=700, data_page_size=2000)


def encoded(rows: pa.Table, folder: Path) -> None:
    encoding: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    pq.write_table(rows, folder / "other-name.parquet", write_statistics=False, **encoding)


def split(rows: pa.Table, folder: Path) -> None:
    mixed = rows.take(np.random.default_rng(4).permutation(len(rows)))
    for number, start in enumerate((0, 100, 2_500)):
        end = (100, 2_500, len(rows))[number]
        pq.write_table(mixed.slice(start, end - start), folder / f"{number}.parquet", compression="gzip")


class Scene:
    """A repository with a policy and a lock file; the artifacts are not committed."""

    def __init__(self, folder: Path) -> None:
        self.repo = Repo(folder / "repo")
        self.repo.folder.mkdir()
        self.repo.git("init", "--quiet", "--initial-branch=main")
        files: dict[str, str | None] = {
            ".github/ghmlops.yml": POLICY,
            "uv.lock": "locked",
            ".gitignore": "/evidence\n/baseline\n/candidate\n",
        }
        self.repo.commit("policy", files)
        self.write("baseline", table(1), plain)
        self.write("candidate", table(2), plain)

    def write(self, side: str, rows: pa.Table, write_files: Callable[[pa.Table, Path], None]) -> None:
        folder = self.repo.folder / side
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        write_files(rows, folder)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
        command = [sys.executable, "-m", "ghmlops", "regression", *args]
        return subprocess.run(
            command, cwd=self.repo.folder, env=environ, capture_output=True, text=True, check=False, timeout=120
        )

    def measure(self, *args: str) -> bytes:
        """Run the comparison and return the evidence without its start and duration."""
        process = self.run(*args)
        assert process.returncode in (0, 1), process.stderr
        name = f"regression-{args[args.index('--leg') + 1]}.json" if "--leg" in args else "regression.json"
        return _TIMES.sub(b"", self.bytes(name))

    def bytes(self, name: str = "regression.json") -> bytes:
        return (self.repo.folder / "evidence" / name).read_bytes()

    def evidence(self, name: str = "regression.json") -> dict[str, Any]:
        evidence: dict[str, Any] = json.loads(self.bytes(name))
        return evidence

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the evidence file as an attacker might."""
        evidence = self.evidence()
        change(evidence)
        (self.repo.folder / "evidence" / "regression.json").write_text(json.dumps(evidence), encoding="utf-8")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two equally good artifacts, not yet compared."""
    return Scene(tmp_path)


def test_the_same_inputs_give_the_same_bytes(scene: Scene) -> None:
    """Twice, and with the rows of either artifact shuffled, regrouped, in another encoding, and split into files.

    Only `started` and `seconds` may differ: the fingerprints of the contents are the same too.
    """
    first = scene.measure()
    prints = scene.evidence()["provenance"]["fingerprints"]
    assert set(prints) >= {"baseline", "candidate", "code", "environment", "policy"}
    assert prints["baseline"].startswith("content:")
    assert prints["baseline"] != prints["candidate"]
    assert first == scene.measure("--memory-limit", "1GiB")
    for write_files in (shuffled, regrouped, encoded, split):
        for side, seed in (("candidate", 2), ("baseline", 1)):
            scene.write(side, table(seed), write_files)
        assert scene.measure() == first, write_files.__name__


def test_one_changed_value_is_another_content(scene: Scene) -> None:
    """Only the fingerprint of the changed artifact differs."""
    scene.measure()
    before = scene.evidence()["provenance"]["fingerprints"]
    rows = artifacts.rows(ROWS, 2)
    rows["s"][17] = np.nextafter(rows["s"][17], 1)
    scene.write("candidate", pa.table(rows), shuffled)
    scene.measure()
    after = scene.evidence()["provenance"]["fingerprints"]
    assert {name for name in before if before[name] != after[name]} == {"candidate"}


def test_a_replay_of_the_same_inputs_passes(scene: Scene) -> None:
    """Shuffled rows are the same inputs; the old file remains, and the new one has the complete measurement."""
    scene.measure()
    before = scene.bytes()
    scene.write("candidate", table(2), split)
    process = scene.run("--replay", "evidence/regression.json")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "replay: pass: " in process.stdout
    assert scene.bytes() == before
    new = scene.evidence("regression-replay.json")
    assert (new["leg"], new["findings"][0]["id"]) == ("replay", "replay-identical")
    assert new["findings"][1:] == scene.evidence()["findings"]
    assert new["details"]["replay"]["differ"] == {}


def test_a_reproduced_failure_passes_the_step_and_fails_the_evidence(scene: Scene) -> None:
    """The outcome of the file is that of the regression, so the replay cannot open a gate."""
    rows = artifacts.rows(ROWS, 2)
    rows["s"] = np.random.default_rng(9).random(ROWS)
    scene.write("candidate", pa.table(rows), plain)
    scene.measure()
    assert scene.evidence()["outcome"] == "fail"
    process = scene.run("--replay", "evidence/regression.json")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "replayed evidence: fail: " in process.stdout
    assert scene.evidence("regression-replay.json")["outcome"] == "fail"


def test_manipulated_evidence_is_not_reproducible(scene: Scene) -> None:
    """The same inputs give another result, and the evidence of the replay has both values."""
    scene.measure()
    scene.edit(lambda evidence: evidence["findings"][0].update(reason="All is well."))
    process = scene.run("--replay", "evidence/regression.json", "--json")
    assert process.returncode == 1
    assert json.loads(process.stdout)["reason_code"] == "replay-not-reproducible"
    new = scene.evidence("regression-replay.json")
    assert new["outcome"] == "fail"
    assert new["details"]["replay"]["differences"][0]["before"] == "All is well."


def test_other_inputs_make_a_replay_inconclusive(scene: Scene) -> None:
    """Another commit, another lock file and another candidate: each has a finding."""
    scene.measure()
    scene.repo.commit("later", {"uv.lock": "newer"})
    scene.write("candidate", table(3), plain)
    process = scene.run("--replay", "evidence/regression.json", "--fail-on", "inconclusive")
    assert process.returncode == 1
    assert "replay: inconclusive" in process.stdout
    ids = {finding["id"] for finding in scene.evidence("regression-replay.json")["findings"]}
    assert {"replay-other-inputs", "replay-data", "replay-code", "replay-environment"} <= ids
    assert "checked out" in process.stderr


def test_other_code_with_the_same_results_is_a_warning(scene: Scene) -> None:
    """A later commit without an effect on the predictions."""
    scene.measure()
    scene.repo.commit("later", {"notes.txt": "x"})
    process = scene.run("--replay", "evidence/regression.json")
    assert process.returncode == 0
    assert "replay: warn: " in process.stdout
    ids = {finding["id"] for finding in scene.evidence("regression-replay.json")["findings"]}
    assert {"replay-other-inputs", "replay-code"} <= ids


REPLAY: dict[str, Any] = {"file": "x", "sha256": "0", "compared": {}, "differ": {}, "inputs": [], "differences": []}


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda f: f.update(command="latency"), "is evidence of `latency`, not of `regression`"),
        (lambda f: f.update(schema="ghmlops/evidence/v9"), "is not readable as ghmlops/evidence/v1"),
        (lambda f: f["details"].pop("inputs"), "regression.json does not name the artifacts"),
        (lambda f: f["details"]["inputs"].update(engine="sh"), "$.details.inputs.engine"),
        (lambda f: f["details"]["inputs"].update(policy="/etc/ghmlops.yml"), "which is an absolute path"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(baseline=["/etc/passwd"]), "which is an absolute path"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(candidate=["a,../b"]), "leads out of the repository"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(labels=["s3://x/y"]), "would be downloaded"),
        (lambda f: f["details"].update(replay=REPLAY), "is itself a replay"),
    ],
)
def test_unusable_evidence_is_one_error(scene: Scene, spoil: Callable[[dict[str, Any]], object], fact: str) -> None:
    """Exit 2 with a message on one line, and an error as evidence."""
    scene.measure()
    scene.edit(spoil)
    process = scene.run("--replay", "evidence/regression.json")
    assert process.returncode == 2
    assert fact in process.stderr
    assert "Traceback" not in process.stderr
    assert scene.evidence("regression-replay.json")["outcome"] == "error"


def test_a_file_that_is_not_evidence_is_one_error(scene: Scene) -> None:
    """It is missing, a link, truncated, or nested too deeply."""
    scene.measure()
    folder = scene.repo.folder / "evidence"
    (folder / "cut.json").write_bytes(scene.bytes()[:300])
    (folder / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (folder / "link.json").symlink_to("regression.json")
    for name, fact in (
        ("none.json", "does not exist"),
        ("cut.json", "not readable"),
        ("deep.json", "not readable"),
        ("link.json", "is a link"),
    ):
        process = scene.run("--replay", f"evidence/{name}")
        assert (process.returncode, fact in process.stderr, "Traceback" in process.stderr) == (2, True, False), (
            process.stderr
        )


def test_flags_override_the_artifacts_and_the_old_file_remains(scene: Scene, tmp_path: Path) -> None:
    """A copy elsewhere is the same data; a leg that would replace the file is refused; a dry run writes nothing."""
    scene.measure("--leg", "a")
    elsewhere = tmp_path / "copy.parquet"
    pq.write_table(table(2), elsewhere)
    file = "evidence/regression-a.json"
    process = scene.run("--replay", file, "--candidate", str(elsewhere), "--dry-run")
    assert (process.returncode, str(elsewhere) in process.stdout) == (0, True), process.stderr
    assert [path.name for path in (scene.repo.folder / "evidence").iterdir()] == ["regression-a.json"]
    process = scene.run("--replay", file, "--candidate", str(elsewhere))
    assert "replay: pass" in process.stdout, process.stdout + process.stderr
    assert scene.evidence("regression-a-replay.json")["leg"] == "a-replay"
    process = scene.run("--replay", file, "--leg", "a")
    assert (process.returncode, "would replace the file" in process.stderr) == (2, True)
