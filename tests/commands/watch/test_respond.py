"""From an alarm to a revert, with a real history and a local API: each workflow is started once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from history_records import confirmation, revert
from watched_service import POLICY, STEP_HOURS, WORKFLOW

if TYPE_CHECKING:
    from watched_service import WatchedService

ACT = ("--respond", "--issue")
CANCELLED = WORKFLOW.replace("false", "true")


def test_from_the_alarm_to_the_recovery(service: WatchedService) -> None:
    """A verdict is started once, a lost response included; its record starts one revert; health closes the issue."""
    service.append(*service.deployments())
    service.api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/dispatches$"}])
    for state in ("confirm", "confirming", "confirming"):
        assert service.run(*ACT) == 0
        assert service.states() == [state]
        for run in service.api.state.runs:  # as `run-name: confirm (${{ inputs.request }})` names it
            run["display_title"] = f"confirm ({run['inputs']['request']})"
    (confirm,) = service.api.state.runs
    inputs = confirm["inputs"]
    assert (confirm["path"], inputs["commit"], inputs["base"]) == (
        ".github/workflows/confirm.yml",
        service.bad,
        service.good,
    )
    fields = {"commit": service.bad, "base_sha": service.good, "request": inputs["request"], "run_id": "901"}
    service.append(confirmation(service.ago(0), **fields))
    for state in ("act", "acting"):
        assert service.run(*ACT) == 0
        assert service.states() == [state]
    _, reverting = service.api.state.runs
    assert (reverting["path"], reverting["inputs"]["run-id"]) == (".github/workflows/revert.yml", "901")
    (issue,) = service.api.state.issues
    assert "revert is running" in issue["body"]
    service.append(revert(service.ago(0), commit=service.bad, reverted=(service.bad,)))
    assert service.run(*ACT) == 0
    assert service.states() == ["undone"]
    service.write_metric(1.0)
    assert service.run(*ACT) == 0
    assert (len(service.api.state.runs), [i["state"] for i in service.api.state.issues]) == (2, ["closed"])


def test_nothing_is_started_without_the_input(service: WatchedService) -> None:
    """The evidence has the state, and the request that would be made."""
    service.append(*service.deployments())
    assert service.run() == 0
    assert service.states() == ["confirm"]
    assert service.run("--respond", "--dry-run") == 0
    assert service.api.state.runs == []


def test_an_external_cause_starts_nothing(service: WatchedService) -> None:
    """No deployment precedes the alarm: it is named, and no workflow runs."""
    first, _ = service.deployments()
    service.append(first)
    assert service.run(*ACT) == 0
    assert service.states() == ["external"]
    assert service.api.state.runs == []
    assert "external" in service.api.state.issues[0]["body"]


def test_a_history_that_was_force_pushed_starts_nothing(service: WatchedService) -> None:
    """What is absent could forbid an action."""
    service.append(*service.deployments())
    assert service.run() == 0
    service.scene.remote.git("update-ref", "-d", "refs/heads/ghmlops-history")
    service.append(service.deployments()[1])
    assert service.run(*ACT) == 0
    assert service.states() == ["data-unusable"]
    assert service.api.state.runs == []


def test_a_freeze_file_stops_a_confirmed_failure(service: WatchedService) -> None:
    """As long as it is on the branch."""
    fields = {"commit": service.bad, "base_sha": service.good}
    service.append(*service.deployments(), confirmation(service.ago(0), **fields))
    service.scene.work.commit("Freeze", {"freeze": ""})
    assert service.run(*ACT) == 0
    assert service.states() == ["frozen"]


def test_a_revert_of_the_revert_is_a_false_positive(service: WatchedService) -> None:
    """The commit message on the branch shows it."""
    sha = "f" * 40
    service.append(
        *service.deployments(),
        confirmation(service.ago(50), commit=service.good, base_sha=service.good),
        revert(service.ago(49), commit=service.good, revert_sha=sha),
    )
    assert service.run() == 0
    assert service.evidence()["details"]["accuracy"] == {"actions": 1, "false_positives": 0, "false_negatives": 0}
    service.scene.work.commit(f"Land again\n\nThis reverts commit {sha}.", {"b.txt": "again\n"})
    assert service.run() == 0
    assert service.evidence()["details"]["accuracy"]["false_positives"] == 1


@pytest.mark.parametrize("content", [None, "name: x\n", "run-name: x\n", CANCELLED])
def test_a_workflow_that_could_run_twice_is_refused(
    service: WatchedService, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must exist, show the request in its run-name, and wait for other runs of the same request."""
    service.append(*service.deployments())
    service.scene.work.commit("Workflow", {".github/workflows/confirm.yml": content})
    assert service.run(*ACT) == 2
    assert "confirm.yml" in capsys.readouterr().err
    assert service.api.state.runs == []


@pytest.mark.parametrize("status", [403, 422, 0])
def test_the_issue_of_an_alarm_needs_no_workflow(service: WatchedService, status: int) -> None:
    """It is opened, and edited, although the workflow of the alarm is refused by GitHub or by the check before."""
    service.append(*service.deployments())
    if status:
        fault = {"kind": "status", "method": "POST", "path": "/dispatches$", "status": status, "times": 2}
        service.api.seed(faults=[fault])
    else:
        service.scene.work.commit("Workflow", {".github/workflows/confirm.yml": "name: x\n"})
    assert service.run(*ACT) == 2
    (issue,) = service.api.state.issues
    body = issue["body"]
    issue["body"] = body.replace("An alarm", "No alarm")
    assert service.run(*ACT) == 2
    assert [issue["body"] for issue in service.api.state.issues] == [body]
    assert service.api.state.runs == []


@pytest.mark.parametrize("flags", [("--now", "2026-01-01"), ("--token", "")])
def test_the_past_and_a_missing_token_are_refused(
    service: WatchedService, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both before anything is read."""
    monkeypatch.delenv("GHMLOPS_TOKEN")
    assert service.run("--respond", *flags) == 2


def test_runs_that_cannot_be_read_start_nothing(service: WatchedService) -> None:
    """They are no runs that do not exist; a token that may not start a workflow is an error that names it."""
    service.append(*service.deployments())
    service.api.seed(faults=[{"kind": "status", "method": "GET", "path": "confirm.yml/runs", "status": 422}])
    assert service.run("--respond") == 0
    assert service.states() == ["data-unusable"]
    service.api.seed(tokens={"weak": {"permissions": {"issues": "write"}}})
    assert service.run("--respond", "--token", "weak") == 2
    assert service.states() == ["confirm"]
    assert service.api.state.runs == []


def deployed_elsewhere(service: WatchedService, hour: float, sha: str) -> None:
    """Let GitHub list a deployment that succeeded some hours before the end, and that no record is about."""
    service.api.seed(deployments=[{"sha": sha, "statuses": [{"state": "success"}]}])
    for row in (service.api.state.deployments[-1], service.api.state.deployment_statuses[-1]):
        row["created_at"] = service.ago(hour)
    text = POLICY.replace("watch:\n", "watch:\n  github-deployments: true\n")
    (service.here / ".github/ghmlops.yml").write_text(text)


def test_a_deployment_that_only_github_knows(service: WatchedService) -> None:
    """It is the suspect; nothing is confirmed or undone without its record, without the key it is not looked for."""
    service.append(service.deployments()[0])
    deployed_elsewhere(service, STEP_HOURS + 0.1, service.bad)
    assert service.run(*ACT) == 0
    assert service.states() == ["unrecorded"]
    assert service.bad[:12] in service.api.state.issues[0]["body"]
    assert service.api.state.runs == []
    (service.here / ".github/ghmlops.yml").write_text(POLICY)
    assert service.run(*ACT) == 0
    assert service.states() == ["external"]


def test_an_undone_commit_that_only_github_shows_to_be_deployed_again_was_wrong(service: WatchedService) -> None:
    """It counts as a false positive of `watch`; its deployment before it was undone, and one not looked for, do not."""
    revert_of = revert(service.ago(2), commit=service.bad, revert_sha="d" * 40)
    service.append(*service.deployments(), service.confirmed(3), revert_of)

    def false_positives() -> int:
        assert service.run() == 0
        return int(service.evidence()["details"]["accuracy"]["false_positives"])

    deployed_elsewhere(service, 5.3, service.bad)
    deployed_elsewhere(service, 4.0, service.bad)
    assert false_positives() == 0
    deployed_elsewhere(service, 1.0, service.bad)
    assert false_positives() == 1
    (service.here / ".github/ghmlops.yml").write_text(POLICY)
    assert false_positives() == 0


def test_a_newer_deployment_that_only_github_knows(service: WatchedService) -> None:
    """The one before the alarm no longer serves, so it is not undone. Deployments that cannot be read start nothing."""
    service.append(*service.deployments())
    deployed_elsewhere(service, 1.0, "c" * 40)
    assert service.run(*ACT) == 0
    assert service.states() == ["superseded"]
    service.api.seed(faults=[{"kind": "status", "method": "GET", "path": "/deployments$", "status": 422}])
    assert service.run(*ACT) == 0
    assert service.states() == ["data-unusable"]
    assert service.api.state.runs == []
