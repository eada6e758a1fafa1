"""The real command over a real repository: the same inputs give the same bytes, and `--replay` finds them again."""

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


def plain(found: pa.Table, folder: Path) -> None:
    pq.write_table(found, folder / "part-0.parquet")


def shuffled(found: pa.Table, folder: Path) -> None:
    plain(found.take(np.random.default_rng(3).permutation(len(found))), folder)


def regrouped(found: pa.Table, folder: Path) -> None:
    pq.write_table(found, folder / "part-0.parquet", row_group_size=700, data_page_size=2000)


def encoded(found: pa.Table, folder: Path) -> None:
    how: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    pq.write_table(found, folder / "other-name.parquet", write_statistics=False, **how)


def split(found: pa.Table, folder: Path) -> None:
    mixed = found.take(np.random.default_rng(4).permutation(len(found)))
    for number, start in enumerate((0, 100, 2_500)):
        end = (100, 2_500, len(found))[number]
        pq.write_table(mixed.slice(start, end - start), folder / f"{number}.parquet", compression="gzip")


class Scene:
    """A repository with a policy and a lock file; artifacts are not in it."""

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

    def write(self, side: str, found: pa.Table, how: Callable[[pa.Table, Path], None]) -> None:
        folder = self.repo.folder / side
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        how(found, folder)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
        command = [sys.executable, "-m", "ghmlops", "regression", *args]
        return subprocess.run(
            command, cwd=self.repo.folder, env=environ, capture_output=True, text=True, check=False, timeout=120
        )

    def measure(self, *args: str) -> bytes:
        """Run the diff and return the evidence without its two times."""
        done = self.run(*args)
        assert done.returncode in (0, 1), done.stderr
        name = f"regression-{args[args.index('--leg') + 1]}.json" if "--leg" in args else "regression.json"
        return _TIMES.sub(b"", self.bytes(name))

    def bytes(self, name: str = "regression.json") -> bytes:
        return (self.repo.folder / "evidence" / name).read_bytes()

    def held(self, name: str = "regression.json") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.bytes(name))
        return found

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the evidence file as somebody else might."""
        found = self.held()
        change(found)
        (self.repo.folder / "evidence" / "regression.json").write_text(json.dumps(found), encoding="utf-8")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two fair artifacts, not yet compared."""
    return Scene(tmp_path)


def test_the_same_inputs_give_the_same_bytes(scene: Scene) -> None:
    """Twice, and with the candidate's and the baseline's rows shuffled, regrouped, encoded otherwise and split.

    Only `started` and `seconds` may differ: the fingerprints of the contents are the same too.
    """
    first = scene.measure()
    prints = scene.held()["provenance"]["fingerprints"]
    assert set(prints) >= {"baseline", "candidate", "code", "environment", "policy"}
    assert prints["baseline"].startswith("content:")
    assert prints["baseline"] != prints["candidate"]
    assert first == scene.measure("--memory-limit", "1GiB")
    for how in (shuffled, regrouped, encoded, split):
        for side, seed in (("candidate", 2), ("baseline", 1)):
            scene.write(side, table(seed), how)
        assert scene.measure() == first, how.__name__


def test_one_changed_value_is_another_content(scene: Scene) -> None:
    """The fingerprint of the side that changed is another, and only that one."""
    scene.measure()
    before = scene.held()["provenance"]["fingerprints"]
    rows = artifacts.rows(ROWS, 2)
    rows["s"][17] = np.nextafter(rows["s"][17], 1)
    scene.write("candidate", pa.table(rows), shuffled)
    scene.measure()
    after = scene.held()["provenance"]["fingerprints"]
    assert {name for name in before if before[name] != after[name]} == {"candidate"}


def test_a_replay_finds_the_evidence_again(scene: Scene) -> None:
    """Shuffled rows are the same inputs; the old file stays, and the new one holds the whole measurement."""
    scene.measure()
    before = scene.bytes()
    scene.write("candidate", table(2), split)
    done = scene.run("--replay", "evidence/regression.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replay: pass: The evidence was found again" in done.stdout
    assert scene.bytes() == before
    new = scene.held("regression-replay.json")
    assert (new["leg"], new["findings"][0]["id"]) == ("replay", "replay-identical")
    assert new["findings"][1:] == scene.held()["findings"]
    assert new["details"]["replay"]["differ"] == {}


def test_a_failure_that_is_found_again_is_a_pass_of_the_replay_alone(scene: Scene) -> None:
    """The step passes; the file is as bad as the regression is, so no gate is opened by it."""
    rows = artifacts.rows(ROWS, 2)
    rows["s"] = np.random.default_rng(9).random(ROWS)
    scene.write("candidate", pa.table(rows), plain)
    scene.measure()
    assert scene.held()["outcome"] == "fail"
    done = scene.run("--replay", "evidence/regression.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the evidence itself says: fail" in done.stdout
    assert scene.held("regression-replay.json")["outcome"] == "fail"


def test_a_number_that_is_not_found_again_fails(scene: Scene) -> None:
    """Somebody polished a number: the same inputs give another one, and both are told."""
    scene.measure()
    scene.edit(lambda found: found["findings"][0].update(reason="All is well."))
    done = scene.run("--replay", "evidence/regression.json", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reason_code"] == "replay-not-reproducible"
    new = scene.held("regression-replay.json")
    assert new["outcome"] == "fail"
    assert new["details"]["replay differences"][0]["before"] == "All is well."


def test_other_inputs_are_named(scene: Scene) -> None:
    """Another commit, another lock file and another candidate: nothing is known, and each is named."""
    scene.measure()
    scene.repo.commit("later", {"uv.lock": "newer"})
    scene.write("candidate", table(3), plain)
    done = scene.run("--replay", "evidence/regression.json", "--fail-on", "inconclusive")
    assert done.returncode == 1
    assert "replay: inconclusive" in done.stdout
    assert "the data, the code and the environment (lock file) changed" in done.stdout
    assert "is checked out" in done.stderr


def test_other_code_with_the_same_results_is_a_warning(scene: Scene) -> None:
    """A later commit that changes nothing that counts."""
    scene.measure()
    scene.repo.commit("later", {"notes.txt": "x"})
    done = scene.run("--replay", "evidence/regression.json")
    assert done.returncode == 0
    assert "replay: warn: The results were found again, although the code changed" in done.stdout


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: f.update(command="latency"), "is evidence of `latency`, not of `regression`"),
        (lambda f: f.update(schema="ghmlops/evidence/v9"), "is not readable as ghmlops/evidence/v1"),
        (lambda f: f["details"].pop("inputs"), "does not say which artifacts were compared"),
        (lambda f: f["details"]["inputs"].update(engine="sh"), "what it says of its inputs is malformed"),
        (lambda f: f["details"]["inputs"].update(policy="/etc/ghmlops.yml"), "which is an absolute path"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(baseline=["/etc/passwd"]), "which is an absolute path"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(candidate=["a,../b"]), "leads out of the repository"),
        (lambda f: f["details"]["inputs"]["datasets"][0].update(labels=["s3://x/y"]), "is fetched from elsewhere"),
        (lambda f: f["details"].update(replay={}), "is itself a replay"),
    ],
)
def test_evidence_of_somebody_else_is_one_line(
    scene: Scene, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    """Exit 2, what is wrong, and no new file."""
    scene.measure()
    scene.edit(spoil)
    done = scene.run("--replay", "evidence/regression.json")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (scene.repo.folder / "evidence" / "regression-replay.json").exists()


def test_a_file_that_is_no_evidence_is_one_line(scene: Scene) -> None:
    """Missing, a link, cut off, or nested beyond measure."""
    scene.measure()
    folder = scene.repo.folder / "evidence"
    (folder / "cut.json").write_bytes(scene.bytes()[:300])
    (folder / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (folder / "link.json").symlink_to("regression.json")
    for name, said in (
        ("none.json", "does not exist"),
        ("cut.json", "not readable"),
        ("deep.json", "not readable"),
        ("link.json", "is a link"),
    ):
        done = scene.run("--replay", f"evidence/{name}")
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_artifacts_given_anew_win_and_the_old_file_is_kept(scene: Scene, tmp_path: Path) -> None:
    """A copy elsewhere is the same data; a leg that would replace the file is refused; a dry run writes nothing."""
    scene.measure("--leg", "a")
    elsewhere = tmp_path / "copy.parquet"
    pq.write_table(table(2), elsewhere)
    file = "evidence/regression-a.json"
    done = scene.run("--replay", file, "--candidate", str(elsewhere), "--dry-run")
    assert (done.returncode, str(elsewhere) in done.stdout) == (0, True), done.stderr
    assert [path.name for path in (scene.repo.folder / "evidence").iterdir()] == ["regression-a.json"]
    done = scene.run("--replay", file, "--candidate", str(elsewhere))
    assert "replay: pass" in done.stdout, done.stdout + done.stderr
    assert scene.held("regression-a-replay.json")["leg"] == "a-replay"
    done = scene.run("--replay", file, "--leg", "a")
    assert (done.returncode, "would replace it" in done.stderr) == (2, True)
