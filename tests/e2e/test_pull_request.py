"""A pull request, from the measurement with a read-only token to the comment in a second run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import consumer

if TYPE_CHECKING:
    from github_api.server import Api
    from runner import World

CHECK = """\
name: check
on: pull_request
permissions: {}
jobs:
  ghmlops:
    permissions:
      actions: read
      contents: read
      deployments: read
    uses: ghmlops/ghmlops/.github/workflows/pr-gate.yml@v1
    with:
      setup: |
        python3 --version
        test -f predictions/candidate.parquet
  after:
    needs: ghmlops
    if: always()
    runs-on: ubuntu-latest
    steps:
      - env:
          OUTCOME: ${{ needs.ghmlops.outputs.outcome }}
          ARTIFACT: ${{ needs.ghmlops.outputs.artifact }}
        run: echo "outcome $OUTCOME in $ARTIFACT" >>"$GITHUB_STEP_SUMMARY"
"""
REPORT = """\
name: comment
on:
  workflow_run:
    workflows: [check]
    types: [completed]
permissions: {}
jobs:
  report:
    permissions:
      actions: read
      checks: write
      contents: read
      pull-requests: write
    uses: ghmlops/ghmlops/.github/workflows/report.yml@v1
"""
BASELINE = "ghmlops pull-request gate/Baseline"
MEASURE, VERDICT = "ghmlops pull-request gate/Measure", "ghmlops pull-request gate/Verdict"
COMMENT, REMEASURE = "ghmlops report/Report", "ghmlops report/Remeasure"
REFUSED = {BASELINE: "success", MEASURE: "failure", VERDICT: "failure"}
"""Without the caller's job `after`: act stops a workflow when a called workflow fails; GitHub continues."""


def open_pull_request(world: World, api: Api, *, good: bool) -> tuple[str, str]:
    """Push a change on a branch; return its head and its base."""
    base = consumer.fill(world, {"check.yml": CHECK, "comment.yml": REPORT})
    world.git("switch", "--quiet", "--create", "topic")
    head = consumer.change(world, good=good)
    request = {"number": 7, "head_sha": head, "head_ref": "topic", "head_repository": "ada/consumer", "base_sha": base}
    run = {"id": world.run_id, "head_sha": head, "head_repository": "ada/consumer", "event": "pull_request"}
    run |= {"head_branch": "topic", "status": "in_progress", "conclusion": None}
    api.seed(pull_requests=[{**request, "base_ref": "main"}], runs=[run])
    return head, base


def comment(world: World, api: Api, head: str, run_id: int) -> str:
    """Run the reporting workflow from the default branch; return the only comment."""
    world.git("switch", "--quiet", "main")
    # The reporting run uploads the page, so that the API has to know it.
    reporting = {"id": run_id, "head_sha": world.git("rev-parse", "HEAD").strip(), "event": "workflow_run"}
    api.seed(runs=[{**reporting, "head_branch": "main", "status": "in_progress", "conclusion": None}])
    run = world.run("workflow_run", "comment.yml", consumer.completed(world.run_id, head), run_id=run_id, api=api.url)
    assert run.jobs == {REMEASURE: "success", COMMENT: "success"}, run.text
    assert run.annotations == []  # those of the check run are its own
    (written,) = api.state.dump()["comments"]
    body: str = written["body"]
    return body


def test_a_fair_change(world: World, api: Api) -> None:
    """The change passes, and one comment reports it, which a second report edits in place."""
    head, base = open_pull_request(world, api, good=True)
    run = world.run("pull_request", "check.yml", consumer.pull_request(7, head, base), api=api.url)
    jobs = {BASELINE: "success", MEASURE: "success", VERDICT: "success", "after": "success"}
    assert run.jobs == jobs, run.text
    assert [a for a in run.annotations if a[1] == "error"] == []
    assert "outcome pass in ghmlops-evidence-check-1" in run.summaries["after"]
    assert "click-scorer" in run.summaries[MEASURE]

    first = comment(world, api, head, 5001)
    second = comment(world, api, head, 5002)
    (written,) = api.state.dump()["comments"]
    (check,) = api.state.dump()["check_runs"]
    assert (check["name"], check["head_sha"], check["conclusion"]) == ("ghmlops/click-scorer", head, "success")
    assert "pass" in first.lower()
    assert head[:7] in second
    assert written["issue"] == 7


def test_a_bad_change(world: World, api: Api) -> None:
    """The required check fails, with annotations, and the comment names the metric that got worse."""
    head, base = open_pull_request(world, api, good=False)
    run = world.run("pull_request", "check.yml", consumer.pull_request(7, head, base), api=api.url)
    assert run.jobs == REFUSED, run.text
    assert "job measure: failure; outcome: fail; " in run.text
    errors = [message for job, kind, message in run.annotations if (job, kind) == (MEASURE, "error")]
    assert any("auc" in message.lower() for message in errors), run.annotations

    body = comment(world, api, head, 5001)
    (check,) = api.state.dump()["check_runs"]
    assert (check["head_sha"], check["conclusion"]) == (head, "failure")
    assert "fail" in body.lower()
    assert "auc" in body.lower()


def test_a_policy_with_a_mistake(world: World, api: Api) -> None:
    """Nothing can be judged: the measuring job fails, and the required check fails too."""
    head, base = open_pull_request(world, api, good=True)
    world.write({".github/ghmlops.yml": consumer.POLICY.replace("slices:", "slice:")})
    head = world.commit("Misspell")
    run = world.run("pull_request", "check.yml", consumer.pull_request(7, head, base), api=api.url)
    assert run.jobs == REFUSED, run.text
    errors = [message for job, _, message in run.annotations if job == MEASURE]
    assert any("slice" in message and ".github/ghmlops.yml" in message for message in errors), run.annotations
    assert "job measure: failure; outcome: error; reason: bad-policy" in run.text
