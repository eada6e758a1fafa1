"""A promotion on GitHub: only what the gate let through, a status per rung, and a failure that is a quarantine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.act.files import write_atomically
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.cli import main
from ghmlops.core.model import Outcome
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.record import PromotionRecord
from ghmlops.core.promotion.status_text import hold_text, rollback_text, rung_text
from ghmlops.core.promotion.weights import BASELINE_ONLY, rung_shares
from ghmlops.measure.evidence import read_verdict
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHA = "a" * 40
POLICY = """\
version: 1
service: shop
gate: {environment: production}
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 0, max-duration: 0.3s, settle: 1s, bake: 0s}
  judge: {errors: 1%, latency: off}
  observe: {access-log: log.jsonl, format: jsonl}
  hold: {max: 1h, then: rollback}
  watch: 0s
"""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Return the local GitHub API of a job whose folder has a policy and an access log."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "log.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    with running({"repositories": {"acme/shop": {}}}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []


def deployed(api: Api, *states: str, commit: str = SHA, override: str = "") -> None:
    """Add a deployment of the gate with these states."""
    payload = {"ghmlops": {"run_id": "41", "service": "shop", **({"override": override} if override else {})}}
    api.state._deployment(sha=commit, payload=payload, statuses=[{"state": state} for state in states])


def promote(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command with a token; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", SHA, "--token", "t", *arguments])
    path = folder / "evidence" / "promotion.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


def statuses(api: Api) -> list[tuple[str, str]]:
    """Return state and first words of the statuses of the deployment, oldest first."""
    return [(row["state"], row["description"]) for row in api.state.deployment_statuses]


@pytest.mark.parametrize(
    ("states", "commit", "code"),
    [
        ((), "", "not-gated"),
        (("queued",), "b" * 40, "not-gated"),
        (("queued", "failure"), SHA, "quarantined"),
        (("queued", "error"), SHA, "not-gated"),
        (("success", "inactive"), SHA, "not-gated"),
        (("pending",), SHA, "not-gated"),
    ],
)
def test_what_the_gate_did_not_let_through_is_not_promoted(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], states: tuple[str, ...], commit: str, code: str
) -> None:
    """The weights stay, and so do the statuses."""
    if commit:
        deployed(api, *states, commit=commit)
    before = len(api.state.deployment_statuses)
    assert main(["promote", "--policy", "policy.yml", "--commit", SHA, "--token", "t", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason_code"] == code
    assert read_shares(open_target(DryRunTarget(), tmp_path)) == BASELINE_ONLY
    assert len(api.state.deployment_statuses) == before


def test_a_hold_is_a_status_with_its_time(api: Api, tmp_path: Path) -> None:
    """Without traffic: rung 1, then a hold since a time, which the record has as well."""
    deployed(api, "queued")
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "low-traffic")
    assert [state for state, _ in statuses(api)] == ["queued", "in_progress", "in_progress"]
    assert statuses(api)[1][1].startswith("rung 1/2 25% since 20")
    assert statuses(api)[2][1] == hold_text(0.25, record["held_since"], "low-traffic")


def test_the_record_names_commits_override_and_person(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who started the run that decided, the commit that served before, and who overrode the gate."""
    deployed(api, "success", commit="c" * 40)
    deployed(api, "queued", override="agreed (by ada)")
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", "bob")
    record = promote(tmp_path)[1]
    assert (record["base_sha"], record["override"], record["person"]) == ("c" * 40, "agreed (by ada)", "bob")


@pytest.mark.parametrize("from_record", [True, False])
def test_a_hold_that_is_too_old_is_rolled_back(api: Api, tmp_path: Path, from_record: bool) -> None:
    """Its age is that of the record, or of the status where the record is lost; the deployment is a failure then."""
    since = (datetime.now(UTC) - timedelta(hours=2)).isoformat(timespec="seconds")
    deployed(api, "queued")
    assert promote(tmp_path)[1]["decision"] == "hold"
    path = tmp_path / "evidence" / "promotion.json"
    if from_record:
        path.write_text(json.dumps({**json.loads(path.read_text()), "held_since": since}))
    else:
        path.unlink()
        api.state.deployment_statuses[-1]["description"] = hold_text(0.25, since, "low-traffic")
    code, record = promote(tmp_path, "--resume")
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "hold-expired")
    assert read_shares(open_target(DryRunTarget(), tmp_path)) == BASELINE_ONLY
    assert statuses(api)[-1][0] == "failure"
    assert promote(tmp_path, "--resume")[0] == 1
    assert promote(tmp_path)[0] == 1


def test_a_young_hold_is_continued_and_its_time_stays(api: Api, tmp_path: Path) -> None:
    """A hold that no rung ended is as old as its first run says."""
    deployed(api, "queued")
    first = promote(tmp_path)[1]["held_since"]
    path = tmp_path / "evidence" / "promotion.json"
    earlier = (datetime.fromisoformat(first) - timedelta(minutes=5)).isoformat()
    path.write_text(json.dumps({**json.loads(path.read_text()), "held_since": earlier}))
    code, record = promote(tmp_path, "--resume")
    assert (code, record["decision"], record["held_since"]) == (1, "hold", earlier)


def test_the_ladder_of_another_commit(api: Api, tmp_path: Path) -> None:
    """It is not continued."""
    deployed(api, "queued")
    promote(tmp_path)
    path = tmp_path / "evidence" / "promotion.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "commit": "b" * 40}))
    assert promote(tmp_path, "--resume")[0] == 1
    assert read_shares(open_target(DryRunTarget(), tmp_path)).candidate == 0.25


def test_a_rollback_plans_a_revert(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict names the commit, the one that served before, and the run; nothing confirms it."""
    deployed(api, "success", commit="c" * 40)
    deployed(api, "queued")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    assert promote(tmp_path)[1]["decision"] == "hold"
    path = tmp_path / "evidence" / "promotion-verdict.json"
    assert not path.exists()
    record = tmp_path / "evidence" / "promotion.json"
    since = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    record.write_text(json.dumps({**json.loads(record.read_text()), "held_since": since}))
    assert promote(tmp_path, "--resume")[1]["decision"] == "rollback"
    verdict = read_verdict(path)
    assert (verdict.commit, verdict.base_sha, verdict.repository) == (SHA, "c" * 40, "acme/shop")
    assert (verdict.service, verdict.environment, verdict.run_id, verdict.run_attempt) == (
        "shop",
        "production",
        "42",
        2,
    )
    assert (verdict.outcome, verdict.reason_code, verdict.confirmed) == (Outcome.FAIL, "hold-expired", [])


def test_a_rollback_of_a_complete_promotion_plans_a_revert(api: Api, tmp_path: Path) -> None:
    """The base is what served before, although its deployment is inactive, and not what was rolled back earlier."""
    deployed(api, "success", "inactive", commit="c" * 40)
    deployed(api, "success", "failure", commit="d" * 40)
    deployed(api, "queued", "success")
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(1.0, with_twin=True))
    record = promote(tmp_path, "--rollback", "slow")[1]
    verdict = read_verdict(tmp_path / "evidence" / "promotion-verdict.json")
    assert (record["decision"], record["base_sha"], verdict.base_sha) == ("rollback", "c" * 40, "c" * 40)
    assert datetime.now(UTC) - datetime.fromisoformat(record["end_time"]) < timedelta(hours=1)


@pytest.mark.parametrize("own", [True, False])
def test_what_github_knows_of_a_ladder_without_its_record(api: Api, tmp_path: Path, *, own: bool) -> None:
    """On a new machine: an interrupted rollback of this commit is finished, a ladder of another one is left alone."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    deployed(api, "queued", "in_progress", commit=SHA if own else "b" * 40)
    text = rollback_text(0.25, since, "errors-above-objective") if own else rung_text(1, 2, 0.25, since)
    api.state.deployment_statuses[-1]["description"] = text
    if not own:
        deployed(api, "queued")
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
    code, record = promote(tmp_path, "--resume")
    share = read_shares(open_target(DryRunTarget(), tmp_path)).candidate
    result = (code, share, record.get("decision"), record.get("reason_code"))
    assert result == ((1, 0.0, "rollback", "errors-above-objective") if own else (1, 0.25, None, None))
    assert statuses(api)[-1][0] == ("failure" if own else "queued")


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_rollback_that_waited_leaves_the_next_ladder_alone(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, newer: bool, recorded: bool
) -> None:
    """The commit was promoted before; by the time of its rollback, the candidate is that of another one, on hold."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    deployments = [(SHA, ("queued", "success")), ("b" * 40, ("queued", "in_progress"))]
    for commit, states in deployments if newer else reversed(deployments):
        deployed(api, *states, commit=commit)
    rows = api.state.deployment_statuses
    next(row for row in rows if row["state"] == "in_progress")["description"] = hold_text(0.25, since, "low-traffic")
    before = statuses(api)
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
    if recorded:  # on a runner that keeps its folder
        record = PromotionRecord(commit=SHA, environment="production", service="shop", run_url="", shares=BASELINE_ONLY)
        write_atomically(tmp_path / "evidence" / "promotion.json", msgspec.json.encode(record))
    main(["promote", "--policy", "policy.yml", "--commit", SHA, "--token", "t", "--rollback", "slow", "--json"])
    assert json.loads(capsys.readouterr().out)["reason_code"] == "other-commit"
    assert read_shares(open_target(DryRunTarget(), tmp_path)).candidate == 0.25
    assert statuses(api) == before


def test_a_damaged_record(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and nothing changes."""
    deployed(api, "queued")
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "promotion.json").write_text('{"schema": 1')
    assert main(["promote", "--policy", "policy.yml", "--commit", SHA, "--resume"]) == 2
    assert "promotion.json" in capsys.readouterr().err
    assert read_shares(open_target(DryRunTarget(), tmp_path)).candidate == 0.25
    assert len(api.state.deployment_statuses) == 1


WATCHED = (
    POLICY + "watch: {metrics: [{name: p95, log: {files: a.csv, time: t, value: v}}], workflows: {watch: watch.yml}}\n"
)
RUNS = "watch.yml/runs"


def looked(api: Api) -> int:
    """Return how often the runs of `watch` were requested."""
    return sum(RUNS in request["path"] for request in api.state.requests)


def test_a_dead_schedule_of_watch_is_a_caveat_of_a_promotion(api: Api, tmp_path: Path) -> None:
    """The promotion goes on, also where GitHub refuses to list the runs or says nothing: that is not measured."""
    (tmp_path / "policy.yml").write_text(WATCHED)
    deployed(api, "queued")
    created = datetime.now(UTC) - timedelta(hours=50)
    row = {"id": 900, "head_sha": SHA, "event": "schedule", "path": ".github/workflows/watch.yml"}
    api.seed(runs=[{**row, "created_at": f"{created:%FT%TZ}"}])
    _, record = promote(tmp_path)
    assert (record["decision"], ["watch.yml" in caveat for caveat in record["caveats"]]) == ("hold", [True])
    for fault in ({"kind": "status", "status": 403}, {"kind": "silent"}):
        api.seed(faults=[{"method": "GET", "path": f"{RUNS}$", "times": 99, **fault}])
        _, record = promote(tmp_path, "--resume")
        assert (record["decision"], record["caveats"], len(record["not_measured"])) == ("hold", [], 1)
        api.state.faults.clear()
    api.seed(runs=[{**row, "id": 901, "created_at": f"{datetime.now(UTC):%FT%TZ}"}])
    _, record = promote(tmp_path, "--resume")
    assert (record["decision"], record["caveats"], record["not_measured"]) == ("hold", [], [])


def test_no_rollback_looks_at_the_schedule_of_watch(api: Api, tmp_path: Path) -> None:
    """Neither one that is ordered, nor a hold that is too old."""
    (tmp_path / "policy.yml").write_text(WATCHED)
    deployed(api, "queued")
    assert promote(tmp_path)[1]["decision"] == "hold"
    before = looked(api)
    record = tmp_path / "evidence" / "promotion.json"
    since = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    on_hold = json.dumps({**json.loads(record.read_text()), "held_since": since, "caveats": []})
    for arguments in (("--resume",), ("--rollback", "slow")):
        record.write_text(on_hold)
        apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
        assert promote(tmp_path, *arguments)[1]["decision"] == "rollback"
    assert (before, looked(api)) == (1, 1)


def test_a_rollback_without_a_token_cannot_see_newer_deployments(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traffic returns, and the record names what was not measured."""
    monkeypatch.delenv("GHMLOPS_TOKEN", raising=False)
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
    main(["promote", "--policy", "policy.yml", "--commit", SHA, "--rollback", "slow"])
    record = json.loads((tmp_path / "evidence" / "promotion.json").read_text())
    assert (record["decision"], len(record["not_measured"]), api.state.requests) == ("rollback", 1, [])
