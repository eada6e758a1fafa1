"""The walk asks its target before each rung whether traffic may move to the candidate, and never on the way back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import read_shares
from ghmlops.act.targets.dry_run import DryRun
from ghmlops.cli import main
from ghmlops.commands.promote import job
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import DryRunTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target: {dry-run: {}}
  ladder: [20%, 50%, 100%]
  rung: {min-requests: 0, max-duration: 20s, settle: 20s, bake: 0s}
  judge: {errors: 1%, latency: "off"}
  observe: {access-log: log.jsonl, format: jsonl}
  watch: 0s
"""
SERVE = """\
import json, pathlib, time
while True:
    path = pathlib.Path("ghmlops-weights.json")
    weights = json.loads(path.read_text()) if path.exists() else {"pool": 1}
    bad, silent = pathlib.Path("bad").exists(), pathlib.Path("silent").exists()
    rows = [
        {"at": time.time(), "arm": arm, "seconds": 0.01, "status": 500 if bad and arm == "candidate" else 200}
        for arm, weight in weights.items() for _ in range(0 if silent else 40 * weight // sum(weights.values()))
    ]
    with open("log.jsonl", "a") as log:
        log.write("".join(json.dumps(row) + chr(10) for row in rows))
    time.sleep(0.05)
"""


class Owned(DryRun):
    """A target that another controller takes over after some checks.

    Attributes:
        allowed: Number of checks that it passes.
        shares: The candidate's share at each check.
    """

    allowed = 99

    def __init__(self, settings: DryRunTarget, root: Path) -> None:
        super().__init__(settings, root)
        self.shares: list[float] = []

    def check(self) -> None:
        """Refuse once the checks are used up."""
        self.shares.append(round(read_shares(self).candidate, 3))
        if len(self.shares) > self.allowed:
            raise ServiceError("another controller owns the weights", hint="ask it", reason_code="other-owner")


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owned]:
    """Return the target of a promotion with requests by its weights."""
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "log.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    owned = Owned(DryRunTarget(), tmp_path)
    monkeypatch.setattr(job, "open_target", lambda *_: owned)
    process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=tmp_path)
    yield owned
    process.kill()
    process.wait()


def promote(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
    path = folder / "evidence" / "promotion.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


def test_each_rung_is_preceded_by_a_check(target: Owned, tmp_path: Path) -> None:
    """When it asks, the weights are still those of the rung before."""
    code, record = promote(tmp_path)
    assert (code, record["decision"]) == (0, "complete")
    assert target.shares == [0.0, 0.2, 0.5]


def test_a_target_that_refuses_the_first_rung(
    target: Owned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing begins: one line, and the weights are as before."""
    target.allowed = 0
    assert promote(tmp_path) == (2, {})
    assert "another controller" in capsys.readouterr().err
    assert read_shares(target).candidate == 0.0
    assert promote(tmp_path, "--dry-run") == (2, {})


@pytest.mark.parametrize(("allowed", "share"), [(1, 0.2), (2, 0.5)])
def test_a_target_that_refuses_in_mid_ladder(target: Owned, tmp_path: Path, allowed: int, share: float) -> None:
    """The promotion holds at the rung that passed; once the target allows it, the ladder goes on from there."""
    target.allowed = allowed
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "other-owner")
    assert [rung["passed"] for rung in record["rungs"]] == [True] * allowed
    assert read_shares(target).candidate == pytest.approx(share, abs=0.001)
    target.allowed = 99
    code, record = promote(tmp_path, "--resume")
    assert (code, record["decision"]) == (0, "complete")
    assert record["rungs"][0]["share"] == share


def test_the_way_back_is_never_checked(target: Owned, tmp_path: Path) -> None:
    """A candidate that fails loses its traffic, whoever owns the weights by then."""
    target.allowed = 1
    (tmp_path / "bad").touch()
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert read_shares(target).candidate == 0.0
    assert target.shares == [0.0]


@pytest.mark.parametrize(("begin", "share", "rungs"), [("true", 0.2, 1), ('[ "$GHMLOPS_RUNG" = 3 ]', 1.0, 3)])
def test_time_alone_does_not_advance_while_a_hook_runs(
    target: Owned, tmp_path: Path, begin: str, share: float, rungs: int
) -> None:
    """A log that falls silent after the rung passed shows nothing: neither the next rung nor the end is reached."""
    policy = POLICY.replace("max-duration: 20s, settle: 20s", "max-duration: 3s, settle: 1s")
    hook = f"  hooks: {{after-rung: {{run: 'if {begin}; then touch silent; sleep 1.5; fi'}}}}\n"
    (tmp_path / "policy.yml").write_text(policy + hook)
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "low-traffic")
    assert [rung["passed"] for rung in record["rungs"]] == [True] * rungs
    assert read_shares(target).candidate == pytest.approx(share, abs=0.001)
