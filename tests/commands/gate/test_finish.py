"""`ghmlops gate --finish`: the deployment becomes what happened, and what was live before it becomes inactive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from ghmlops.core.history.from_results import quarantine_by_gate
from ghmlops.core.history.reading import decode_record
from ghmlops.core.history.record import DeploymentRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

Measure = "Callable[..., Evidence]"


def states(api: Api) -> dict[int, list[str]]:
    """Return the states of each deployment, oldest first."""
    rows: dict[int, list[str]] = {deployment["id"]: [] for deployment in api.state.deployments}
    for status in api.state.deployment_statuses:
        rows[status["deployment"]].append(status["state"])
    return rows


def run_as(monkeypatch: pytest.MonkeyPatch, run_id: str, *flags: str) -> int:
    """Run the gate as a job of this run."""
    monkeypatch.setenv("GITHUB_RUN_ID", run_id)
    return main(["gate", "--token", "t", *flags])


def test_success_only_once_deployed(
    here: Path, api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deployments in a row: each is queued at the gate, then a success, and the first one becomes inactive."""
    for run_id in ("42", "43"):
        measured(run_id=run_id)
        assert run_as(monkeypatch, run_id) == 0
        assert run_as(monkeypatch, run_id, "--finish", "success", "--environment-url", "https://shop.example") == 0
    assert list(states(api).values()) == [["queued", "success", "inactive"], ["queued", "success"]]
    newest = api.state.statuses[-1]
    assert (newest["context"], newest["state"], newest["sha"]) == ("ghmlops/shop/production", "success", "a" * 40)
    assert here.is_dir()


def test_a_failed_deployment_leaves_what_was_live(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that closes it passes; deployment and commit are a failure; the live one stays a success."""
    for run_id, result in (("42", "success"), ("43", "failure")):
        measured(run_id=run_id)
        assert run_as(monkeypatch, run_id) == 0
        assert run_as(monkeypatch, run_id, "--finish", result) == 0
    assert list(states(api).values()) == [["queued", "success"], ["queued", "failure"]]
    assert api.state.statuses[-1]["state"] == "failure"


@pytest.mark.parametrize(
    ("result", "decision", "outcome", "quarantined"),
    [("success", "deployed", "pass", False), ("failure", "failed", "fail", True)],
)
def test_it_leaves_a_record(
    here: Path,
    api: Api,
    measured: Callable[..., Evidence],
    monkeypatch: pytest.MonkeyPatch,
    result: str,
    decision: str,
    outcome: str,
    quarantined: bool,
) -> None:
    """What became of the deployment, for the history; a failure puts the commit into quarantine there, too."""
    measured(run_id="42")
    assert run_as(monkeypatch, "42") == 0
    assert run_as(monkeypatch, "42", "--finish", result) == 0
    assert decode_record((here / "record.json").read_bytes()).decision == "allowed"  # type: ignore[union-attr]
    record = decode_record((here / "record-finish.json").read_bytes())
    assert isinstance(record, DeploymentRecord)
    assert (record.decision, record.outcome, record.run_id, record.commit) == (decision, outcome, "42", "a" * 40)
    quarantine = quarantine_by_gate(record)
    assert (quarantine is not None) is quarantined
    assert run_as(monkeypatch, "42", "--finish", result, "--record-file", "dry.json", "--dry-run") == 0
    assert not (here / "dry.json").exists()
    assert len(api.state.deployments) == 1


def test_finishing_twice_changes_nothing_new(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeated success is a success; a success cannot become a failure."""
    measured()
    assert run_as(monkeypatch, "42") == 0
    assert run_as(monkeypatch, "42", "--finish", "success") == 0
    assert run_as(monkeypatch, "42", "--finish", "success") == 0
    assert run_as(monkeypatch, "42", "--finish", "failure") == 2
    assert set(next(iter(states(api).values()))) == {"queued", "success"}


def test_what_the_gate_did_not_allow_cannot_be_finished(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A deployment that the gate refused stays a failure, so that it never becomes a baseline."""
    measured("fail")
    assert run_as(monkeypatch, "42") == 1
    assert run_as(monkeypatch, "42", "--finish", "success") == 2
    assert "failure (quarantined)" in capsys.readouterr().err
    assert list(states(api).values()) == [["failure"]]


def test_what_waits_for_a_person_cannot_be_finished(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment on hold stays pending; the decision of a later run replaces it."""
    measured("inconclusive", run_id="41")
    assert run_as(monkeypatch, "41") == 1
    assert run_as(monkeypatch, "41", "--finish", "success") == 2
    api.seed(runs=[{"id": 41, "head_sha": "a" * 40, "event": "push", "status": "completed"}])
    measured(run_id="42")
    assert run_as(monkeypatch, "42") == 0
    assert list(states(api).values()) == [["pending", "inactive"], ["queued"]]


INPUTS: list[tuple[list[str], str]] = [
    (["--finish", "done"], "input `finish`: expected success or failure"),
    (["--finish", "success"], "a deployment that run 42 recorded was not found"),
    (["--finish", "success", "--deployment-id", "9"], "deployment 9 was not found"),
    (["--finish", "success", "--token", ""], "cannot be finished without a token"),
]


@pytest.mark.parametrize(("flags", "message"), INPUTS)
def test_bad_input(api: Api, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says what is wrong, and nothing is written."""
    assert main(["gate", "--token", "t", *flags]) == 2
    assert message in capsys.readouterr().err
    assert (api.state.statuses, api.state.deployment_statuses) == ([], [])


RUN_STATES: list[tuple[dict[str, Any], str]] = [
    ({"status": "completed", "conclusion": "cancelled"}, "error"),
    ({"status": "in_progress", "conclusion": None}, "queued"),
]


@pytest.mark.parametrize(("run", "state"), RUN_STATES)
def test_the_next_gate_closes_what_an_ended_run_left_open(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch, run: dict[str, Any], state: str
) -> None:
    """An open deployment is closed as error if its run has ended, and left alone while its run goes on."""
    measured(run_id="41")
    assert run_as(monkeypatch, "41") == 0
    api.seed(runs=[{"id": 41, "head_sha": "a" * 40, "event": "push", **run}])
    measured(run_id="42")
    assert run_as(monkeypatch, "42") == 0
    first, second = states(api).values()
    assert (first[-1], second[-1]) == (state, "queued")


JOB = "https://github.example/acme/shop/actions/runs/{}/job/7"


def test_the_deployment_of_a_jobs_environment_is_adopted_and_finished(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no service: every status of ours does, so that the next run knows what is live, and what was stale."""
    for run_id, earlier in (("42", []), ("43", ["inactive"])):
        status = {"state": "in_progress", "log_url": JOB.format(run_id)}
        api.seed(deployments=[{"sha": "a" * 40, "statuses": [status]}])
        measured(run_id=run_id)
        assert run_as(monkeypatch, run_id) == 0
        assert run_as(monkeypatch, run_id, "--finish", "success") == 0
        first = next(iter(states(api).values()))
        assert first == ["in_progress", "queued", "success", *earlier]
    ours = [s for s in api.state.deployment_statuses if s["state"] != "in_progress"]
    assert {s["description"].partition("[")[2] for s in ours} == {"ghmlops shop]"}
    assert len(api.state.deployments) == 2


def test_a_run_that_github_does_not_find_leaves_the_others_to_be_closed(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs are deleted, by people and by age; a token without the permission does not see them, either."""
    for run_id in ("40", "41", "42"):
        measured(run_id=run_id)
        if run_id == "42":
            api.seed(runs=[{"id": 41, "head_sha": "a" * 40, "event": "push", "conclusion": "cancelled"}])
        assert run_as(monkeypatch, run_id) == 0
    assert [rows[-1] for rows in states(api).values()] == ["queued", "error", "queued"]
    assert "run 40 stays open" in capsys.readouterr().err


def test_an_adopted_deployment_that_was_left_open_is_closed(
    api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that adopted it is in the address of our status."""
    api.seed(deployments=[{"sha": "a" * 40, "statuses": [{"state": "in_progress", "log_url": JOB.format("41")}]}])
    measured(run_id="41")
    assert run_as(monkeypatch, "41") == 0
    api.seed(runs=[{"id": 41, "head_sha": "a" * 40, "event": "push", "conclusion": "cancelled"}])
    measured(run_id="42")
    assert run_as(monkeypatch, "42") == 0
    assert [rows[-1] for rows in states(api).values()] == ["error", "queued"]
    closed = next(s for s in api.state.deployment_statuses if s["state"] == "error")
    assert closed["description"].endswith("[ghmlops shop]")
