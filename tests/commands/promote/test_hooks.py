"""Hooks before and after each rung: in which order, with which values, and what a failure does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import open_target, read_shares
from ghmlops.act.targets.dry_run import DryRun
from ghmlops.cli import main
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.weights import ARMS, integer_weights, rung_shares

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 0, max-duration: 20s, settle: 20s, bake: 0s}
  judge: {errors: 1%, latency: "off"}
  observe: {access-log: log.jsonl, format: jsonl}
  watch: 0s
  hooks:
"""
SERVE = """\
import json, pathlib, time
while True:
    path = pathlib.Path("ghmlops-weights.json")
    weights = json.loads(path.read_text()) if path.exists() else {"pool": 1}
    rows = [arm for arm, weight in weights.items() for _ in range(40 * weight // sum(weights.values()))]
    lines = [json.dumps({"at": time.time(), "arm": arm, "seconds": 0.01, "status": 200}) for arm in rows]
    with open("log.jsonl", "a") as log:
        log.write("".join(line + chr(10) for line in lines))
    time.sleep(0.05)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a rehearsal without traffic."""
    (tmp_path / "log.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def promote(folder: Path, hooks: str) -> tuple[int, dict[str, Any], float]:
    """Run the command; return the exit code, the record, and the candidate's share at the end."""
    (folder / "policy.yml").write_text(POLICY + hooks)
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40])
    record = json.loads((folder / "evidence" / "promotion.json").read_text())
    return code, record, read_shares(open_target(DryRunTarget(), folder)).candidate


def promote_under_load(folder: Path, hooks: str) -> tuple[int, dict[str, Any], float]:
    """Run the command beside a process that writes requests by the weights."""
    process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=folder)
    try:
        return promote(folder, hooks)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        ("run: 'echo no such luck; exit 4'", "hook-failed"),
        ("run: 'cat nowhere | wc'", "hook-failed"),
        ("run: 'echo \"$UNSET_VARIABLE\"'", "hook-failed"),
        ("command: [./nowhere]", "hook-failed"),
        ("run: 'sleep 60', timeout: 0.3s", "hook-timeout"),
    ],
)
@pytest.mark.parametrize("reaction", ["hold", "rollback"])
def test_a_hook_that_fails_before_the_first_rung(folder: Path, hook: str, code: str, reaction: str) -> None:
    """No weight was changed, and the policy decides what follows; bash stops at the first error."""
    exit_code, record, share = promote(folder, f"    before-rung: {{{hook}, on-failure: {reaction}}}\n")
    assert (exit_code, record["decision"], record["reason_code"], share) == (1, reaction, code, 0.0)
    assert record["rungs"] == []


def test_order_and_values(folder: Path) -> None:
    """Before a rung its weights are not set; after it they are; each hook knows its rung."""
    write = 'echo "$GHMLOPS_MOMENT $GHMLOPS_RUNG $GHMLOPS_SHARE $GHMLOPS_COMMIT" >>calls'
    hooks = f"""\
    before-rung:
      - run: '{write}; cat ghmlops-weights.json >>weights || echo none >>weights'
      - {{command: [sh, -c, 'echo "{{rung}} $0" >>calls', '{{environment}};x']}}
    after-rung: {{run: '{write}'}}
"""
    code, record, share = promote_under_load(folder, hooks)
    assert (code, record["decision"], share) == (0, "complete", 1.0)
    commit = "a" * 40
    assert (folder / "calls").read_text().splitlines() == [
        f"before-rung 1 0.25 {commit}",
        "1 production;x",
        f"after-rung 1 0.25 {commit}",
        f"before-rung 2 1 {commit}",
        "2 production;x",
        f"after-rung 2 1 {commit}",
    ]
    before = (folder / "weights").read_text()
    assert before.startswith("none\n")  # without a file the pool has all traffic
    first = integer_weights(rung_shares(0.25, with_twin=True), dict.fromkeys(ARMS, 1), DryRun.limit)
    assert json.loads(before.removeprefix("none\n")) == first


def test_a_hook_that_fails_after_a_rung(folder: Path) -> None:
    """The traffic returns, or stays at the rung that passed."""
    hook = "    after-rung: {run: 'test \"$GHMLOPS_RUNG\" != 1', on-failure: rollback}\n"
    code, record, share = promote_under_load(folder, hook)
    assert (code, record["decision"], record["reason_code"], share) == (1, "rollback", "hook-failed", 0.0)
    assert [rung["passed"] for rung in record["rungs"]] == [True]


def test_a_candidate_that_fails_ends_a_running_hook(folder: Path) -> None:
    """The hook after the first rung would run for a minute; requests that fail meanwhile return the traffic."""
    fail = (
        "for i in $(seq 200); do printf '"
        '{"at": %s, "arm": "candidate", "seconds": 0.01, "status": 500}\\n'
        '\' "$(date +%s.%N)" >>log.jsonl; done; sleep 60; touch ended'
    )
    (folder / "fail.sh").write_text(fail)
    code, record, share = promote_under_load(folder, "    after-rung: {command: [bash, fail.sh], timeout: 90s}\n")
    assert (code, record["decision"], record["reason_code"], share) == (1, "rollback", "errors-above-objective", 0.0)
    assert not (folder / "ended").exists()
