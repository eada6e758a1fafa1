"""A commit on the default branch: measured, gated, deployed or reverted; and gated again by a maintainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import consumer

if TYPE_CHECKING:
    from github_api.server import Api
    from runner import World

DEPLOY = """\
name: deploy
on:
  push:
    branches: [main]
permissions: {}
jobs:
  measure:
    permissions:
      contents: read
    uses: ghmlops/ghmlops/.github/workflows/pr-gate.yml@v1
  gate:
    needs: measure
    if: ${{ !cancelled() }}
    permissions:
      actions: read
      contents: write
      deployments: write
      pull-requests: write
      statuses: write
    uses: ghmlops/ghmlops/.github/workflows/deploy-gate.yml@v1
    with:
      evidence: ${{ needs.measure.outputs.artifact }}
      environment-url: https://clicks.example.org
      revert: true
  deploy:
    needs: gate
    runs-on: ubuntu-latest
    steps:
      - env:
          OUTCOME: ${{ needs.gate.outputs.outcome }}
          DEPLOYMENT: ${{ needs.gate.outputs.deployment-id }}
        run: echo "deployed after $OUTCOME as $DEPLOYMENT" >>"$GITHUB_STEP_SUMMARY"
"""
AGAIN = """\
name: gate again
on:
  workflow_dispatch:
    inputs:
      commit:
        description: "Commit."
        required: true
        type: string
      run-id:
        description: "Run that measured it."
        required: true
        type: string
      reason:
        description: "Why it may pass."
        type: string
        default: ""
      revert:
        description: "Revert a confirmed failure."
        type: boolean
        default: false
permissions: {}
jobs:
  gate:
    permissions:
      actions: read
      contents: write
      deployments: write
      pull-requests: write
      statuses: write
    uses: ghmlops/ghmlops/.github/workflows/deploy-gate.yml@v1
    with:
      commit: ${{ inputs.commit }}
      run-id: ${{ inputs.run-id }}
      override-reason: ${{ inputs.reason }}
      revert: ${{ inputs.revert }}
"""
MEASURE, VERDICT = "ghmlops pull-request gate/Measure", "ghmlops pull-request gate/Verdict"
GATE, REVERT = "ghmlops deployment gate/Gate", "ghmlops deployment gate/Revert"


def deployments(api: Api) -> list[tuple[str, str, list[str]]]:
    """Return (commit, environment, states) of every recorded deployment."""
    records = api.state.dump()["deployments"]
    return [(d["sha"], d["environment"], [s["state"] for s in d["statuses"]]) for d in records]


def status(api: Api, commit: str) -> str:
    """Return the latest state of the gate's commit status."""
    statuses = [s for s in api.state.dump()["statuses"] if s["sha"] == commit]
    assert {"ghmlops/production"} == {s["context"] for s in statuses}
    state: str = statuses[-1]["state"]
    return state


def dispatch(world: World, api: Api, run_id: int, inputs: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    """Run the gate by a workflow dispatch; return the exit code, the jobs and the log."""
    payload = {"inputs": inputs, "repository": consumer.REPOSITORY}
    run = world.run("workflow_dispatch", "again.yml", payload, run_id=run_id, api=api.url)
    return run.code, run.jobs, run.text


def test_a_good_commit_is_deployed(world: World, api: Api) -> None:
    """The evidence of the measuring job opens the gate of exactly this commit, and the deployment is recorded."""
    start = consumer.fill(world, {"deploy.yml": DEPLOY})
    commit = consumer.change(world, good=True)
    run = world.run("push", "deploy.yml", consumer.push(commit, start), api=api.url)
    assert run.jobs == {MEASURE: "success", VERDICT: "success", GATE: "success", "deploy": "success"}, run.text
    assert [(commit, "production", ["in_progress", "success"])] == deployments(api)
    assert status(api, commit) == "success"
    assert "deployed after pass as " in run.summaries["deploy"]


def test_a_bad_commit_is_reverted(world: World, api: Api) -> None:
    """The gate fails, nothing is deployed, and the revert on the remote has the tree of the good commit.

    The gate runs separately: act stops a workflow when a called workflow fails, whereas GitHub continues.
    """
    start = consumer.fill(world, {"deploy.yml": DEPLOY, "again.yml": AGAIN})
    commit = consumer.change(world, good=False)
    run = world.run("push", "deploy.yml", consumer.push(commit, start), api=api.url)
    assert run.jobs == {MEASURE: "failure", VERDICT: "failure"}, run.text

    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "4242", "revert": "true"})
    assert (code, jobs) == (1, {GATE: "failure", REVERT: "success"}), text
    assert [(commit, "production", ["in_progress", "failure"])] == deployments(api)
    assert status(api, commit) == "failure"
    log = world.git("log", "--format=%s", "main", cwd=world.remote).splitlines()
    assert log == ['Revert "Break the model"', "Break the model", "Start"]
    good, now = (world.git("rev-parse", f"{name}^{{tree}}", cwd=world.remote) for name in (start, "main"))
    assert good == now

    code, jobs, text = dispatch(world, api, 6002, {"commit": commit, "run-id": "4242", "revert": "true"})
    assert (code, jobs) == (1, {GATE: "failure", REVERT: "success"}), text
    assert "state=already-reverted" in text
    assert log == world.git("log", "--format=%s", "main", cwd=world.remote).splitlines()


def test_a_maintainer_repeats_the_gate(world: World, api: Api) -> None:
    """A dispatch with the evidence of an earlier run passes; evidence of another commit is an error."""
    start = consumer.fill(world, {"deploy.yml": DEPLOY, "again.yml": AGAIN})
    commit = consumer.change(world, good=True)
    world.run("push", "deploy.yml", consumer.push(commit, start), api=api.url)

    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "4242"})
    assert (code, jobs) == (0, {GATE: "success"}), text
    assert [commit] == sorted({sha for sha, _, _ in deployments(api)})

    code, jobs, text = dispatch(world, api, 6002, {"commit": start, "run-id": "4242"})
    assert (code, jobs) == (1, {GATE: "failure"}), text
    assert f"was measured for commit {commit}, not for {start}" in text


def test_a_reason_overrides_an_inconclusive_gate(world: World, api: Api) -> None:
    """Missing evidence is inconclusive; a reason overrides it, and is recorded."""
    commit = consumer.fill(world, {"again.yml": AGAIN})
    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "999"})
    assert (code, jobs) == (1, {GATE: "failure"}), text
    assert "inconclusive" in text

    reason = "Checked by hand; $(touch pwned) `id` ${{ github.token }}"
    code, jobs, text = dispatch(world, api, 6002, {"commit": commit, "run-id": "999", "reason": reason})
    assert (code, jobs) == (0, {GATE: "success"}), text
    assert "Checked by hand; $(touch pwned)" in text
    assert not list(world.folder.rglob("pwned"))
