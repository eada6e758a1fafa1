"""`ghmlops baseline`: which commit is the baseline of each event, and what is downloaded for the job that measures."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from ghmlops.commands.shared.baseline_file import BaselineFile, read_baseline, with_baseline
from ghmlops.core.artifacts.build_key import key_prefix
from ghmlops.core.errors import DataError
from ghmlops.core.policy.regression import Dataset
from ghmlops.measure.builds.keys import commit_key
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = """\
version: 1
service: shop
regression:
  task: binary
  key: [id]
  label: y
  score: p
  artifacts: {baseline: "artifact:NAME@main", candidate: candidate.parquet}
"""


class Repository:
    """A repository in the working directory, whose first commit has the policy, and the local GitHub API."""

    def __init__(self, folder: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.api, self.monkeypatch = folder, api, monkeypatch
        self.git("init", "-q", "-b", "main")
        (folder / ".github").mkdir()
        self.first = self.commit("predictions")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, artifact: str, more: str = "") -> str:
        """Commit a policy that names this artifact as its baseline, with more sections; return the commit."""
        (self.folder / ".github/ghmlops.yml").write_text(POLICY.replace("NAME", artifact) + more)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", artifact)
        return self.git("rev-parse", "HEAD")

    def event(self, name: str, payload: dict[str, Any]) -> None:
        """Set the event of the run; its commit is the one that is checked out."""
        event = self.folder.parent / "event.json"
        event.write_text(json.dumps(payload))
        values = {"NAME": name, "PATH": str(event)}
        for key, value in values.items():
            self.monkeypatch.setenv(f"GITHUB_EVENT_{key}", value)
        self.monkeypatch.setenv("GITHUB_SHA", self.git("rev-parse", "HEAD"))

    def deploy(self, sha: str, state: str = "success") -> None:
        """Record a deployment with one status."""
        payload = {"ghmlops": {"run_id": "1", "service": "shop"}}
        self.api.seed(deployments=[{"sha": sha, "payload": payload}])
        deployment = self.api.state.deployments[-1]["id"]
        fields = {
            "environment": "production",
            "description": "",
            "environment_url": "",
            "log_url": "",
            "target_url": "",
        }
        author = {"login": "github-actions[bot]", "type": "Bot", "repository": "acme/shop"}
        status = self.api.state.stamped(deployment=deployment, state=state, **fields, **author)
        self.api.state.deployment_statuses.append(status)

    def upload(self, run_id: int, sha: str, name: str, content: bytes = b"PAR1") -> None:
        """Record a successful push run of a commit with one artifact."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("part.parquet", content)
        run = {"id": run_id, "head_sha": sha, "event": "push", "head_branch": "main", "head_repository": "acme/shop"}
        artifact = {"run_id": run_id, "name": name, "zip_base64": base64.b64encode(packed.getvalue()).decode()}
        self.api.seed(runs=[run], artifacts=[artifact])

    def run(self, *flags: str) -> BaselineFile:
        """Run the command with a token; return what it wrote."""
        assert main(["baseline", "--token", "t", *flags]) == 0
        return read_baseline(self.folder / "baseline/baseline.json", "baseline.json")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository and the API; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    with running({"repositories": {"acme/shop": {}}}) as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        yield Repository(folder, api, monkeypatch)
        assert api.violations == []


def test_a_push_is_compared_with_what_is_deployed(repository: Repository) -> None:
    """A rejected commit before the push is not the baseline: the newest successful deployment is."""
    good, rejected = repository.first, repository.commit("predictions")
    repository.deploy(good)
    repository.deploy(rejected, "failure")
    head = repository.commit("predictions")
    repository.event("push", {"before": rejected, "after": head})
    repository.upload(7, good, "predictions", b"good")
    repository.upload(8, rejected, "predictions", b"rejected")
    baseline = repository.run()
    assert (baseline.base_sha, baseline.source) == (good, "deployment")
    assert baseline.artifacts == {"artifact:predictions@main": "1"}
    assert (repository.folder / "baseline/1/part.parquet").read_bytes() == b"good"
    assert "base-sha<<" in (repository.folder.parent / "outputs").read_text()


def test_a_first_deployment_has_no_baseline(repository: Repository) -> None:
    """If the API shows no successful deployment, there is no commit, and nothing is downloaded."""
    repository.event("push", {"before": repository.first})
    baseline = repository.run()
    assert (baseline.base_sha, baseline.source, baseline.artifacts, baseline.problems) == ("", "none", {}, {})
    outputs = (repository.folder.parent / "outputs").read_text().splitlines()
    assert {"none", "warn", "baseline-none"} <= set(outputs)


def test_a_pull_request_is_compared_with_its_merge_base(repository: Repository) -> None:
    """Neither the tip of the target branch nor the deployed commit counts; the policy of the head does not, either."""
    fork_point = repository.first
    repository.git("switch", "-q", "-c", "topic")
    head = repository.commit("chosen-by-the-change")
    repository.git("switch", "-q", "main")
    tip = repository.commit("predictions")
    repository.git("switch", "-q", "topic")
    repository.deploy(tip)
    repository.event("pull_request", {"pull_request": {"number": 7, "head": {"sha": head}, "base": {"sha": tip}}})
    repository.upload(7, fork_point, "predictions", b"fork point")
    baseline = repository.run()
    assert (baseline.base_sha, baseline.source) == (fork_point, "merge-base")
    assert list(baseline.artifacts) == ["artifact:predictions@main"]
    assert (repository.folder / "baseline/1/part.parquet").read_bytes() == b"fork point"


def test_a_merge_group_names_its_base(repository: Repository) -> None:
    """In a merge queue, the baseline is the commit that the group is merged onto."""
    base = repository.first
    repository.commit("predictions")
    repository.event("merge_group", {"merge_group": {"base_sha": base}})
    baseline = repository.run()
    assert (baseline.base_sha, baseline.source) == (base, "merge-queue")


def test_an_artifact_that_no_run_has_is_no_baseline(repository: Repository) -> None:
    """The commit is known, the file says why its predictions are not there, and the comparison is refused with it."""
    repository.deploy(repository.first)
    repository.event("push", {})
    baseline = repository.run()
    assert (baseline.base_sha, baseline.artifacts) == (repository.first, {})
    assert "no artifact of that name" in baseline.absent["artifact:predictions@main"]
    dataset = Dataset(baseline=("artifact:predictions@main",), candidate=("candidate.parquet",))
    with pytest.raises(DataError) as error:
        with_baseline((dataset,), baseline, "baseline")
    assert error.value.reason_code == "no-baseline"


BUILD = 'preview: {build: make, command: "./serve {port}"}\n'
EVENT = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}


def built(repository: Repository) -> tuple[str, str]:
    """Commit a policy with a build and deploy it; return the commit and how the key of its build starts."""
    sha = repository.commit("predictions", BUILD)
    repository.deploy(sha)
    return sha, key_prefix(commit_key(repository.folder, sha, "make"))


def outputs(repository: Repository) -> tuple[str, str]:
    """Return `build-key` and `build-missing` of the last run."""
    lines = (repository.folder.parent / "outputs").read_text().splitlines()
    starts = {line.partition("<<")[0]: index for index, line in enumerate(lines)}
    return lines[starts["build-key"] + 1], lines[starts["build-missing"] + 1]


@pytest.mark.parametrize("foreign", [False, True])
def test_only_a_build_of_the_default_branch_is_named(repository: Repository, foreign: bool) -> None:
    """The key in the cache, unless a run of a pull request saved it as well; a push then builds its commit again."""
    _, prefix = built(repository)
    key = prefix + "0" * 64
    repository.api.seed(caches=[{"key": key, "ref": "refs/heads/main"}])
    if foreign:
        repository.api.seed(caches=[{"key": key, "ref": "refs/pull/7/merge"}])
    repository.event("push", EVENT)
    assert repository.run().build == ("" if foreign else key)
    assert outputs(repository) == (("", "true") if foreign else (key, "false"))


@pytest.mark.parametrize(
    ("event", "payload", "missing"),
    [
        ("push", EVENT, "true"),
        ("push", {**EVENT, "ref": "refs/heads/topic"}, "false"),
        ("push", {"ref": "refs/heads/main"}, "false"),
        ("schedule", EVENT, "false"),
    ],
)
def test_only_a_push_to_the_default_branch_builds_for_others(
    repository: Repository, event: str, payload: dict[str, Any], missing: str
) -> None:
    """Its own build is missing; no other event saves one."""
    built(repository)
    repository.event(event, payload)
    repository.run()
    assert outputs(repository) == ("", missing)


def test_without_the_list_of_caches_nothing_is_restored(repository: Repository) -> None:
    """A server that does not list caches costs a build and no error."""
    built(repository)
    repository.api.seed(faults=[{"kind": "status", "status": 404, "path": ".*/actions/caches", "times": 9}])
    repository.event("push", EVENT)
    assert repository.run().build == ""
    assert outputs(repository) == ("", "false")


def test_a_push_without_a_token_is_refused(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Deployments cannot be read, so nothing may stand in for them."""
    repository.event("push", {"before": repository.first})
    assert main(["baseline"]) == 2
    assert "deployments: read" in capsys.readouterr().err


def test_a_named_commit_needs_no_token(repository: Repository) -> None:
    """On a person's machine, the commit is named."""
    repository.git("rm", "-q", "-r", "--cached", ".github")
    assert main(["baseline", "--base", repository.first, "--dry-run"]) == 0
    assert main(["baseline", "--base", "nowhere"]) == 2


def test_files_replace_the_specifications() -> None:
    """Every role but the candidate's is replaced; local files stay as they are."""
    dataset = Dataset(
        baseline=("artifact:p@main", "old.parquet"), candidate=("artifact:p@main",), labels=("artifact:l@main:y/*",)
    )
    baseline = BaselineFile(base_sha="a" * 40, artifacts={"artifact:p@main": "1", "artifact:l@main:y/*": "2/y/*"})
    (replaced,) = with_baseline((dataset,), baseline, "handed/on")
    assert replaced.baseline == ("handed/on/1", "old.parquet")
    assert replaced.labels == ("handed/on/2/y/*",)
    assert replaced.candidate == ("artifact:p@main",)


HOSTILE = [
    b"",
    b"[]",
    b'{"schema": "ghmlops/baseline/v1", "base_sha": "HEAD"}',
    b'{"schema": "ghmlops/baseline/v1", "artifacts": {"a": "../secret"}}',
    b'{"schema": "ghmlops/baseline/v1", "artifacts": {"a": "/etc/passwd"}}',
    b'{"schema": "ghmlops/evidence/v1"}',
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_malformed_file_is_one_error(tmp_path: Path, content: bytes) -> None:
    """A file of another form, or one that names files outside its folder, is refused."""
    file = tmp_path / "baseline.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"baseline\.json"):
        read_baseline(file, "baseline.json")
