"""The runner is killed at each rung of a promotion: the next run takes its lock over and continues at the same rung."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import consumer
from declared import callers_workflow
from ghmlops.act.targets import read_shares
from ghmlops.core.history.lock import BRANCH
from ghmlops.core.promotion.weights import Shares
from interrupted_promotion import Watcher
from promoted_routers import FIRST_WEIGHTS, HAPROXY, needs_haproxy
from routed_service import routed_service

if TYPE_CHECKING:
    from ghmlops.act.targets import Target
    from github_api.server import Api
    from runner import Run, World

pytestmark = needs_haproxy
LADDER = (0.05, 0.25, 1.0)
POLICY = """\
version: 1
service: click-scorer
gate: {environment: production}
promote:
  ladder: [5%, 25%, 100%]
  rung: {min-requests: 5, max-duration: 60s, settle: 20s, bake: 1s}
  judge: {errors: 1%, latency: "off"}
  watch: 1s
"""
WORKFLOW = (
    callers_workflow("promote.yml")
    .replace("""runs-on: '["self-hosted", "linux"]'""", "history: true")
    .replace("    with:\n", "    with:\n      resume: ${{ inputs.resume }}\n")
    .replace("    inputs:\n", "    inputs:\n      resume:\n        type: boolean\n        default: false\n")
)
"""The workflow that the header of promote.yml shows, with an input for a run that continues."""
RECORDED = "ghmlops promotion/Record"


def test_the_runner_is_killed_at_each_rung(world: World, api: Api, tmp_path: Path) -> None:
    """Something serves at any time, the candidate never has more than the rung, and every request is answered."""
    (folder := tmp_path / "r").mkdir()
    with routed_service(folder, FIRST_WEIGHTS, rate=60.0, start=HAPROXY.start) as scene:
        commit = consumer.fill(world, {"promote.yml": WORKFLOW}, policy=POLICY + HAPROXY.policy(folder))
        payload = {"ghmlops": {"run_id": "1", "service": "click-scorer"}}
        api.seed(deployments=[{"sha": commit, "payload": payload, "statuses": [{"state": "queued"}]}])
        target, watcher = HAPROXY.target(folder), Watcher(folder=folder, candidate="v2")
        with watcher.running():
            for number, share in enumerate(LADDER):
                watcher.shares.clear()
                killed = start(world, api, commit, 5000 + number, resume=number > 0)
                assert wait_until(killed, target, share)
                kill_all(world.folder)
                killed.join(30)
                assert has_share(target, share)
                assert min(watcher.shares) >= 0.0
                assert max(watcher.shares) <= share + 1e-9
            run = promote(world, api, commit, 5003, resume=True)
        assert set(run.jobs.values()) == {"success"}, run.text
        assert RECORDED in run.jobs
        assert min(watcher.shares) >= 0.0
        assert read_shares(target) == Shares(candidate=1.0)
        assert set(scene.statuses) == {200}
    (deployment,) = api.state.dump()["deployments"]
    assert deployment["statuses"][-1]["state"] == "success"
    takes = world.git("log", "--reverse", "--format=%s", BRANCH, cwd=world.remote).splitlines()
    assert [line.split()[0] for line in takes] == ["Take", "Take", "Take", "Take", "Release"]


def start(world: World, api: Api, commit: str, run_id: int, *, resume: bool) -> threading.Thread:
    """Start the workflow in a thread."""
    thread = threading.Thread(target=promote, args=(world, api, commit, run_id), kwargs={"resume": resume})
    thread.start()
    return thread


def promote(world: World, api: Api, commit: str, run_id: int, *, resume: bool) -> Run:
    """Run the workflow to its end; GitHub says of a run that was killed that it has ended."""
    api.seed(runs=[{"id": run_id, "head_sha": commit, "event": "workflow_dispatch", "conclusion": "cancelled"}])
    inputs = {"commit": commit, "resume": "true" if resume else "false"}
    payload = {"inputs": inputs, "repository": consumer.REPOSITORY}
    return world.run("workflow_dispatch", "promote.yml", payload, run_id=run_id, api=api.url)


def wait_until(thread: threading.Thread, target: Target, share: float) -> bool:
    """Wait until the candidate has a share; false if the thread ends before."""
    while thread.is_alive():
        if has_share(target, share):
            return True
        time.sleep(0.02)
    return False


def has_share(target: Target, share: float) -> bool:
    """Return whether the candidate has this share, and no change is under way."""
    weights = target.server_weights()
    total = sum(sum(values) for values in weights.values())
    return abs(sum(weights["candidate"]) / total - share) < 0.005


def kill_all(folder: Path) -> None:
    """Kill the runner and everything that it started: the processes whose working directory is inside a folder."""
    for _ in range(3):
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):  # it has ended, or belongs to another user
                if process.name.isdigit() and Path(os.readlink(process / "cwd")).is_relative_to(folder):
                    os.kill(int(process.name), signal.SIGKILL)
