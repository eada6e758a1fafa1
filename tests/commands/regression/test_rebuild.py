"""`ghmlops regression --rebuild`: two real builds of a commit in a real repository."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.regression.rebuild import rebuild
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details.rebuild import RebuildDetails
from ghmlops.core.errors import DataError, GhmlopsError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from git_sandbox import Repo

POLICY = """
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  artifacts: {baseline: old.parquet, candidate: out/new.parquet}
"""
START = """
import os, random, sys, time
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
N = 400
ids = list(range(N))
fair = np.random.default_rng(5)
table = {"id": ids, "y": [i % 2 for i in ids], "s": fair.random(N), "name": [f"row-{i}" for i in ids]}
os.makedirs("out", exist_ok=True)
def write(columns, name="out/new.parquet", **options):
    pq.write_table(pa.table(columns), name, **options)
COUNT = os.environ["COUNTER"]
count = len(open(COUNT).read()) if os.path.exists(COUNT) else 0
open(COUNT, "a").write("x")
"""


class Scene:
    """A repository with a build script, and the command that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.repo = Repo(folder / "repo")
        self.repo.folder.mkdir()
        self.repo.git("init", "--quiet", "--initial-branch=main")
        self.temp = folder / "temp"
        self.temp.mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environ = {**self.repo.environ, "PATH": path, "COUNTER": str(folder / "count"), "SSH_AUTH_SOCK": "secret"}
        self.policy = POLICY

    def run(
        self, body: str, command: str = "python build.py", files: dict[str, str | None] | None = None, **inputs: Any
    ) -> Result:
        self.repo.commit("build", {"build.py": START + body, ".github/ghmlops.yml": self.policy, **(files or {})})
        return self.again(command, **inputs)

    def again(self, command: str = "python build.py", **inputs: Any) -> Result:
        services = Services(
            context=Context(temp=str(self.temp)),
            environ=self.environ,
            cwd=self.repo.folder,
            now=lambda: datetime.now(UTC),
            console=Console(io.StringIO()),
        )
        return rebuild(Inputs(rebuild=command, **inputs), services)

    def evidence(self) -> Evidence:
        data = (self.repo.folder / "evidence" / "rebuild.json").read_bytes()
        return decode(data, Evidence, EVIDENCE_SCHEMA, "rebuild.json")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty repository."""
    return Scene(tmp_path)


def details(file: Evidence) -> RebuildDetails:
    assert isinstance(file.details, RebuildDetails)
    return file.details


def classes(file: Evidence) -> dict[str, str]:
    """Return the determinism of each column."""
    return {row.column: row.determinism for row in details(file).columns}


def test_a_deterministic_build_gives_the_same_bytes(scene: Scene) -> None:
    """Nothing remains in the temporary folder, in the worktrees of git or in the checkout."""
    result = scene.run("write(table)\n")
    assert (result.outcome, result.reason_code) == (Outcome.PASS, "all-passed")
    file = scene.evidence()
    assert [f.id for f in file.findings] == ["rebuild-bit-identical"]
    assert file.provenance.fingerprints["first"] == file.provenance.fingerprints["second"]
    assert classes(file) == {"y": "bit-identical", "s": "bit-identical", "name": "bit-identical"}
    assert list(scene.temp.iterdir()) == []
    assert len(scene.repo.git("worktree", "list").splitlines()) == 1
    assert not (scene.repo.folder / "out").exists()


def test_an_unseeded_random_number_is_located_in_its_column(scene: Scene) -> None:
    """Its column has a finding with the number of rows and the largest difference; the other columns are identical."""
    result = scene.run('table["s"] = np.random.default_rng().random(N)\nwrite(table)\n')
    assert result.outcome is Outcome.FAIL
    assert "an unseeded random number" in result.reason
    file = scene.evidence()
    assert classes(file) == {"s": "changed", "y": "bit-identical", "name": "bit-identical"}
    column = next(f for f in file.findings if f.id == "rebuild-column")
    assert column.n == 400
    assert column.candidate is not None
    assert 0.5 < column.candidate < 1


def test_rows_in_the_order_of_a_set_are_the_same_content(scene: Scene) -> None:
    """Only the order of the rows depends on the hash of a string: that passes, with a hint to sort."""
    body = """
order = [int(name[4:]) for name in {f"row-{i}" for i in ids}]
write({k: [v[i] for i in order] for k, v in table.items()})
"""
    result = scene.run(body)
    assert result.outcome is Outcome.PASS
    finding = scene.evidence().findings[0]
    assert finding.id == "rebuild-same-content"
    assert "sorted" in finding.reason


NOISE = 'table["s"] = table["s"] + np.random.default_rng().choice([0.0, 1e-9], N)\nwrite(table)\n'


def test_noise_is_judged_by_the_tolerance_of_the_policy(scene: Scene) -> None:
    """Differences of 1e-9 fail without a tolerance and pass within one; the class of the column says so."""
    result = scene.run(NOISE)
    assert result.outcome is Outcome.FAIL
    assert "parallel sum" in result.reason
    scene.policy = POLICY + "  tolerance: {s: 0.00000001}\n"
    result = scene.run(NOISE)
    assert result.outcome is Outcome.PASS
    assert scene.evidence().findings[0].id == "rebuild-within-tolerance"
    assert classes(scene.evidence())["s"] == "within tolerance"


def test_an_unseeded_sample_has_missing_and_added_rows(scene: Scene) -> None:
    """Rows that only one of the builds has are counted."""
    body = "keep = sorted(random.sample(ids, 300))\nwrite({k: [v[i] for i in keep] for k, v in table.items()})\n"
    assert scene.run(body).outcome is Outcome.FAIL
    row = details(scene.evidence()).builds[0]
    assert row.missing == row.added > 0
    assert "sampling" in scene.evidence().reason


def test_another_schema_is_not_reproducible(scene: Scene) -> None:
    """A column that only one build has, and a column with another type."""
    body = """
if count % 2:
    table["more"] = ids
    table["y"] = [float(v) for v in table["y"]]
write(table)
"""
    assert scene.run(body).outcome is Outcome.FAIL
    assert set(details(scene.evidence()).builds[0].other_columns) == {"more", "y"}
    assert "BIGINT" in scene.evidence().reason


def test_repeated_keys_are_compared_as_multisets(scene: Scene) -> None:
    """Another order within a key is the same content; another value is a difference."""
    body = """
table["id"] = [i // 2 for i in ids]
order = list(range(N))
random.shuffle(order)
write({k: [v[i] for i in order] for k, v in table.items()})
"""
    assert scene.run(body).outcome is Outcome.PASS
    assert "multisets" in scene.evidence().findings[0].reason
    assert (
        scene.run(body.replace("order = list", 'table["s"][7] = random.random()\norder = list')).outcome is Outcome.FAIL
    )
    assert classes(scene.evidence()) == {"s": "changed", "y": "bit-identical", "name": "bit-identical"}
    assert details(scene.evidence()).columns[0].changed == 1


def test_a_second_build_that_fails_is_a_finding(scene: Scene) -> None:
    """The first succeeded, so the build is not reproducible; the reason has the end of the output."""
    result = scene.run('write(table)\nif count % 2:\n    print("no more disk")\n    sys.exit(3)\n')
    assert (result.outcome, result.reason_code) == (Outcome.FAIL, "rebuild-failed")
    assert "exit status 3" in result.reason
    assert "no more disk" in result.reason


@pytest.mark.parametrize(
    ("body", "command", "error", "fact"),
    [
        ("sys.exit('lost')", "python build.py", InputError, "exit status 1; the end of its output: lost"),
        ("", "python build.py", DataError, "left no artifact: out/new.parquet"),
        ("", "no-such-program", InputError, "could not be started"),
        ("", "python 'build.py", InputError, "No closing quotation"),
        ("", "   ", InputError, "is empty"),
        ("open('out/new.parquet', 'w').write('no')", "python build.py", DataError, "not a Parquet file"),
        ("del table['id']\nwrite(table)", "python build.py", DataError, 'no column "id"'),
    ],
)
def test_a_first_build_without_an_artifact_is_one_error(
    scene: Scene, body: str, command: str, error: type[GhmlopsError], fact: str
) -> None:
    """The error says what happened; there is no evidence, and nothing remains on the disk."""
    with pytest.raises(error) as caught:
        scene.run(body, command)
    assert fact in caught.value.message
    assert caught.value.hint
    assert not (scene.repo.folder / "evidence").exists()
    assert list(scene.temp.iterdir()) == []


def test_a_committed_artifact_is_not_mistaken_for_a_built_one(scene: Scene) -> None:
    """The artifact is committed, and the command writes nothing."""
    scene.run("write(table)")
    (scene.repo.folder / "out").mkdir()
    scene.repo.commit("with artifact", {"out/new.parquet": "stale"})
    with pytest.raises(DataError, match=r"did not write out/new[.]parquet"):
        scene.again("true")


def test_writing_outside_of_the_folder_is_an_error(scene: Scene) -> None:
    """With an absolute path into the checkout there is no artifact; the message names the file that was written."""
    target = scene.repo.folder / "out"
    body = f"os.makedirs({str(target)!r}, exist_ok=True)\nwrite(table, {str(target / 'new.parquet')!r})\n"
    with pytest.raises(DataError) as caught:
        scene.run(body)
    assert "out/new.parquet" in caught.value.message


def test_a_file_next_to_the_folder_is_a_warning(scene: Scene) -> None:
    """The artifact is reproducible, but the next build could read the file."""
    result = scene.run("write(table)\nopen('../cache.bin', 'w').write('x')\n")
    assert (result.outcome, result.reason_code) == (Outcome.WARN, "rebuild-outside")
    assert "../cache.bin" in result.reason


def test_a_link_out_of_the_folder_is_refused(scene: Scene, tmp_path: Path) -> None:
    """Both builds would write the same file."""
    shared = tmp_path / "shared.parquet"
    body = f"write(table, {str(shared)!r})\nos.symlink({str(shared)!r}, 'out/new.parquet')\n"
    with pytest.raises(DataError, match="link"):
        scene.run(body)


@pytest.mark.parametrize(
    "name", ["/data/new.parquet", "../new.parquet", "s3://bucket/new.parquet", "artifact:new@main"]
)
def test_an_artifact_elsewhere_cannot_be_built(scene: Scene, name: str) -> None:
    """Both builds would write, or read, the same artifact."""
    scene.policy = POLICY.replace("out/new.parquet", name)
    with pytest.raises(PolicyError, match="outside of the folder"):
        scene.run("write(table)")


def test_each_data_set_is_compared(scene: Scene) -> None:
    """A folder of partitions and a pattern of files; only the second differs."""
    scene.policy = POLICY.replace(
        "  artifacts: {baseline: old.parquet, candidate: out/new.parquet}\n",
        "  datasets:\n    first: {baseline: a, candidate: out/first}\n    second: {baseline: b, candidate: 'out/b*'}\n",
    )
    body = """
for part in (0, 1):
    os.makedirs(f"out/first/part={part}")
    write({k: v[part * 200 : part * 200 + 200] for k, v in table.items()}, f"out/first/part={part}/x.parquet")
    table["s"] = np.random.default_rng().random(N)
    half = {k: v[part * 200 : part * 200 + 200] for k, v in table.items()}
    write(half, f"out/b{part}.parquet")
"""
    body = body.replace('table["s"] = np', 'saved = table["s"]; table["s"] = np') + '    table["s"] = saved\n'
    assert scene.run(body).outcome is Outcome.FAIL
    rows = {row.dataset: row for row in details(scene.evidence()).builds}
    assert {name: row.reproducibility for name, row in rows.items()} == {
        "first": "bit-identical",
        "second": "not reproducible",
    }
    assert (rows["first"].files, rows["second"].files) == (2, 2)
    failed = {(f.id, f.dataset) for f in scene.evidence().findings if f.outcome is Outcome.FAIL}
    assert failed == {("rebuild-not-reproducible", "second"), ("rebuild-column", "second")}


def test_the_build_sees_a_clean_commit_and_no_token(scene: Scene) -> None:
    """It has no uncommitted file, its own empty temporary folder, no token, no shell and no hash seed."""
    (scene.repo.folder / "local.txt").write_text("not committed")
    body = """
import json, tempfile
seen = {
    "files": sorted(os.listdir(".")), "temp": os.listdir(tempfile.gettempdir()), "args": sys.argv[1:],
    "token": "GHMLOPS_TOKEN" in os.environ, "seed": os.environ.get("PYTHONHASHSEED"), "where": os.getcwd(),
    "home": os.environ["HOME"], "tmp": tempfile.gettempdir(),
}
open(COUNT + ".json", "a").write(json.dumps(seen) + "\\n")
write(table)
"""
    scene.repo.folder.joinpath("local.txt").unlink()
    scene.repo.commit("first", {"data.txt": "x", "build.py": START + body, ".github/ghmlops.yml": POLICY})
    (scene.repo.folder / "local.txt").write_text("not committed")
    (scene.repo.folder / "data.txt").write_text("changed")
    scene.again("python build.py '$HOME' '*'")
    with open(scene.environ["COUNTER"] + ".json", encoding="utf-8") as stream:
        first, second = (json.loads(line) for line in stream)
    assert first["files"] == second["files"] == [".git", ".github", "build.py", "data.txt", "out"]
    assert first["args"] == ["$HOME", "*"]
    assert (first["temp"], first["token"], first["seed"]) == ([], False, None)
    assert first["home"] == scene.environ["HOME"]
    assert first["where"] != second["where"]
    assert first["tmp"] != second["tmp"]
    assert "1 file " in scene.evidence().not_measured[0].what


def test_background_processes_end_with_the_build(scene: Scene, tmp_path: Path) -> None:
    """A process that the build leaves in the background is terminated."""
    note = tmp_path / "pid"
    body = f"""
import subprocess
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
open({str(note)!r}, "a").write(f"{{child.pid}} ")
write(table)
"""
    scene.run(body)
    left = [int(pid) for pid in note.read_text().split()]
    assert len(left) == 2
    assert not any(psutil.pid_exists(pid) for pid in left)


def test_the_build_runs_in_the_same_folder_of_the_repository(scene: Scene) -> None:
    """A user in a subfolder of the repository gets builds in that subfolder."""
    scene.repo.commit("nested", {"model/build.py": START + "write(table)", "model/.github/ghmlops.yml": POLICY})
    root, scene.repo = scene.repo, Repo(scene.repo.folder / "model")
    assert scene.again().outcome is Outcome.PASS
    assert details(scene.evidence()).settings.folder == "model/"
    assert root.git("status", "--porcelain") == "?? model/evidence/"


def test_a_dry_run_builds_nothing(scene: Scene) -> None:
    """It names the artifact that would be built and compared."""
    result = scene.run("write(table)", dry_run=True)
    assert result.reason_code == "dry-run"
    assert "out/new.parquet" in result.text
    assert list(scene.temp.iterdir()) == []


SPY = """
import pathlib
pid, seen = os.getpid(), []
while pid > 1:
    entry = pathlib.Path("/proc", str(pid))
    seen.append((entry / "cmdline").read_bytes() + (entry / "environ").read_bytes())
    if b"regression" in seen[-1].split(b"SHELL")[0] and b"supervisor" not in seen[-1]:
        break
    pid = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
pathlib.Path(os.environ["SPIED"]).write_bytes(b"\\n".join(seen))
write(table)
"""


@pytest.mark.parametrize(
    ("argv", "variables", "name"),
    [
        (["--token", "s3cr3t-of-the-job"], {}, "token"),
        ([], {"GHMLOPS_TOKEN": "s3cr3t-of-the-job"}, "GHMLOPS_TOKEN"),
        ([], {"GITHUB_TOKEN": "s3cr3t-of-the-job"}, "GITHUB_TOKEN"),
        ([], {"AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-job", "HF_TOKEN": "x"}, "AWS_SECRET_ACCESS_KEY"),
        ([], {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cr3t-of-the-job"}, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ([], {"GHMLOPS_TOKEN": "", "GITHUB_SHA": ""}, ""),
    ],
)
def test_a_build_can_read_no_token_from_its_parents(
    scene: Scene, tmp_path: Path, argv: list[str], variables: dict[str, str], name: str
) -> None:
    """The build reads environ and cmdline of all its parents in /proc: with a secret at hand it is not started."""
    scene.repo.commit("build", {"build.py": START + SPY, ".github/ghmlops.yml": POLICY})
    spied = tmp_path / "spied"
    done = subprocess.run(
        [sys.executable, "-m", "ghmlops", "regression", "--rebuild", "python build.py", *argv],
        cwd=scene.repo.folder,
        env={**scene.environ, "SPIED": str(spied), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "s3cr3t-of-the-job" not in done.stderr.replace(" ".join(argv), "")
    if name:
        assert (done.returncode, spied.exists()) == (2, False)
        assert name in done.stderr
        return
    assert done.returncode == 0, done.stderr
    content = spied.read_bytes()
    assert content.count(b"SPIED=") >= 3  # the build, its supervisor and the command
    assert b"s3cr3t-of-the-job" not in content
