"""Evidence that the gate fetches by the id of the run: it belongs to the run, or it opens nothing."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

COMMIT, OTHER = "a" * 40, "b" * 40


class Uploads:
    """Uploads evidence to runs of the local GitHub API."""

    def __init__(self, here: Path, api: Api, measured: Callable[..., Evidence]) -> None:
        self.here, self.api, self.measured = here, api, measured

    def run(self, number: int = 41, **fields: Any) -> None:
        """Record a run of a push to the commit."""
        defaults = {"event": "push", "head_sha": COMMIT, "head_branch": "main", "head_repository": "acme/shop"}
        self.api.seed(runs=[{"id": number, **defaults, **fields}])

    def artifact(
        self,
        name: str = "ghmlops-evidence-check-1",
        outcome: str = "pass",
        *,
        leg: str = "",
        **origin: Any,
    ) -> None:
        """Upload the evidence of one measurement to run 41."""
        policy = fingerprint(self.here / ".github/ghmlops.yml")
        defaults = {"run_id": "41", "version": __version__, "service": "shop", "event": "push"}
        evidence = self.measured(outcome, **{**defaults, "fingerprints": {"policy": policy}, **origin})
        (self.here / "evidence/preview.json").unlink()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            evidence = msgspec.structs.replace(evidence, leg=leg)
            archive.writestr(f"preview-{leg}.json" if leg else "preview.json", msgspec.json.encode(evidence))
        content = base64.b64encode(packed.getvalue()).decode()
        self.api.seed(artifacts=[{"run_id": 41, "name": name, "zip_base64": content}])


@pytest.fixture
def uploads(here: Path, api: Api, measured: Callable[..., Evidence]) -> Uploads:
    """Runs and artifacts on the local GitHub API."""
    return Uploads(here, api, measured)


def judge(here: Path, *flags: str) -> tuple[int, str]:
    """Run the gate on the evidence of run 41; return the exit code and the reason code."""
    code = main(["gate", "--token", "t", "--run-id", "41", *flags])
    return code, read_verdict(here / "verdict.json").reason_code


def test_evidence_of_the_run_opens_the_gate(here: Path, uploads: Uploads) -> None:
    """Nothing lies in the folder; the evidence is fetched, and the outputs name what was judged."""
    uploads.run()
    uploads.artifact()
    code, _ = judge(here)
    verdict = read_verdict(here / "verdict.json")
    assert (code, verdict.outcome, verdict.commit) == (0, "pass", COMMIT)
    assert [file.file for file in verdict.evidence] == ["preview.json"]
    assert f"\n{COMMIT}\n" in (here / "outputs").read_text()


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    # what is wrong, fields of the run, fields of the evidence, reason code
    ("run 666 in run 41", {}, {"run_id": "666"}, "evidence-foreign"),
    ("a run of another commit", {"head_sha": OTHER}, {}, "evidence-run"),
    ("a run of a fork", {"head_repository": "mallory/shop"}, {}, "evidence-run"),
    ("an attempt above the run's own", {}, {"run_attempt": 2}, "evidence-attempt"),
    ("another service", {}, {"service": "search"}, "evidence-foreign"),
    ("another event", {}, {"event": "pull_request"}, "evidence-foreign"),
    ("no version", {}, {"version": ""}, "evidence-anonymous"),
    ("no policy", {}, {"fingerprints": {}}, "evidence-anonymous"),
    ("another policy", {}, {"fingerprints": {"policy": "sha256:" + "0" * 64}}, "evidence-policy"),
    ("another commit", {}, {"head_sha": OTHER}, "evidence-foreign"),
    ("another repository", {}, {"repository": "acme/other"}, "evidence-foreign"),
]


@pytest.mark.parametrize(("run", "origin", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_belong_to_the_run_opens_nothing(
    here: Path, uploads: Uploads, run: dict[str, Any], origin: dict[str, Any], reason: str
) -> None:
    """Each contradiction between the file and GitHub's API closes the gate, with its code."""
    uploads.run(**run)
    uploads.artifact(**origin)
    code, actual = judge(here)
    assert code > 0
    assert actual == reason


def test_a_rerun_of_one_leg_keeps_the_failure_of_the_others(here: Path, uploads: Uploads) -> None:
    """Re-running failed jobs uploads only some legs again: the failure of another leg in attempt 1 still counts."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age", "legs: {preview: [one, two]}, max-age"))
    uploads.run(run_attempt=2)
    uploads.artifact("ghmlops-evidence-one-1", "fail", leg="one", run_attempt=1)
    uploads.artifact("ghmlops-evidence-two-1", "fail", leg="two", run_attempt=1)
    uploads.artifact("ghmlops-evidence-two-2", "pass", leg="two", run_attempt=2)
    assert judge(here) == (1, "preview-ready")
    counted = {file.leg: file.outcome for file in read_verdict(here / "verdict.json").evidence}
    assert counted == {"one": "fail", "two": "pass"}


@pytest.mark.parametrize("reads", [1, 3])
def test_a_list_that_lags_hides_no_failure(
    here: Path, api: Api, uploads: Uploads, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    """Both legs ran again: one passed first and fails now, and GitHub lists its new artifact only later."""
    monkeypatch.setattr("ghmlops.clients.retry.SEARCH_DELAYS", (0.0, 0.0, 0.0))
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age", "legs: {preview: [one, two]}, max-age"))
    uploads.run(run_attempt=2)
    for leg, outcome in (("one", "fail"), ("two", "pass")):
        uploads.artifact(f"ghmlops-evidence-{leg}-1", outcome, leg=leg, run_attempt=1)
    for leg, outcome in (("one", "pass"), ("two", "fail")):
        uploads.artifact(f"ghmlops-evidence-{leg}-2", outcome, leg=leg, run_attempt=2)
    api.state.hidden[api.state.artifacts[-1]["id"]] = reads
    assert judge(here) == (1, "preview-ready")
    counted = {file.leg: file.outcome for file in read_verdict(here / "verdict.json").evidence}
    assert counted == {"one": "pass", "two": "fail"}


def test_twenty_failed_legs_of_which_one_is_run_again(
    here: Path, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """19 failures stay, although the run itself is now a success."""
    monkeypatch.setattr("ghmlops.clients.retry.SEARCH_DELAYS", (0.0,))
    legs = [f"leg{number}" for number in range(20)]
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age", f"legs: {{preview: [{', '.join(legs)}]}}, max-age"))
    uploads.run(run_attempt=2, conclusion="success")
    for leg in legs:
        uploads.artifact(f"ghmlops-evidence-{leg}-1", "fail", leg=leg, run_attempt=1)
    uploads.artifact("ghmlops-evidence-leg0-2", "pass", leg="leg0", run_attempt=2)
    assert judge(here) == (1, "preview-ready")
    outcomes = [str(file.outcome) for file in read_verdict(here / "verdict.json").evidence]
    assert (outcomes.count("fail"), outcomes.count("pass")) == (19, 1)


def test_a_leg_that_never_ran_opens_nothing(here: Path, uploads: Uploads) -> None:
    """The policy says which legs there are, not the run."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age", "legs: {preview: [one, two]}, max-age"))
    uploads.run()
    uploads.artifact("ghmlops-evidence-one-1", leg="one")
    assert judge(here) == (1, "evidence-missing")


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped"])
def test_a_cancelled_run_writes_nothing(here: Path, api: Api, uploads: Uploads, conclusion: str) -> None:
    """The verdict file says why; neither a status nor a deployment is written."""
    uploads.run(conclusion=conclusion)
    uploads.artifact()
    code, _ = judge(here)
    assert code == 1
    assert (api.state.statuses, api.state.deployments) == ([], [])


def test_evidence_cannot_be_fetched_without_a_token(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the permission."""
    assert main(["gate", "--run-id", "41"]) == 2
    assert "actions: read" in capsys.readouterr().err
    assert not (here / "verdict.json").exists()
