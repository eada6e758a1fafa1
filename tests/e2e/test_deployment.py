"""A commit on the default branch: measured, gated, deployed or reverted; and gated again by a maintainer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import consumer
from declared import callers_workflow
from e2e.conftest import PERMISSIONS
from runner import TOKEN

if TYPE_CHECKING:
    from github_api.server import Api
    from runner import Run, World

DEPLOY = callers_workflow("deploy-gate.yml")
"""The workflow that the header of deploy-gate.yml shows."""
DEPLOY_SCRIPT = """\
#!/bin/sh
echo "deployed $GITHUB_SHA" >>"$GITHUB_STEP_SUMMARY"
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
AFTER = """\
name: after
on:
  workflow_dispatch:
    inputs:
      follow-up:
        description: "What the revert left."
        required: true
        type: string
permissions: {}
jobs:
  after:
    permissions:
      actions: write
      contents: read
      issues: write
    uses: ghmlops/ghmlops/.github/workflows/after-revert.yml@v1
    with:
      follow-up: ${{ inputs.follow-up }}
"""
DISPATCHING = f"{consumer.POLICY}revert: {{dispatch: deploy.yml}}\n"
BASELINE = "ghmlops pull-request gate/Baseline"
MEASURE, VERDICT = "ghmlops pull-request gate/Measure", "ghmlops pull-request gate/Verdict"
GATE, REVERT = "ghmlops deployment gate/Gate", "ghmlops deployment gate/Revert"
FOLLOW_UP = "ghmlops after a revert/After the revert"
REMEASURE = "ghmlops deployment gate/Remeasure"


def deployments(api: Api) -> list[tuple[str, str, list[str]]]:
    """Return (commit, environment, states) of every recorded deployment."""
    records = api.state.dump()["deployments"]
    return [(d["sha"], d["environment"], [s["state"] for s in d["statuses"]]) for d in records]


def status(api: Api, commit: str) -> str:
    """Return the latest state of the gate's commit status."""
    statuses = [s for s in api.state.dump()["statuses"] if s["sha"] == commit]
    assert {"ghmlops/click-scorer/production"} == {s["context"] for s in statuses}
    state: str = statuses[-1]["state"]
    return state


def live(api: Api, commit: str) -> None:
    """Record that a commit is deployed, so that the next one is not a first deployment."""
    api.seed(deployments=[{"sha": commit, "payload": {"ghmlops": {"run_id": "1", "service": "click-scorer"}}}])
    texts = ("description", "environment_url", "log_url", "target_url")
    fields = {"environment": "production", "state": "success", **dict.fromkeys(texts, "")}
    author = {"login": "github-actions[bot]", "type": "Bot", "repository": "acme/consumer"}
    status = api.state.stamped(deployment=api.state.deployments[-1]["id"], **fields, **author)
    api.state.deployment_statuses.append(status)


def dispatch(
    world: World, api: Api, run_id: int, inputs: dict[str, Any], workflow: str = "again.yml"
) -> tuple[int, dict[str, str], str]:
    """Run the gate by a workflow dispatch; return the exit code, the jobs and the log."""
    payload = {"inputs": inputs, "repository": consumer.REPOSITORY}
    facts = {"event": "workflow_dispatch", "conclusion": None, "triggering_actor": "maria"}
    api.seed(runs=[{"id": run_id, "head_sha": inputs["commit"], **facts}])
    run = world.run("workflow_dispatch", workflow, payload, run_id=run_id, api=api.url)
    return run.code, run.jobs, run.text


def prepare(world: World, workflows: dict[str, str], policy: str = consumer.POLICY) -> str:
    """Write and push the first commit with these workflows and a deployment script; return the commit."""
    script = world.consumer / "deploy.sh"
    script.write_text(DEPLOY_SCRIPT)
    script.chmod(0o755)
    return consumer.fill(world, workflows, policy=policy)


def push(world: World, api: Api, commit: str, before: str, run_id: int) -> Run:
    """Run the caller's workflow for a push, as run `run_id` that GitHub knows."""
    run = {"id": run_id, "head_sha": commit, "event": "push", "head_branch": "main"}
    api.seed(runs=[{**run, "head_repository": "acme/consumer", "status": "in_progress", "conclusion": None}])
    return world.run("push", "deploy.yml", consumer.push(commit, before), run_id=run_id, api=api.url)


DEPLOYED = dict.fromkeys((BASELINE, MEASURE, VERDICT, REMEASURE, GATE, "deploy"), "success")
REFUSED = {BASELINE: "success", MEASURE: "failure", VERDICT: "failure"}
"""Jobs of a push that fails: act stops a workflow when a called workflow fails, whereas GitHub continues."""


def test_a_good_commit_is_deployed(world: World, api: Api) -> None:
    """The workflow of the header: the deployment is queued at the gate and a success only after the user's step."""
    start = prepare(world, {"deploy.yml": DEPLOY})
    commit = consumer.change(world, good=True)
    run = push(world, api, commit, start, 4242)
    assert run.jobs == DEPLOYED, run.text
    assert [(commit, "production", ["queued", "success"])] == deployments(api)
    assert status(api, commit) == "success"
    assert f"deployed {commit}" in run.summaries["deploy"]


def follow(world: World, api: Api, run_id: int, commit: str, text: str) -> None:
    """Run after-revert.yml with what a revert left, by a token that may not push."""
    left = re.findall(r"follow-up=(\{.*\})", text)[-1]
    permissions = {"actions": "write", "contents": "read", "issues": "write"}
    api.seed(tokens={TOKEN: {"permissions": permissions}})
    code, jobs, log = dispatch(world, api, run_id, {"commit": commit, "follow-up": left}, "after.yml")
    api.seed(tokens={TOKEN: {"permissions": PERMISSIONS}})
    assert (code, jobs) == (0, {FOLLOW_UP: "success"}), log


def test_a_bad_commit_is_reverted(world: World, api: Api) -> None:
    """The gate fails, nothing is deployed, and the revert on the remote has the tree of the good commit.

    A conflict with later work opens one issue. After the revert, the deployment is started once, and the pull request
    at fault has a comment. The job that pushes may neither start workflows nor open issues.
    """
    start = prepare(world, {"deploy.yml": DEPLOY, "again.yml": AGAIN, "after.yml": AFTER}, DISPATCHING)
    api.state.repositories["acme/consumer"]["git_dir"] = str(world.remote)
    assert push(world, api, start, start, 4241).jobs == DEPLOYED
    commit = consumer.change(world, good=False)
    api.seed(pull_requests=[{"number": 5, "head_sha": commit, "state": "closed", "merge_commit_sha": commit}])
    run = push(world, api, commit, start, 4242)
    assert run.jobs == REFUSED, run.text

    request = {"commit": commit, "run-id": "4242", "revert": "true"}
    consumer.change(world, good=True)
    code, jobs, text = dispatch(world, api, 6001, request)
    assert (code, jobs) == (1, {REMEASURE: "success", GATE: "failure", REVERT: "failure"}), text
    follow(world, api, 6002, commit, text)
    (issue,) = api.state.issues
    assert "candidate.parquet" in issue["body"]

    world.git("reset", "--quiet", "--hard", commit)
    world.git("push", "--quiet", "--force", "origin", "HEAD:main")
    code, jobs, text = dispatch(world, api, 6003, request)
    assert (code, jobs) == (1, {REMEASURE: "success", GATE: "failure", REVERT: "success"}), text
    assert (commit, "production", ["failure"]) in deployments(api)
    assert status(api, commit) == "failure"
    log = world.git("log", "--format=%s", "main", cwd=world.remote).splitlines()
    assert log == ['Revert "Break the model"', "Break the model", "Start"]
    good, now = (world.git("rev-parse", f"{name}^{{tree}}", cwd=world.remote) for name in (start, "main"))
    assert good == now
    assert [comment["issue"] for comment in api.state.comments] == [5]
    follow(world, api, 6004, commit, text)
    tip = world.git("rev-parse", "main", cwd=world.remote)
    deployed = [r for r in api.state.runs if r["path"].endswith("/deploy.yml")]
    assert ([r["head_sha"] for r in deployed], len(api.state.issues)) == ([tip], 1)


def test_a_maintainer_repeats_the_gate(world: World, api: Api) -> None:
    """A dispatch with the evidence of an earlier run passes; evidence of another commit is an error."""
    start = prepare(world, {"deploy.yml": DEPLOY, "again.yml": AGAIN})
    commit = consumer.change(world, good=True)
    push(world, api, commit, start, 4242)

    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "4242"})
    assert (code, jobs) == (0, {REMEASURE: "success", GATE: "success"}), text
    assert [commit] == sorted({sha for sha, _, _ in deployments(api)})

    code, jobs, text = dispatch(world, api, 6002, {"commit": start, "run-id": "4242"})
    assert (code, jobs) == (1, {REMEASURE: "success", GATE: "failure"}), text
    assert re.search(f"{commit}.* not for {start}", text)


def test_a_reason_overrides_an_inconclusive_gate(world: World, api: Api) -> None:
    """Missing evidence is inconclusive; a reason overrides it, and is recorded."""
    commit = prepare(world, {"again.yml": AGAIN})
    api.seed(runs=[{"id": 999, "head_sha": commit, "event": "push", "head_repository": "acme/consumer"}])
    live(api, "b" * 40)
    api.state.repositories["acme/consumer"]["roles"]["maria"] = "maintain"
    reason = "Checked by hand; $(touch pwned) `id` ${{ github.token }}"
    code, jobs, text = dispatch(world, api, 6001, {"commit": commit, "run-id": "999"})
    assert code == 1
    assert jobs == {REMEASURE: "success", GATE: "failure"}, text

    code, jobs, text = dispatch(world, api, 6002, {"commit": commit, "run-id": "999", "reason": reason})
    assert (code, jobs) == (0, {REMEASURE: "success", GATE: "success"}), text
    assert "Checked by hand; $(touch pwned)" in text
    assert "(by maria)" in text
    assert [states for sha, _, states in deployments(api) if sha == commit] == [["pending"], ["queued"]]
    assert not list(world.folder.rglob("pwned"))


SLOW_POLICY = """\
version: 1
service: click-scorer
preview: {command: "python3 serve.py --port {port}", ready: /healthz, timeout: 30s}
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: requests.jsonl
  arrivals: {constant: 160/s, duration: 16s, warmup: 1s}
  slo: {p90: 2s, errors: 20%}
gate: {environment: production, require: [latency]}
"""


def service(world: World, milliseconds: int, message: str) -> str:
    """Commit and push a service that takes this time for an answer; return the commit."""
    source = consumer.SERVICE.replace("import json\n", "import json\nimport time\n")
    sleep = f"        time.sleep({milliseconds / 1000})\n        row = json"
    world.write({"serve.py": source.replace("        row = json", sleep)})
    return world.commit(message)


def test_a_rejected_commit_is_no_baseline(world: World, api: Api) -> None:
    """Good 4 ms is deployed, bad 8 ms was rejected; a change of the documents on top ships the bad one: rejected, too.

    Its baseline is the commit that is deployed, and not the one before the push.
    """
    prepare(world, {"deploy.yml": DEPLOY, "again.yml": AGAIN}, SLOW_POLICY)
    live(api, good := service(world, 4, "Answer in 4 ms"))
    bad = service(world, 8, "Answer in 8 ms")
    world.write({"README.md": "Documents only.\n"})
    documents = world.commit("Document it")
    run = push(world, api, documents, bad, 4243)
    assert refused(run)
    assert f"--base {good}" in run.text
    assert re.search(r"p50 rose from [3-7]\.\d+ to (?:[89]|1\d)\.?\d* ms", run.text), run.text
    assert [(good, "production", ["success"])] == deployments(api)


def refused(run: Run) -> bool:
    """Return whether the measurement ended without a verdict that lets the commit through, failed or inconclusive."""
    return run.jobs[VERDICT] == "failure" and GATE not in run.jobs and "deploy" not in run.jobs
