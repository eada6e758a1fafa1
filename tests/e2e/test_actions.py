"""Each action by its path, in the order in which a workflow uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import consumer

if TYPE_CHECKING:
    from github_api.server import Api
    from runner import Run, World

ALONE = f"""\
name: alone
on: workflow_dispatch
jobs:
  measure:
    strategy:
      max-parallel: 1
      matrix:
        leg: [one, two]
    runs-on: ubuntu-latest
    steps:
      - uses: {consumer.CHECKOUT}
      - id: preview
        uses: ghmlops/ghmlops/actions/preview@v1
        with:
          leg: ${{{{ matrix.leg }}}}
      - id: latency
        uses: ghmlops/ghmlops/actions/latency@v1
        with:
          url: ${{{{ steps.preview.outputs.url }}}}
          leg: ${{{{ matrix.leg }}}}
      - id: regression
        uses: ghmlops/ghmlops/actions/regression@v1
        with:
          leg: ${{{{ matrix.leg }}}}
      - if: ${{{{ always() && steps.preview.outputs.pid != '' }}}}
        uses: ghmlops/ghmlops/actions/preview@v1
        with:
          stop: ${{{{ steps.preview.outputs.pid }}}}
      - env:
          PREVIEW: ${{{{ steps.preview.outputs.outcome }}}} ${{{{ steps.preview.outputs.url }}}}
          LATENCY: ${{{{ steps.latency.outputs.outcome }}}} ${{{{ steps.latency.outputs.p99 }}}}
          REGRESSION: ${{{{ steps.regression.outputs.outcome }}}} ${{{{ steps.regression.outputs.rows }}}}
          FILES: ${{{{ steps.latency.outputs.evidence-file }}}} ${{{{ steps.regression.outputs.evidence-file }}}}
        run: printf '%s\\n' "$PREVIEW" "$LATENCY" "$REGRESSION" "$FILES" >>"$GITHUB_STEP_SUMMARY"
      - uses: {consumer.UPLOAD}
        with:
          name: ghmlops-evidence-${{{{ matrix.leg }}}}-1
          path: evidence/
  judge:
    needs: measure
    runs-on: ubuntu-latest
    steps:
      - uses: {consumer.CHECKOUT}
      - id: report
        uses: ghmlops/ghmlops/actions/report@v1
        with:
          run-id: ${{{{ github.run_id }}}}
          comment: "off"
          html: report.html
          junit: report.xml
          markdown: report.md
      - id: gate
        uses: ghmlops/ghmlops/actions/gate@v1
        with:
          run-id: ${{{{ github.run_id }}}}
          dry-run: true
      - env:
          RESULT: ${{{{ steps.report.outputs.outcome }}}} ${{{{ steps.gate.outputs.outcome }}}}
        run: |
          echo "result: $RESULT" >>"$GITHUB_STEP_SUMMARY"
          ls report.html report.xml report.md
"""
FRONT = f"""\
name: front
on: workflow_dispatch
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: {consumer.CHECKOUT}
      - id: check
        uses: ghmlops/ghmlops@v1
        with:
          markdown: comment.md
      - env:
          OUTCOME: ${{{{ steps.check.outputs.outcome }}}}
          FOLDER: ${{{{ steps.check.outputs.evidence-dir }}}}
        run: |
          test -s comment.md
          echo "$OUTCOME $(ls "$FOLDER" | tr '\\n' ' ')" >>"$GITHUB_STEP_SUMMARY"
"""
REVERT = f"""\
name: revert
on:
  workflow_dispatch:
    inputs:
      commit: {{type: string, required: true}}
      reason: {{type: string, required: true}}
      dry-run: {{type: boolean, default: false}}
jobs:
  revert:
    runs-on: ubuntu-latest
    steps:
      - uses: {consumer.CHECKOUT}
      - id: revert
        uses: ghmlops/ghmlops/actions/revert@v1
        with:
          commit: ${{{{ inputs.commit }}}}
          reason: ${{{{ inputs.reason }}}}
          dry-run: ${{{{ inputs.dry-run }}}}
      - env:
          STATE: ${{{{ steps.revert.outputs.state }}}} ${{{{ steps.revert.outputs.revert-sha }}}}
        run: echo "$STATE" >>"$GITHUB_STEP_SUMMARY"
"""


def quiet_run(world: World, workflow: str, api: Api | None = None) -> Run:
    """Run a workflow that measures latency; repeat it if the load generator was the limit, which is not a verdict."""
    for attempt in range(3):
        payload = {"repository": consumer.REPOSITORY}
        if api:
            run_facts = {"id": 7001 + attempt, "head_sha": world.git("rev-parse", "HEAD"), "event": "workflow_dispatch"}
            api.seed(runs=[{**run_facts, "head_repository": "acme/consumer", "conclusion": None}])
        run = world.run("workflow_dispatch", workflow, payload, run_id=7001 + attempt, api=api.url if api else "")
        if not any("the generator was the limit" in message for _, _, message in run.annotations):
            break
    return run


def test_actions_by_their_paths(world: World, api: Api) -> None:
    """Two legs measure a preview, which is stopped afterwards; one job judges the evidence of both without effects."""
    legs = "legs: {latency: [one, two], regression: [one, two]}, require: [regression]"
    policy = consumer.POLICY.replace("require: [regression]", legs)
    consumer.fill(world, {"alone.yml": ALONE}, policy=policy + consumer.WITH_LATENCY)
    run = quiet_run(world, "alone.yml", api)
    assert run.jobs == {"measure-1": "success", "measure-2": "success", "judge": "success"}, run.text
    for leg, name in (("measure-1", "one"), ("measure-2", "two")):
        preview, latency, regression, files = run.summaries[leg].splitlines()[-4:]
        assert preview.startswith("pass http://127.0.0.1:")
        assert latency.split()[0] == "pass"
        assert 0 < float(latency.split()[1]) < 10_000
        assert regression == f"pass {consumer.ROWS}"
        assert files == f"evidence/latency-{name}.json evidence/regression-{name}.json"
    # Nothing is deployed yet, so that the margins of latency are a warning of the gate.
    (result,) = [line for line in run.summaries["judge"].splitlines() if line.startswith("result: ")]
    assert result.split()[2] == "warn", run.text
    assert all(f"{command}-{leg}.json" in run.text for command in ("latency", "regression") for leg in ("one", "two"))
    assert api.state.dump()["deployments"] == []


def test_the_front_action(world: World) -> None:
    """`uses: ghmlops/ghmlops@v1` runs the whole policy: preview, latency and regression, with one report."""
    consumer.fill(world, {"front.yml": FRONT}, policy=consumer.POLICY + consumer.WITH_LATENCY)
    run = quiet_run(world, "front.yml")
    assert run.jobs == {"check": "success"}, run.text
    assert "pass latency.hlog latency.json preview.json regression.json" in run.summaries["check"], run.summaries
    assert "click-scorer" in run.summaries["check"]


def test_a_dispatched_revert(world: World, api: Api) -> None:
    """A workflow dispatch with `dry-run` prints the plan; without it the revert is pushed to the remote."""
    start = consumer.fill(world, {"revert.yml": REVERT})
    commit = consumer.change(world, good=True)
    inputs = {"commit": commit, "reason": "wrong prices", "dry-run": "true"}
    plan = world.run("workflow_dispatch", "revert.yml", {"inputs": inputs}, api=api.url)
    assert plan.jobs == {"revert": "success"}, plan.text
    assert world.git("rev-parse", "main", cwd=world.remote) == commit

    done = world.run("workflow_dispatch", "revert.yml", {"inputs": {**inputs, "dry-run": "false"}}, api=api.url)
    assert done.jobs == {"revert": "success"}, done.text
    head, good = (world.git("rev-parse", name, cwd=world.remote) for name in ("main", f"{start}^{{tree}}"))
    assert f"reverted {head}" in done.summaries["revert"]
    assert world.git("rev-parse", f"{head}^{{tree}}", cwd=world.remote) == good
    assert "wrong prices" in world.git("log", "-1", "--format=%B", "main", cwd=world.remote)
