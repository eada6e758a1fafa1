"""A server without artifacts: the shared path, the branch, and the gate that reads it. Real git, a local API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops import __version__
from ghmlops.act.evidence import write_evidence
from ghmlops.cli import main
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from github_api.server import Api

BRANCH = "ghmlops-evidence"
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {require: [preview], legs: {preview: [eu, us]}}
"""


class Job:
    """Jobs of run 41 in a clone of the repository, and the path that they share."""

    def __init__(self, scene: Scene, api: Api, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.api, self.patch = scene, api, patch
        self.commit = scene.work.commit("Policy", {".github/ghmlops.yml": POLICY})
        scene.work.push()
        self.shared = scene.home / "shared"
        values = {
            **scene.work.environ,
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SHA": self.commit,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_API_URL": api.url,
            "GITHUB_RUN_ID": "41",
            "RUNNER_TEMP": str(scene.home / "temp"),
        }
        for name, value in values.items():
            patch.setenv(name, value)
        patch.chdir(scene.work.folder)
        self.attempt(1)

    def attempt(self, number: int) -> None:
        """Go on with an attempt of run 41."""
        self.api.state.runs.clear()
        run = {"id": 41, "head_sha": self.commit, "event": "push", "head_branch": "main", "run_attempt": number}
        self.api.seed(runs=[run])
        self.patch.setenv("GITHUB_RUN_ATTEMPT", str(number))

    def measured(self, leg: str, outcome: str = "pass", *, attempt: int = 1, **origin: Any) -> Path:
        """Write the evidence of a leg to the shared path, as the measuring job does."""
        finding = Finding(id="preview-ready", metric="m", outcome=Outcome(outcome), reason="R.", docs="a#b")
        concluded, code, reason = conclude([finding])
        fields: dict[str, Any] = {
            "repository": "acme/shop",
            "head_sha": self.commit,
            "run_id": "41",
            "run_attempt": attempt,
            "version": __version__,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "service": "shop",
            "event": "push",
            "fingerprints": {"policy": fingerprint(self.scene.work.folder / ".github/ghmlops.yml")},
        }
        evidence = Evidence(
            command="preview",
            leg=leg,
            outcome=concluded,
            reason_code=code,
            reason=reason,
            provenance=Provenance(**{**fields, **origin}),
            findings=[finding],
        )
        write_evidence(self.shared / leg, evidence)
        return self.shared / leg / f"preview-{leg}.json"

    def store(self, *flags: str) -> int:
        return main(["store", "--evidence-dir", str(self.shared), *flags])

    def gate(self, origin: str = f"branch:{BRANCH}") -> tuple[str, str]:
        """Judge run 41; return outcome and reason code."""
        flags = ["--evidence-dir", str(self.shared), "--evidence-from", origin]
        main(["gate", "--token", "t", "--run-id", "41", *flags])
        verdict = read_verdict(self.scene.work.folder / "verdict.json")
        return verdict.outcome.value, verdict.reason_code

    def names(self) -> list[str]:
        return self.scene.remote.git("ls-tree", "-r", "--name-only", BRANCH).split()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    """The jobs; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    for name in ("GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    with running({"repositories": {"acme/shop": {}}}) as api:
        yield Job(make_scene(tmp_path), api, monkeypatch)
        assert api.violations == []


@pytest.mark.parametrize("origin", [f"branch:{BRANCH}", "folder"])
def test_evidence_travels_without_artifacts(job: Job, origin: str) -> None:
    """Two legs on the shared path, stored on the branch, open the gate; nothing of it is an artifact."""
    job.measured("eu")
    job.measured("us")
    assert job.store() == 0
    assert job.names() == ["runs/41/1/eu/preview-eu.json", "runs/41/1/us/preview-us.json"]
    assert job.gate(origin) == ("pass", "all-passed")
    assert job.store() == 0  # the same again
    assert job.scene.remote.git("rev-list", "--count", BRANCH) == "1"


def test_a_rerun_of_one_leg_keeps_the_failure_of_the_other(job: Job) -> None:
    """The attempt is that of the path: both legs fail, one is measured again and passes."""
    job.measured("eu", "fail")
    us = job.measured("us", "fail")
    assert job.store() == 0
    job.attempt(2)
    us.unlink()
    (job.shared / "eu/preview-eu.json").unlink()
    job.measured("us", attempt=2)
    assert job.store() == 0
    assert job.gate() == ("fail", "preview-ready")


def test_a_file_that_claims_a_later_attempt_replaces_nothing(job: Job) -> None:
    """In attempt 1 the file of a failed leg is joined by one that claims attempt 2, and attempt 2 has begun."""
    job.measured("eu", "fail")
    job.measured("us")
    forged = job.measured("eu", attempt=2)
    (job.shared / "zz").mkdir()
    forged.rename(job.shared / "zz/preview-eu.json")
    job.measured("eu", "fail")
    assert job.store() == 0
    job.attempt(2)
    assert job.gate() == ("error", "evidence-attempt")


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"run_id": "666"}, "evidence-foreign"),
    ({"head_sha": "b" * 40}, "evidence-foreign"),
    ({"service": "search"}, "evidence-foreign"),
    ({"attempt": 2}, "evidence-attempt"),
    ({"repository": "acme/other"}, "evidence-foreign"),
]


@pytest.mark.parametrize(("origin", "code"), FORGED)
def test_what_the_branch_contains_is_not_believed(job: Job, origin: dict[str, Any], code: str) -> None:
    """The same checks as for an artifact."""
    job.measured("eu")
    job.measured("us", **origin)
    assert job.store() == 0
    assert job.gate() == ("error", code)


def test_a_push_to_the_branch_that_no_job_made(job: Job) -> None:
    """A path of an attempt that the run does not have, and one that is no evidence, close the gate."""
    job.measured("eu")
    job.measured("us")
    job.store()
    clone = job.scene.clone("mallory", "--branch", BRANCH)
    (clone.folder / "runs/41/7").mkdir()
    clone.commit("x", {"runs/41/7/preview-eu.json": "{}"})
    clone.git("push", "--quiet", "origin", BRANCH)
    assert job.gate() == ("error", "evidence-unreadable")


def test_what_is_no_evidence_is_not_stored(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2, and no branch."""
    job.measured("eu")
    (job.shared / "eu/notes.json").write_text("{}")
    assert job.store() == 2
    assert "eu/notes.json" in capsys.readouterr().err
    assert job.scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}") == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--evidence-dir", "missing"], "missing contains no evidence"),
        (["--branch", "-x"], "branch"),
        (["--remote", "nowhere"], "nowhere"),
        (["--run-id", "x", "--token", "t"], "not a number"),
        (["--run-id", "40"], "without a token"),
    ],
)
def test_bad_input(job: Job, capsys: pytest.CaptureFixture[str], flags: list[str], message: str) -> None:
    """One line, exit code 2."""
    job.measured("eu")
    assert job.store(*flags) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(("origin", "message"), [("branch:", "evidence-from"), ("ftp", "evidence-from")])
def test_the_origin_is_one_of_three(job: Job, capsys: pytest.CaptureFixture[str], origin: str, message: str) -> None:
    """Anything else is bad input."""
    assert main(["gate", "--token", "t", "--run-id", "41", "--evidence-from", origin]) == 2
    assert message in capsys.readouterr().err
    assert main(["gate", "--token", "t", "--run-id", "41", "--evidence-from", f"branch:{BRANCH}"]) == 2
    assert BRANCH in capsys.readouterr().err
    assert not (job.scene.work.folder / "verdict.json").exists()


def test_a_dry_run_stores_nothing(job: Job) -> None:
    """It lists the paths."""
    job.measured("eu")
    assert job.store("--dry-run") == 0
    assert job.scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}") == ""
