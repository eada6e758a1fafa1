"""A rollback whose route of requests with a header cannot be changed: all other users return first."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from capacity_evidence import write_capacity
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.act.targets.dry_run import DryRun
from ghmlops.cli import main
from ghmlops.commands.promote import job
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target:
    haproxy: {socket: admin.sock, backend: scorer, candidate: v2, twin: v1t, baseline: v1, header-route: testers}
  rung: {settle: 0.3s, max-duration: 0.3s}
  judge: {latency: "off"}
  observe: {access-log: log.jsonl, format: jsonl}
"""
LIMITED = "  rollback: {limit: ready-capacity}\n  capacity: {from: capacity.json, headroom: 0%}\n"
BROKEN = 1000
"""Requests to the route of which none succeeds."""


class Router(DryRun):
    """One of two routes.

    Attributes:
        refusals: Number of the next requests that it refuses.
        ready_servers: Servers of each arm that are ready.
    """

    refusals = 0
    ready_servers = 1

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights, or refuse."""
        if self.refusals > 0:
            self.refusals -= 1
            raise ServiceError("no such backend", hint="was the router reloaded?", reason_code="target-refused")
        return super().server_weights()

    def ready(self) -> dict[str, int]:
        """Return the number of servers that are ready."""
        return dict.fromkeys(self.servers(), self.ready_servers)


@dataclass(slots=True)
class Routes:
    """Both routes of a candidate with a quarter of the traffic, and all requests with a header.

    Attributes:
        folder: Folder of the policy.
        users: The route of the weights.
        testers: The route of the requests with a header.
        busy: Whether the baseline answers requests.
        waits: The candidate's share at each wait.
    """

    folder: Path
    users: Router
    testers: Router
    busy: bool = False
    waits: list[float] = field(default_factory=list)

    def roll_back(self) -> tuple[int, dict[str, Any]]:
        """Run the command; return the exit code and the record."""
        code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, "--rollback", "slow"])
        return code, json.loads((self.folder / "evidence" / "promotion.json").read_text())

    def wait(self) -> None:
        """Note the candidate's share, and answer requests."""
        self.waits.append(read_shares(self.users).candidate)
        if self.busy:
            row = json.dumps({"at": time.time(), "arm": "pool", "seconds": 0.01, "status": 200})
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(f"{row}\n" * 20)


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Routes:
    """Return the routes, which the command opens in place of those of a router."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "log.jsonl").touch()
    opened = Routes(
        tmp_path,
        Router(DryRunTarget(file="users.json"), tmp_path),
        Router(DryRunTarget(file="testers.json"), tmp_path),
    )
    apply_shares(opened.users, Shares(candidate=0.25, pool=0.75))
    apply_shares(opened.testers, Shares(candidate=1.0))
    monkeypatch.setattr(
        job, "open_target", lambda settings, _: opened.testers if settings.backend == "testers" else opened.users
    )
    sleep = time.sleep

    def wait(seconds: float) -> None:
        opened.wait()
        sleep(min(seconds, 0.02))

    monkeypatch.setattr(time, "sleep", wait)
    return opened


def test_a_route_that_is_gone(routes: Routes) -> None:
    """All other users have the baseline before anything is waited for; the commit is rolled back, with an incident."""
    routes.testers.refusals = BROKEN
    code, record = routes.roll_back()
    assert read_shares(routes.users) == BASELINE_ONLY
    assert set(routes.waits) == {0.0}
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "rollback-ordered")
    assert record["incident"] == "header-route-not-returned"
    assert "no such backend" in record["caveats"][-1]


def test_a_route_that_comes_back(routes: Routes) -> None:
    """It is tried again once the others have the baseline, and then there is no incident."""
    routes.testers.refusals = 3
    code, record = routes.roll_back()
    assert read_shares(routes.users) == read_shares(routes.testers) == BASELINE_ONLY
    assert set(routes.waits) == {0.0}
    assert (code, record["decision"], record["incident"]) == (0, "rollback", "")


def test_two_problems(routes: Routes) -> None:
    """A baseline that is not ready holds the rollback; the sentence says that testers did not return either."""
    write_capacity(routes.folder, 40.0)
    (routes.folder / "policy.yml").write_text(POLICY + LIMITED)
    routes.testers.refusals = BROKEN
    routes.users.ready_servers, routes.busy = 0, True
    code, record = routes.roll_back()
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "capacity-missing")
    assert "no such backend" in record["reason"]


def test_only_testers_are_on_the_candidate(routes: Routes) -> None:
    """An ordered rollback returns them, too; then there is nothing left to return."""
    apply_shares(routes.users, BASELINE_ONLY)
    code, record = routes.roll_back()
    assert (code, record["decision"], record["reason_code"]) == (0, "rollback", "rollback-ordered")
    assert read_shares(routes.testers) == BASELINE_ONLY
    (routes.folder / "evidence" / "promotion.json").unlink()
    with pytest.raises(FileNotFoundError):
        routes.roll_back()
