"""Promotions by `promote.yml` on a real HAProxy under load: a good candidate, and one that is slow only under load."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import consumer
from declared import callers_workflow
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.core.history.lock import BRANCH
from ghmlops.core.policy.target import HaproxyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from haproxy_router import needs_haproxy
from routed_service import routed_service

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.measure.telemetry import LogLine
    from github_api.server import Api
    from runner import Run, World

pytestmark = needs_haproxy
WORKFLOW = callers_workflow("promote.yml").replace("""runs-on: '["self-hosted", "linux"]'""", "history: true")
"""The workflow that the header of promote.yml shows, on the runner of the tests."""
POLICY = """\
version: 1
service: click-scorer
gate: {environment: production}
promote:
  target: {haproxy: {socket: ROUTER/admin.sock, backend: scorer, candidate: v2, twin: v1t, baseline: v1}}
  ladder: [5%, 25%, 100%]
  rung: {min-requests: 20, max-duration: 60s, settle: 20s, bake: 4s}
  judge: {errors: 1%, latency: "off"}
  observe: {access-log: ROUTER/haproxy.log, format: haproxy}
  watch: 1s
"""
LOCK, PROMOTE, RECORD = (f"ghmlops promotion/{name}" for name in ("Lock", "Promote", "Record"))
BASELINE = "b" * 40


def test_a_good_candidate_and_one_that_is_slow_under_load(world: World, api: Api, tmp_path: Path) -> None:
    """The first is promoted and loses no request; the second is stopped at the rung of 25 % and put into quarantine.

    It answers one request at a time in 0.2 s: enough for 5 % of 60 requests per second, too little for 25 %, where its
    requests exceed the time limit of the router. The limit is far above what a busy machine adds.
    """
    (router := tmp_path / "r").mkdir()
    good = consumer.fill(world, {"promote.yml": WORKFLOW}, policy=POLICY.replace("ROUTER", str(router)))
    bad = consumer.change(world, good=False)
    gated(api, BASELINE, "success")
    target = open_target(
        HaproxyTarget(socket="admin.sock", backend="scorer", candidate=("v2",), twin=("v1t",), baseline=("v1",)), router
    )
    with routed_service(router, {"v2": 0, "v1t": 0, "v1": 100}, rate=60.0, timeout="2s") as scene:
        gated(api, good, "queued")
        run = promote(world, api, good, 5001)
        assert run.jobs == {LOCK: "success", PROMOTE: "success", RECORD: "success"}, run.text
        assert read_shares(target) == Shares(candidate=1.0)
        assert set(scene.statuses) == {200}
        assert states(api, good) == ["queued", *["in_progress"] * 3, "success"]

        apply_shares(target, BASELINE_ONLY)
        scene.wait_for(100)
        scene.arms["v2"].delay, scene.arms["v2"].slots = 0.2, asyncio.Semaphore(1)
        gated(api, bad, "queued")
        run = promote(world, api, bad, 5002)
        assert run.jobs == {LOCK: "success", PROMOTE: "failure", RECORD: "success"}, run.text
        assert read_shares(target) == BASELINE_ONLY
        assert states(api, bad) == ["queued", *["in_progress"] * 3, "failure"]
        scene.wait_for(100)
        lines = [line for text in (router / "haproxy.log").read_text().splitlines() if (line := parse_haproxy(text))]
        seconds = last_of_candidate(lines) - min(line.at for line in lines if line.failed)
        print(f"\ntraffic back {seconds:.1f} s after the first request that failed")

    rungs = history(world, bad)["rungs"]
    assert [(rung["share"], rung["passed"]) for rung in rungs] == [(0.05, True), (0.25, False)]
    assert history(world, good)["decision"] == "complete"
    assert history(world, bad, "quarantine")["commit"] == bad
    assert [line.split()[0] for line in log(world, BRANCH)] == ["Take", "Release"] * 2


def gated(api: Api, commit: str, state: str) -> None:
    """Record a deployment of the gate with one status."""
    payload = {"ghmlops": {"run_id": "1", "service": "click-scorer"}}
    api.state._deployment(sha=commit, payload=payload, statuses=[{"state": state}], repository="acme/consumer")


def promote(world: World, api: Api, commit: str, run_id: int) -> Run:
    """Dispatch the caller's workflow as a run that GitHub knows."""
    api.seed(runs=[{"id": run_id, "head_sha": commit, "event": "workflow_dispatch", "conclusion": None}])
    payload = {"inputs": {"commit": commit}, "repository": consumer.REPOSITORY}
    return world.run("workflow_dispatch", "promote.yml", payload, run_id=run_id, api=api.url)


def states(api: Api, commit: str) -> list[str]:
    """Return the states of the deployment of a commit."""
    (deployment,) = (d for d in api.state.dump()["deployments"] if d["sha"] == commit)
    return [status["state"] for status in deployment["statuses"]]


def log(world: World, branch: str) -> list[str]:
    """Return the subjects of the commits of a branch, oldest first."""
    return world.git("log", "--reverse", "--format=%s", branch, cwd=world.remote).splitlines()


def history(world: World, commit: str, kind: str = "deployment") -> dict[str, Any]:
    """Return the record of a commit on the branch of the history."""
    names = world.git("ls-tree", "-r", "--name-only", "ghmlops-history", cwd=world.remote).split()
    records = [json.loads(world.git("show", f"ghmlops-history:{name}", cwd=world.remote)) for name in names]
    (record,) = (r for r in records if (r["commit"], r["kind"]) == (commit, kind))
    return dict(record)


def last_of_candidate(lines: list[LogLine]) -> float:
    """Return the arrival of the last request at the candidate."""
    return max(line.at for line in lines if line.server == "v2")
