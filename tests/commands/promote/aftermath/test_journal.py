"""A rollback needs policy, router and the candidate's commit; what else is missing is named, and stops nothing."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from capacity_evidence import write_capacity
from ghmlops.act.files import write_atomically
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.cli import main
from ghmlops.clients import retry
from ghmlops.commands.promote import deployment, way_back
from ghmlops.commands.shared.github import connection
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.record import PromotionRecord
from ghmlops.core.promotion.weights import BASELINE_ONLY, rung_shares
from ghmlops.measure.evidence import read_verdict
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.measure.github import Client

SHA, OTHER = "a" * 40, "b" * 40
POLICY = """\
version: 1
service: shop
gate: {environment: production}
alerts: {hosts: [127.0.0.1]}
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 0, max-duration: 0.3s, settle: 1s, bake: 0s}
  judge: {errors: 1%, latency: off}
  capacity: {from: capacity.json}
  rollback: {limit: ready-capacity}
  observe: {access-log: log.jsonl, format: jsonl}
  hold: {max: 1h, then: rollback}
  watch: 0s
"""
RECORD = "evidence/promotion.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a promotion whose candidate has 25 % of the traffic, without requests."""
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "log.jsonl").touch()
    (tmp_path / "evidence").mkdir()
    write_capacity(tmp_path, 100.0)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    monkeypatch.setattr(retry, "TRANSIENT_DELAYS", (0.0,))
    monkeypatch.setattr(way_back, "EFFECT_SECONDS", 0.0)
    monkeypatch.setattr(way_back, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(way_back, "DEMAND_LOOKS", 1)
    apply_shares(open_target(DryRunTarget(), tmp_path), rung_shares(0.25, with_twin=True))
    return tmp_path


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Return the local GitHub API, with a deployment that the gate let through."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/shop": {}}}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        deployed(server, "queued")
        yield server
        assert server.violations == []


def deployed(api: Api, *states: str, commit: str = SHA) -> None:
    """Add a deployment of the gate with these states."""
    payload = {"ghmlops": {"run_id": "41", "service": "shop"}}
    api.state._deployment(sha=commit, payload=payload, statuses=[{"state": state} for state in states])


def promote(*arguments: str) -> int:
    """Run the command; return the exit code."""
    return main(["promote", "--policy", "policy.yml", "--commit", SHA, *arguments])


def share(folder: Path) -> float:
    """Return the share of the candidate."""
    return read_shares(open_target(DryRunTarget(), folder)).candidate


def record(folder: Path) -> dict[str, Any]:
    """Return the record of the last run."""
    content: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
    return content


def write_record(folder: Path, decision: str) -> None:
    """Leave the record of a run before."""
    value = PromotionRecord(
        commit=SHA,
        environment="production",
        service="shop",
        run_url="",
        shares=BASELINE_ONLY,
        decision=decision,  # type: ignore[arg-type]
        reason_code="errors-above-objective",
        reason="It failed.",
    )
    write_atomically(folder / RECORD, msgspec.json.encode(value))


def _policy(folder: Path, before: str, after: str) -> None:
    path = folder / "policy.yml"
    path.write_text(path.read_text().replace(before, after))


NO_GITHUB = ("--token", "t")
"""Without the fixture `api`, GitHub's address is one that refuses connections."""
MISSING: dict[str, tuple[Callable[[Path], object], tuple[str, ...], str]] = {
    "no capacity": (lambda folder: (folder / "capacity.json").unlink(), (), "capacity.json"),
    "damaged capacity": (lambda folder: (folder / "capacity.json").write_text("{"), (), "capacity.json"),
    "no plausible capacity": (lambda folder: write_capacity(folder, 1e-300), (), "capacity.json"),
    "forbidden address": (lambda _: None, ("--alert-slack", "http://elsewhere.example/x"), "alert-slack"),
    "malformed address": (lambda _: None, ("--alert-webhook", "nonsense"), "alert-webhook"),
    "damaged record": (lambda folder: (folder / RECORD).write_text('{"schema": 1'), (), "promotion.json"),
    "no source": (lambda folder: _policy(folder, "access-log: log.jsonl, ", ""), (), "access-log"),
    "no log": (lambda folder: (folder / "log.jsonl").unlink(), (), "log.jsonl"),
    "malformed token": (lambda _: None, ("--token", "a b"), "token"),
    "no GitHub": (lambda _: None, NO_GITHUB, "127.0.0.1:9"),
}
"""What is missing: how, the arguments of the run, and a word of the line that names it."""
DUTIES = ("forbidden address", "malformed address", "malformed token", "no GitHub")
"""Of these, what had to follow the rollback and cannot."""


@pytest.mark.parametrize(
    ("missing", "resumed"),
    [(name, resumed) for name in MISSING for resumed in (False, True) if not (resumed and name == "damaged record")],
)
def test_a_rollback_goes_on_without_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, *, resumed: bool
) -> None:
    """One that is ordered, and one that the run before began; what was missing is named in the record."""
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    if resumed:
        write_record(folder, "rollback")
    damage, arguments, word = MISSING[missing]
    damage(folder)
    flags = ("--resume",) if resumed else ("--rollback", "slow")
    assert promote(*flags, *arguments) == (2 if missing in DUTIES else int(resumed))
    assert share(folder) == 0.0
    content, output = record(folder), capsys.readouterr()
    assert content["decision"] == "rollback"
    assert content["reason_code"] == ("errors-above-objective" if resumed else "rollback-ordered")
    assert bool(content["undone"]) == (missing in DUTIES)
    assert any(word in sentence for sentence in (*content["caveats"], *content["undone"], *output.err.splitlines()))
    assert missing == "no log" or any(word in sentence for sentence in content["caveats"])
    assert all(sentence in output.out for sentence in content["undone"])
    assert "Traceback" not in output.err


@pytest.mark.parametrize("missing", MISSING)
def test_a_ladder_does_not_go_on_without_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """A run that would continue the ladder is refused in one line, and the weights stay."""
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    damage, arguments, word = MISSING[missing]
    damage(folder)
    assert promote("--resume", *arguments) == 2
    assert share(folder) == pytest.approx(0.25, abs=0.001)
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("ghmlops: error: ")
    assert word in line


def test_a_record_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The traffic returns; neither record nor verdict is claimed to exist."""
    (folder / "evidence").rmdir()
    (folder / "evidence").touch()
    assert promote("--rollback", "slow", "--json") == 2
    assert share(folder) == 0.0
    content = json.loads(capsys.readouterr().out)
    assert (content["decision"], content["outcome"], len(content["undone"])) == ("rollback", "fail", 2)


def test_a_commit_in_quarantine_loses_its_traffic(api: Api, folder: Path) -> None:
    """What failed after its promotion is not promoted, and is rolled back."""
    deployed(api, "queued", "success", "failure")
    assert promote("--resume", "--token", "t") == 1
    assert share(folder) == pytest.approx(0.25, abs=0.001)
    assert promote("--rollback", "slow", "--token", "t") == 0
    assert (share(folder), record(folder)["undone"]) == (0.0, [])
    assert api.state.deployment_statuses[-1]["state"] == "failure"


def test_the_deployment_of_a_later_commit_is_left_alone(
    api: Api, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rollback that is run again after another commit was promoted: the candidate is that one."""
    deployed(api, "queued", "success", "failure")
    deployed(api, "queued", "success", commit=OTHER)
    assert promote("--rollback", "slow", "--token", "t", "--json") == 1
    assert json.loads(capsys.readouterr().out)["reason_code"] == "other-commit"
    assert share(folder) == pytest.approx(0.25, abs=0.001)


def test_a_deployment_that_nobody_recorded(api: Api, folder: Path) -> None:
    """The traffic returns, and the run says that nothing keeps the commit in quarantine."""
    api.state.deployments.clear()
    api.state.deployment_statuses.clear()
    assert promote("--rollback", "slow", "--token", "t") == 2
    assert share(folder) == 0.0
    (sentence,) = record(folder)["undone"]
    assert "quarantine" in sentence


def test_a_github_that_is_back_at_the_end(api: Api, folder: Path) -> None:
    """Its deployment is closed as a failure, and the plan of the revert names what served before."""
    deployed(api, "success", commit=OTHER)
    deployed(api, "queued")
    api.seed(faults=[{"kind": "status", "method": "GET", "path": "/deployments$", "status": 502, "times": 2}])
    assert promote("--rollback", "slow", "--token", "t") == 0
    content = record(folder)
    assert (share(folder), content["undone"], content["base_sha"]) == (0.0, [], OTHER)
    assert len(content["caveats"]) == 1
    assert api.state.deployment_statuses[-1]["state"] == "failure"
    assert read_verdict(folder / "evidence" / "promotion-verdict.json").base_sha == OTHER


def test_a_github_that_hangs(api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for only so long, and the traffic returns."""
    monkeypatch.setattr(deployment, "ROLLBACK_SECONDS", 0.2)
    monkeypatch.setattr(deployment, "FINISH_SECONDS", 0.2)
    path = "/deployments$"
    api.seed(faults=[{"kind": "silent", "method": "GET", "path": path, "times": 99, "seconds": 1, "performed": False}])
    assert promote("--rollback", "slow", "--token", "t") == 2
    assert (share(folder), len(record(folder)["undone"])) == (0.0, 1)


@pytest.mark.parametrize("flags", [("--rollback", "slow"), ("--resume",)])
def test_a_promotion_outlasts_the_deadline_of_its_connection(
    api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    """Statuses have a time of their own, however long ago the connection was opened."""

    @contextlib.contextmanager
    def old(token: str, services: Services) -> Iterator[Client]:
        with connection(token, services) as client:
            yield client.with_time(-1.0)

    monkeypatch.setattr(deployment, "connection", old)
    assert promote(*flags, "--token", "t") == (0 if "--rollback" in flags else 1)
    assert record(folder)["undone"] == []
    text = api.state.deployment_statuses[-1]
    assert text["state"] == ("failure" if "--rollback" in flags else "in_progress")


def test_a_deployment_that_cannot_be_closed(
    api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything else is done: the record, the plan of the revert, and the outputs; the run says what is not."""
    output = folder / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    api.seed(faults=[{"kind": "status", "method": "POST", "path": "/statuses", "status": 403, "times": 99}])
    assert promote("--rollback", "slow", "--token", "t") == 2
    assert share(folder) == 0.0
    (sentence,) = record(folder)["undone"]
    assert "quarantine" in sentence
    assert sentence in capsys.readouterr().out
    assert read_verdict(folder / "evidence" / "promotion-verdict.json").commit == SHA
    assert RECORD in output.read_text()


def test_a_target_that_serves_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All weights are 0, which no promotion does: one line, and nothing is changed."""
    weights = {"candidate": 0, "twin": 0, "pool": 0}
    (folder / "ghmlops-weights.json").write_text(json.dumps(weights))
    for flags in ((), ("--resume",), ("--rollback", "slow")):
        assert promote(*flags) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("ghmlops: error: ")
        assert "weights of the target are 0" in line
    assert json.loads((folder / "ghmlops-weights.json").read_text()) == weights
