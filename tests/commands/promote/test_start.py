"""Where a promotion may start: a ladder that the router can represent, and a router that keeps what it acknowledges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target: {command: {set: './router set {arm} {weight}', get: './router get {arm}', limit: LIMIT}}
  compare: pool
  ladder: [LADDER, 100%]
  rung: {settle: 0.3s}
"""
LOG = "  observe: {access-log: log.jsonl, format: jsonl}\n"
COUNTERS = """\
  observe: {prometheus: PROMETHEUS, total: 'total{server="{arm}"}', errors: 'errors{server="{arm}"}'}
"""
METRICS = """\
  observe: {access-log: log.jsonl, format: jsonl, prometheus: PROMETHEUS}
  judge: {metrics: [{name: ctr, prometheus: 'ctr{server="{arm}"}', direction: higher, margin: 1%}]}
"""
SOURCES = [
    LOG,
    *(
        source.replace("PROMETHEUS", server)
        for source in (COUNTERS, METRICS)
        for server in ("'http://127.0.0.1:9'", "{url: 'http://127.0.0.1:9', token-variable: NO_TOKEN}")
    ),
]
"""Sources that are not there, and a token that is not set."""
ROUTER = """\
#!/bin/sh
case $1 in
  get) cat "$2.weight" ;;
  set) echo ROUNDED >"$2.weight" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a router whose baseline has all traffic."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "log.jsonl").touch()
    (tmp_path / "candidate.weight").write_text("0\n")
    (tmp_path / "pool.weight").write_text("50\n")
    return tmp_path


def promote(
    folder: Path,
    *,
    limit: int = 50,
    first: str = "10%",
    rounded: str = '"$3"',
    flags: tuple[str, ...] = (),
    observe: str = LOG,
) -> tuple[int, dict[str, Any], list[int]]:
    """Run the command; return the exit code, the record, and the weights of candidate and pool."""
    (folder / "router").write_text(ROUTER.replace("ROUNDED", rounded))
    (folder / "router").chmod(0o755)
    (folder / "policy.yml").write_text(POLICY.replace("LIMIT", str(limit)).replace("LADDER", first) + observe)
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *flags])
    path = folder / "evidence" / "promotion.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    return code, record, [int((folder / f"{arm}.weight").read_text()) for arm in ("candidate", "pool")]


def test_a_rung_that_the_router_cannot_represent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its smallest weight would be twelve times the rung: refused before anything changes, with both shares."""
    assert promote(folder, limit=7, first="1%") == (2, {}, [0, 50])
    error = capsys.readouterr().err
    assert all(fact in error for fact in ("0.01", "0.125", "7", "12.5%"))
    assert "Traceback" not in error


@pytest.mark.parametrize("rounded", ["$(($3 / 10 * 10))", "$(($3 > 0 ? 25 : 0))"])
def test_a_router_that_rounds_or_clamps(folder: Path, rounded: str) -> None:
    """It acknowledges the weight and has another one: a hold, and the baseline keeps its weight."""
    code, record, (_, pool) = promote(folder, limit=100, first="1%", rounded=rounded)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "weight-not-accepted")
    assert record["rungs"] == []
    assert pool > 0


def test_a_complete_promotion_is_rolled_back_for_a_reason(folder: Path) -> None:
    """All traffic returns, with a record of a rollback; without traffic there is nothing to return."""
    (folder / "candidate.weight").write_text("50\n")
    (folder / "pool.weight").write_text("0\n")
    flags = ("--rollback", "a paired verdict confirmed a failure")
    code, record, weights = promote(folder, limit=50, first="10%", flags=flags)
    assert (code, weights[0], weights[1] > 0) == (0, 0, True)
    assert (record["decision"], record["reason_code"]) == ("rollback", "rollback-ordered")
    (folder / "evidence/promotion.json").unlink()
    assert promote(folder, limit=50, first="10%", flags=flags)[:2] == (1, {})


def test_only_the_commit_that_was_promoted_is_rolled_back(folder: Path) -> None:
    """The record on this machine names another one."""
    (folder / "candidate.weight").write_text("50\n")
    flags = ("--rollback", "slow")
    assert promote(folder, limit=50, first="10%", flags=flags)[0] == 0
    (folder / "candidate.weight").write_text("50\n")
    _, record, _ = promote(folder, limit=50, first="10%", flags=(*flags, "--commit", "b" * 40))
    assert record["commit"] == "a" * 40
    assert (folder / "candidate.weight").read_text() == "50\n"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("resumed", [True, False])
def test_a_rollback_needs_no_telemetry(folder: Path, source: str, *, resumed: bool) -> None:
    """Neither log nor Prometheus is there: all traffic returns, and the record says that nothing was observed."""
    (folder / "log.jsonl").unlink()
    flags: tuple[str, ...] = ("--rollback", "slow")
    if resumed:  # by a run that was killed between two rungs
        (folder / "candidate.weight").write_text("50\n")
        record = promote(folder, flags=flags)[1]
        (folder / "evidence" / "promotion.json").write_text(json.dumps({**record, "not_measured": []}))
        flags = ("--resume",)
    (folder / "candidate.weight").write_text("17\n")
    code, record, weights = promote(folder, flags=flags, observe=source)
    assert (code, weights[0], weights[1] > 0) == (0, 0, True)
    assert (record["decision"], record["reason_code"]) == ("rollback", "rollback-ordered")
    assert any("not observed" in sentence for sentence in record["not_measured"])


@pytest.mark.parametrize("source", SOURCES)
def test_a_ladder_needs_telemetry(folder: Path, source: str) -> None:
    """The same sources refuse a promotion before the first weight, also one that continues."""
    if source == LOG:
        (folder / "log.jsonl").unlink()
    for flags in ((), ("--resume",)):
        assert promote(folder, flags=flags, observe=source) == (2, {}, [0, 50])
