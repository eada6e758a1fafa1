"""The runner of a promotion is killed at each rung, with its job, and the next run continues on a real router."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import consumer
from ghmlops.act.targets import read_shares
from ghmlops.core.history.lock import BRANCH
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares
from interrupted_promotion import Watcher
from killed_runner import kill_at
from promoted_routers import FIRST_WEIGHTS, HAPROXY, needs_haproxy
from promotion_runs import ALONE, CALLER, assert_accounted_for, branch_log, dispatched, gated, history, states
from routed_service import routed_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.act.targets import Target
    from github_api.server import Api
    from routed_service import Scene
    from runner import Run, World

pytestmark = needs_haproxy
POLICY = """\
version: 1
service: click-scorer
gate: {environment: production}
promote:
  ladder: [%s]
  rung: {min-requests: 20, max-duration: 60s, settle: 20s, bake: 0.5s}
  judge: {errors: 1%%, latency: "off"}
  watch: 1s
"""
LONG = os.environ.get("GHMLOPS_EVERY_RUNG") == "1"
"""Whether each rung of a long ladder is interrupted, and a rollback, in the workflow with lock and history: minutes."""
LADDER = (0.05, 0.2, 0.5, 1.0) if LONG else (0.2, 1.0)
START = CALLER if LONG else ALONE
RESUME = CALLER.replace("history: true", "resume: true") if LONG else f"{ALONE}          resume: true\n"
PROMOTE = "ghmlops promotion/Promote"
JOBS = {PROMOTE: "success", "ghmlops promotion/Lock": "success", "ghmlops promotion/Record": "success"}


class Promotion:
    """A promotion of one commit on a running router: its runs, of which all but the last are killed."""

    def __init__(self, world: World, api: Api, folder: Path, scene: Scene, watcher: Watcher) -> None:
        self.world, self.api, self.scene, self.watcher = world, api, scene, watcher
        self.target: Target = HAPROXY.target(folder)
        policy = POLICY % ", ".join(f"{share:.0%}" for share in LADDER) + HAPROXY.policy(folder)
        self.commit = consumer.fill(world, {"promote.yml": START, "resume.yml": RESUME}, policy=policy)
        gated(api, self.commit, "queued")
        self.runs = 0

    def killed(self, moment: Callable[[], bool]) -> None:
        """Start the next run and kill it; then GitHub says that it failed."""
        run_id, payload = self._next("in_progress")
        command = self.world.command("workflow_dispatch", self._workflow, payload, run_id=run_id, api=self.api.url)
        kill_at(self.world, command, moment)
        (row,) = (run for run in self.api.state.runs if run["id"] == run_id)
        row.update(status="completed", conclusion="failure")

    def finished(self) -> Run:
        """Return the next run, which nobody disturbs."""
        run_id, payload = self._next("completed")
        return self.world.run("workflow_dispatch", self._workflow, payload, run_id=run_id, api=self.api.url)

    @property
    def _workflow(self) -> str:
        return "promote.yml" if self.runs == 1 else "resume.yml"

    def _next(self, status: str) -> tuple[int, dict[str, object]]:
        self.runs += 1
        run_id = 6000 + self.runs
        return run_id, dispatched(self.api, {"commit": self.commit}, run_id, status)

    def is_at(self, share: float) -> bool:
        """Return whether the candidate has this share now."""
        return bool(self.watcher.shares) and abs(self.watcher.shares[-1] - share) < 1e-3

    def is_reported(self, share: float) -> bool:
        """Return whether the newest status of the deployment names the rung of this share."""
        newest = self.api.state.deployment_statuses[-1]["description"]
        return self.is_at(share) and f"rung {LADDER.index(share) + 1}/{len(LADDER)} " in newest

    def shares_since(self) -> list[float]:
        """Return the shares of the candidate since the last call, without repetitions."""
        shares, self.watcher.shares = self.watcher.shares, self.watcher.shares[-1:]
        return [shares[0], *(after for before, after in pairwise(shares) if after != before)]


def test_killed_at_each_rung(world: World, api: Api, tmp_path: Path) -> None:
    """Each next run continues at the rung that the router has, and the last one completes what the first one began.

    Odd rungs are interrupted as soon as the router has their weights, even ones once GitHub shows them.
    """
    (folder := tmp_path / "r").mkdir()
    watcher = Watcher(folder=folder, candidate="v2")
    with routed_service(folder, FIRST_WEIGHTS, rate=60.0) as scene, watcher.running():
        promotion = Promotion(world, api, folder, scene, watcher)
        for number, share in enumerate(LADDER, 1):
            condition = promotion.is_at if number % 2 else promotion.is_reported
            promotion.killed(lambda share=share, condition=condition: condition(share))  # type: ignore[misc]
            passed = promotion.shares_since()
            assert 0.0 <= min(passed) <= max(passed) == pytest.approx(share, abs=1e-3)
            assert states(api, promotion.commit)[-1] in ("queued", "in_progress")
        run = promotion.finished()
        assert run.jobs == (JOBS if LONG else {"promote": "success"}), run.text
        assert read_shares(promotion.target) == Shares(candidate=1.0)
        assert set(promotion.shares_since()) == {1.0}
        scene.wait_for(50)
        assert_accounted_for(scene, HAPROXY, folder)
    progress = states(api, promotion.commit)
    assert (progress[0], progress[-1], set(progress[1:-1])) == ("queued", "success", {"in_progress"})
    assert [row["state"] for row in api.state.statuses] == ["success"]
    if LONG:
        assert history(world, promotion.commit)["decision"] == "complete"
        subjects = [line.split()[0] for line in branch_log(world, BRANCH)]
        assert subjects == ["Take"] * promotion.runs + ["Release"]


if LONG:

    def test_killed_on_the_way_back(world: World, api: Api, tmp_path: Path) -> None:
        """A candidate fails while nobody watches: the next run is killed on the way back, and the last finishes."""
        (folder := tmp_path / "r").mkdir()
        watcher = Watcher(folder=folder, candidate="v2")
        with routed_service(folder, FIRST_WEIGHTS, rate=60.0) as scene, watcher.running():
            promotion = Promotion(world, api, folder, scene, watcher)
            promotion.killed(lambda: promotion.is_reported(LADDER[1]))
            scene.arms["v2"].errors = 0.5
            promotion.killed(lambda: promotion.is_at(0.0))
            passed = promotion.shares_since()
            assert 0.0 <= min(passed) <= max(passed) == pytest.approx(LADDER[1], abs=1e-3)
            run = promotion.finished()
            assert [job for job, result in run.jobs.items() if result == "failure"] == [PROMOTE]
            assert read_shares(promotion.target) == BASELINE_ONLY
            assert min(promotion.shares_since()) >= 0.0
            assert 0 not in scene.statuses
        assert states(api, promotion.commit).count("failure") == 1
        assert states(api, promotion.commit)[-1] == "failure"
        assert history(world, promotion.commit)["decision"] == "rollback"
        assert history(world, promotion.commit, "quarantine")["commit"] == promotion.commit
