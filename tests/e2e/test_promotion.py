"""Promotions under load on real routers: a good candidate, one that is slow only under load, and its revert."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import consumer
from declared import documented_workflow
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.core.history.lock import BRANCH
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares
from promoted_routers import ENVOY, FIRST_WEIGHTS, HAPROXY, RouterKind, needs_envoy, needs_haproxy
from promotion_runs import ALONE, CALLER, assert_accounted_for, branch_log, dispatched, gated, history, states
from routed_service import routed_service
from runner import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.measure.telemetry import LogLine
    from github_api.server import Api
    from runner import Run, World

REVERT = documented_workflow("revert after a promotion", "actions/promote")
POLICY = """\
version: 1
service: click-scorer
preview: {command: "python3 serve.py --port {port}", ready: /healthz, timeout: 30s}
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}, timeout: 1s}
  payloads: requests.jsonl
  arrivals: {constant: 100/s, duration: 4s, warmup: 0.5s}
gate: {environment: production, require: [latency]}
promote:
  ladder: [5%, 25%, 100%]
  rung: {min-requests: 20, max-duration: 60s, settle: 20s, bake: 4s}
  judge: {errors: 1%, latency: "off"}
  watch: 1s
"""
LOCK, PROMOTE, RECORD = (f"ghmlops promotion/{name}" for name in ("Lock", "Promote", "Record"))
BASELINE = "b" * 40
SLOW_SECONDS = 0.2
"""Seconds of an answer of the bad candidate, which answers one request at a time."""


@needs_haproxy
def test_on_haproxy(world: World, api: Api, tmp_path: Path) -> None:
    """The good candidate is promoted, the bad one is put into quarantine, confirmed, and reverted."""
    good, bad = promotions(world, api, tmp_path, HAPROXY, CALLER)
    assert history(world, good)["decision"] == "complete"
    rungs = history(world, bad)["rungs"]
    assert [(rung["share"], rung["passed"]) for rung in rungs] == [(0.05, True), (0.25, False)]
    assert history(world, bad, "quarantine")["commit"] == bad
    assert [line.split()[0] for line in branch_log(world, BRANCH)] == ["Take", "Release"] * 2
    confirmed_and_reverted(world, api, good, bad)


@needs_envoy
def test_on_envoy(world: World, api: Api, tmp_path: Path) -> None:
    """The same on the other router, by the workflow that uses the action alone."""
    promotions(world, api, tmp_path, ENVOY, ALONE)


def promotions(world: World, api: Api, folder: Path, kind: RouterKind, workflow: str) -> tuple[str, str]:
    """Promote a good candidate and one that is slow only under load; return their commits.

    The first is promoted, and every request is accounted for. The second answers one request at a time: enough for 5 %
    of 60 requests per second, too little for 25 %, where its requests exceed the time limit of the router. The limit
    is far above what a busy machine adds. The traffic returns, and the deployment is a failure.
    """
    (router := folder / "r").mkdir()
    with routed_service(router, FIRST_WEIGHTS, rate=60.0, timeout="2s", start=kind.start) as scene:
        policy = POLICY + kind.policy(router)
        start = consumer.fill(world, {"promote.yml": workflow, "revert.yml": REVERT}, policy=policy)
        world.write({"README.md": "The same service.\n"})
        good, target = world.commit("Document it"), kind.target(router)
        assert start != good
        gated(api, BASELINE, "success")
        gated(api, good, "queued")
        run = promote(world, api, good, 5001)
        assert set(run.jobs.values()) == {"success"}, run.text
        assert read_shares(target) == Shares(candidate=1.0)
        assert states(api, good) == ["queued", *["in_progress"] * 3, "success"]
        assert_accounted_for(scene, kind, router)

        apply_shares(target, BASELINE_ONLY)
        bad = slow_commit(world)
        scene.wait_for(100)
        scene.arms["v2"].delay, scene.arms["v2"].slots = SLOW_SECONDS, asyncio.Semaphore(1)
        gated(api, bad, "queued")
        run = promote(world, api, bad, 5002)
        assert [job for job, result in run.jobs.items() if result == "failure"] == [promoting_job(run)], run.text
        assert read_shares(target) == BASELINE_ONLY
        assert states(api, bad)[:4] == ["queued", *["in_progress"] * 3]
        assert states(api, bad)[-1] == "failure"
        scene.wait_for(100)
        lines = kind.lines(router)
        seconds = last_of_candidate(lines) - min(line.at for line in lines if line.failed)
        print(f"\n{kind.name}: traffic back {seconds:.1f} s after the first request that failed")
    return good, bad


def confirmed_and_reverted(world: World, api: Api, good: str, bad: str) -> None:
    """Run the workflow of the page: the failure repeats, so that the commit is reverted, deployed and explained."""
    api.state.repositories["acme/consumer"]["git_dir"] = str(world.remote)
    pull = {"number": 7, "head_sha": bad, "state": "closed", "merge_commit_sha": bad}
    rights = dict.fromkeys(("actions", "contents", "deployments", "pull_requests", "statuses"), "write")
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": rights}
    api.seed(pull_requests=[pull], tokens={TOKEN: token})
    run = dispatch(world, api, "revert.yml", {"commit": bad, "base": good, "run-id": "5002"}, 5003)
    assert run.jobs == {"confirm": "success", "revert": "success"}, run.text
    assert branch_log(world, "main")[-1] == 'Revert "Answer one by one"'
    trees = [world.git("rev-parse", f"{name}^{{tree}}", cwd=world.remote) for name in (good, "main")]
    assert trees[0] == trees[1]
    (deployed,) = (r for r in api.state.runs if r["path"] == ".github/workflows/deploy.yml")
    assert deployed["head_sha"] == world.git("rev-parse", "main", cwd=world.remote)
    (comment,) = api.state.comments
    assert (comment["issue"], f"git revert {deployed['head_sha']}" in comment["body"]) == (7, True)


def slow_commit(world: World) -> str:
    """Commit and push a service that answers one request at a time."""
    source = consumer.SERVICE.replace("import json\n", "import json\nimport threading\nimport time\n")
    source = source.replace("class Scorer", "LOCK = threading.Lock()\n\n\nclass Scorer")
    wait = f"        with LOCK:\n            time.sleep({SLOW_SECONDS})\n        row = json"
    world.write({"serve.py": source.replace("        row = json", wait)})
    return world.commit("Answer one by one")


def promote(world: World, api: Api, commit: str, run_id: int) -> Run:
    """Dispatch the workflow that promotes."""
    return dispatch(world, api, "promote.yml", {"commit": commit}, run_id)


def promoting_job(run: Run) -> str:
    """Return the job that promotes: of the reusable workflow, or the only one."""
    return PROMOTE if PROMOTE in run.jobs else "promote"


def dispatch(world: World, api: Api, workflow: str, inputs: dict[str, str], run_id: int) -> Run:
    """Dispatch a workflow as a run that GitHub knows."""
    return world.run("workflow_dispatch", workflow, dispatched(api, inputs, run_id), run_id=run_id, api=api.url)


def last_of_candidate(lines: list[LogLine]) -> float:
    """Return the arrival of the last request at the candidate."""
    return max(line.at for line in lines if line.server == "v2")
