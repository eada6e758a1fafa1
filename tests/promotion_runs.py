"""What the tests of promotions under the runner have in common: the workflow, and what is left on GitHub and in git."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import consumer
from declared import callers_workflow, documented_workflow
from promoted_routers import FIRST_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from github_api.server import Api
    from promoted_routers import RouterKind
    from routed_service import Scene
    from runner import World

RUNNER = """runs-on: '["self-hosted", "linux"]'"""
CALLER = callers_workflow("promote.yml").replace(RUNNER, "history: true")
"""The workflow that the header of promote.yml shows, on the runner of the tests."""
ALONE = documented_workflow("promote", "actions/promote").replace("[self-hosted, linux]", "ubuntu-latest")
"""The workflow of the page that uses the action alone."""
PENDING = 16
"""Requests that are under way at the end: one per connection of the load."""


def assert_accounted_for(scene: Scene, kind: RouterKind, folder: Path) -> None:
    """Assert that every request was answered once, by one arm, and is in the log of the router."""
    assert set(scene.statuses) == {200}
    earlier = _answered(scene)
    lines = kind.lines(folder)  # reading takes time, in which the load goes on
    later = _answered(scene)
    assert earlier - PENDING <= len(lines) <= later + PENDING
    assert 0 <= later - len(scene.statuses) <= PENDING
    assert {line.server for line in lines} == set(FIRST_WEIGHTS)


def _answered(scene: Scene) -> int:
    return sum(arm.answered for arm in scene.arms.values())


def gated(api: Api, commit: str, state: str) -> None:
    """Record a deployment of the gate with one status."""
    payload = {"ghmlops": {"run_id": "1", "service": "click-scorer"}}
    api.state._deployment(sha=commit, payload=payload, statuses=[{"state": state}], repository="acme/consumer")


def dispatched(api: Api, inputs: dict[str, str], run_id: int, status: str = "completed") -> dict[str, Any]:
    """Have GitHub know a run that a person dispatches; return the payload of its event."""
    row = {"event": "workflow_dispatch", "status": status, "conclusion": None}
    api.seed(runs=[{"id": run_id, "head_sha": inputs["commit"], **row}])
    return {"inputs": inputs, "repository": consumer.REPOSITORY}


def states(api: Api, commit: str) -> list[str]:
    """Return the states of the deployment of a commit."""
    (deployment,) = (d for d in api.state.dump()["deployments"] if d["sha"] == commit)
    return [status["state"] for status in deployment["statuses"]]


def branch_log(world: World, branch: str) -> list[str]:
    """Return the subjects of the commits of a branch, oldest first."""
    return world.git("log", "--reverse", "--format=%s", branch, cwd=world.remote).splitlines()


def history(world: World, commit: str, kind: str = "deployment") -> dict[str, Any]:
    """Return the record of a commit on the branch of the history."""
    names = world.git("ls-tree", "-r", "--name-only", "ghmlops-history", cwd=world.remote).split()
    records = [json.loads(world.git("show", f"ghmlops-history:{name}", cwd=world.remote)) for name in names]
    (record,) = (r for r in records if (r["commit"], r["kind"]) == (commit, kind))
    return dict(record)
