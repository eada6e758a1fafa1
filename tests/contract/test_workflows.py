"""What the runner used in the tests does not enforce: permissions, concurrency, pins, required inputs, time limits."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from declared import FILES, OWN, Workflow

Actions = dict[str, dict[str, Any]]
Callable = dict[str, Workflow]
PERMISSIONS: dict[str, dict[str, dict[str, str]]] = {
    "ci.yml": {"test": {"contents": "read"}},
    "codeql.yml": {"analyze": {"contents": "read", "security-events": "write"}},
    "supply-chain.yml": {
        "scorecard": {"contents": "read", "id-token": "write", "security-events": "write"},
        "sbom": {"contents": "read"},
    },
    "pr-gate.yml": {"measure": {"contents": "read"}, "verdict": {}},
    "load.yml": {"plan": {}, "shard": {"contents": "read"}, "merge": {"contents": "read"}},
    "report.yml": {"report": {"actions": "read", "contents": "read", "pull-requests": "write"}},
    "deploy-gate.yml": {
        "gate": {"actions": "read", "contents": "read", "deployments": "write", "statuses": "write"},
        "revert": {"contents": "write", "pull-requests": "write"},
    },
}
PINS = {
    "github/codeql-action/init": "f443b600d91635bebf5b0d9ebc620189c0d6fba5 # v4.30.8",
    "github/codeql-action/analyze": "f443b600d91635bebf5b0d9ebc620189c0d6fba5 # v4.30.8",
    "github/codeql-action/upload-sarif": "f443b600d91635bebf5b0d9ebc620189c0d6fba5 # v4.30.8",
    "ossf/scorecard-action": "05b42c624433fc40578a4040d5cf5e36ddca8cde # v2.4.2",
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "actions/cache": "27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
}
RUN_CHANGES = {".", "actions/preview", "actions/latency", "actions/regression"}
"""Folders of the actions that run, or measure, a change's own code."""


def own_action(step: dict[str, Any]) -> str | None:
    """Return the folder of the action of ours that a step uses."""
    found = OWN.fullmatch(step.get("uses", ""))
    return (found["path"] or ".") if found else None


def test_permissions(workflow: Workflow) -> None:
    """A workflow has no permissions, and each of its jobs the ones listed here and no others."""
    assert workflow.body["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow.body["jobs"].items()} == PERMISSIONS[workflow.name]


def test_every_workflow_is_listed() -> None:
    """The table of permissions is not stale."""
    assert sorted(PERMISSIONS) == [w.name for w in FILES]


def test_callers_are_told_the_permissions(callable_workflows: Callable) -> None:
    """The example at the top of a reusable workflow grants the union of its jobs' permissions and nothing more."""
    for path, workflow in callable_workflows.items():
        example = header_example(workflow.text)
        (job,) = (j for j in example["jobs"].values() if j.get("uses") == f"ghmlops/ghmlops/{path}@v1")
        union: dict[str, str] = {}
        for granted in PERMISSIONS[workflow.name].values():
            for scope, level in granted.items():
                union[scope] = "write" if "write" in (level, union.get(scope)) else level
        assert union == job["permissions"]


def header_example(text: str) -> dict[str, Any]:
    """Return the workflow that a reusable one shows in its first comment."""
    lines = [line.removeprefix("#") for line in text.splitlines() if line.startswith("#")]
    indented = [line for line in lines if line.startswith("   ")]
    found = yaml.safe_load("\n".join(indented))
    assert isinstance(found, dict)
    return found


def test_code_of_a_change_never_meets_a_token_that_writes(written: Workflow) -> None:
    """A job that measures a change may read, and nothing else."""
    for job in written.body["jobs"].values():
        if {own_action(step) for step in job.get("steps", [])} & RUN_CHANGES:
            assert job["permissions"] == {"contents": "read"}


def test_time_limits(written: Workflow) -> None:
    """No job runs for GitHub's six hours."""
    for job in written.body["jobs"].values():
        assert "uses" in job or "timeout-minutes" in job


def test_pins(written: Workflow) -> None:
    """Actions of others are pinned by full SHA, with the version beside it; ours by the major version."""
    for line in re.findall(r"^\s*(?:- )?uses: (.+)$", written.text, flags=re.MULTILINE):
        name, ref = line.split("@", 1)
        if own := OWN.fullmatch(line.strip()):
            assert own["ref"] == "v1"
        else:
            assert PINS[name] == ref


def test_nothing_is_pasted_into_a_script(written: Workflow) -> None:
    """No `${{` in any `run:`."""
    for _, step in written.steps():
        assert "${{" not in step.get("run", "")


def test_no_checkout_keeps_credentials(written: Workflow) -> None:
    """`actions/checkout` leaves its token to no later step; `revert` shows its own to the remote itself."""
    for _, step in written.steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_stage_that_comments_checks_out_no_head(callable_workflows: Callable) -> None:
    """`report.yml` runs with a token that writes: it checks the default branch out, whatever the event says."""
    workflow = callable_workflows[".github/workflows/report.yml"]
    (checkout,) = (s for _, s in workflow.steps() if s.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"persist-credentials": False}


def test_deployments_and_reverts_wait_and_are_not_cut_short(callable_workflows: Callable) -> None:
    """Keyed by service (its policy file) and environment, or by branch; never cancelled in progress."""
    jobs = callable_workflows[".github/workflows/deploy-gate.yml"].body["jobs"]
    gate, revert = jobs["gate"]["concurrency"], jobs["revert"]["concurrency"]
    assert gate["group"] == "ghmlops-gate-${{ inputs.policy }}-${{ inputs.environment }}"
    assert revert["group"] == "ghmlops-revert-${{ inputs.branch || github.event.repository.default_branch }}"
    assert (gate["cancel-in-progress"], revert["cancel-in-progress"]) == (False, False)


def test_environment_is_honoured_and_its_deployment_not_doubled(callable_workflows: Callable) -> None:
    """The gate's job waits for the reviewers of the environment that it records; the record is the action's own."""
    gate = callable_workflows[".github/workflows/deploy-gate.yml"].body["jobs"]["gate"]
    assert gate["environment"] == {"name": "${{ inputs.environment }}", "deployment": False}
    (step,) = (s for s in gate["steps"] if own_action(s) == "actions/gate")
    assert step["with"]["environment"] == "${{ inputs.environment }}"


def test_a_maintainer_can_ask_again(callable_workflows: Callable) -> None:
    """`deploy-gate.yml` takes the same inputs by hand as by call; by hand the run with the evidence is required."""
    triggers = callable_workflows[".github/workflows/deploy-gate.yml"].triggers
    called, dispatched = triggers["workflow_call"]["inputs"], triggers["workflow_dispatch"]["inputs"]
    assert list(called) == list(dispatched)
    assert [name for name, body in dispatched.items() if body.get("required")] == ["run-id"]
    assert [name for name, body in called.items() if body.get("required")] == []


def test_interface_is_typed_and_described(callable_workflows: Callable) -> None:
    """Every input of a reusable workflow has a type, a description and a default or is required."""
    for workflow in callable_workflows.values():
        for trigger in ("workflow_call", "workflow_dispatch"):
            for body in ((workflow.triggers.get(trigger) or {}).get("inputs") or {}).values():
                assert body["type"] in ("string", "boolean", "number", "choice")
                assert body["description"].endswith(".")
                assert "default" in body or body.get("required")


def test_every_input_is_used(callable_workflows: Callable) -> None:
    """An input that nothing reads would be a promise not kept."""
    for workflow in callable_workflows.values():
        jobs = yaml.safe_dump(workflow.body["jobs"], width=10_000)
        for name in (workflow.triggers["workflow_call"].get("inputs")) or {}:
            assert f"inputs.{name}" in jobs


def test_uses_name_what_exists(written: Workflow, actions: Actions, callable_workflows: Callable) -> None:
    """Every action and reusable workflow of ours that is used exists, with these inputs, none required left out."""
    for job in written.body["jobs"].values():
        used = [(own_action(step), step.get("with") or {}) for step in job.get("steps", [])]
        if found := OWN.fullmatch(job.get("uses", "")):
            inputs = callable_workflows[found["path"]].triggers["workflow_call"]["inputs"]
            check_inputs(job.get("with") or {}, inputs)
        for folder, given in used:
            if folder is not None:
                check_inputs(given, actions[folder]["inputs"])


def check_inputs(given: dict[str, Any], known: dict[str, Any]) -> None:
    """Names that are given are known, and required ones are given."""
    assert set(given) <= set(known)
    assert {name for name, body in known.items() if body.get("required")} <= set(given)


def test_outputs_that_are_read_exist(written: Workflow, actions: Actions, callable_workflows: Callable) -> None:
    """`steps.x.outputs.y` and `needs.x.outputs.y` name outputs of what the step or the job uses."""
    jobs = written.body["jobs"]
    for job in jobs.values():
        text = yaml.safe_dump(job, width=10_000)
        by_id = {step["id"]: step for step in job.get("steps", []) if "id" in step}
        for identity, output in re.findall(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)", text):
            folder = own_action(by_id[identity])
            known = set(actions[folder]["outputs"]) if folder else set(re.findall(r"(\w+)=", by_id[identity]["run"]))
            assert output in known
        for name, output in re.findall(r"\bneeds\.([\w-]+)\.outputs\.([\w-]+)", text):
            called = OWN.fullmatch(jobs[name].get("uses", ""))
            outputs = (
                callable_workflows[called["path"]].triggers["workflow_call"]["outputs"]
                if called
                else jobs[name]["outputs"]
            )
            assert output in outputs


def test_examples_in_headers_hold(callable_workflows: Callable, actions: Actions) -> None:
    """The workflow that a reusable one shows in its first comment is held to the same as those of the documents."""
    for path, workflow in callable_workflows.items():
        example = Workflow(path, "", header_example(workflow.text))
        test_uses_name_what_exists(example, actions, callable_workflows)
        test_outputs_that_are_read_exist(example, actions, callable_workflows)


@pytest.mark.parametrize(
    ("result", "outcome", "passes"),
    [
        ("success", "pass", True),
        ("success", "warn", True),
        ("success", "inconclusive", True),
        ("success", "fail", False),
        ("success", "error", False),
        ("success", "", False),
        ("skipped", "", False),
        ("cancelled", "", False),
        ("cancelled", "pass", False),
        ("failure", "pass", False),
        ("failure", "fail", False),
        ("", "", False),
        ("success", "pass; true", False),
    ],
)
def test_required_check(callable_workflows: Callable, result: str, outcome: str, passes: bool) -> None:
    """The last job of `pr-gate.yml` never skips, and passes on a real verdict only."""
    job = callable_workflows[".github/workflows/pr-gate.yml"].body["jobs"]["verdict"]
    (step,) = job["steps"]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={"RESULT": result, "OUTCOME": outcome, "REASON": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert job["if"] == "always()"
    assert job["needs"] == "measure"
    assert sorted(step["env"]) == ["OUTCOME", "REASON", "RESULT"]
    assert passes == (done.returncode == 0)
    assert passes != ("::error" in done.stdout)


@pytest.mark.parametrize(("outcome", "passes"), [("fail", True), ("inconclusive", True), ("error", False), ("", False)])
def test_bad_news_is_not_a_broken_report(callable_workflows: Callable, outcome: str, passes: bool) -> None:
    """`report.yml` is red where nothing could be told, and not where what it told is bad."""
    steps = callable_workflows[".github/workflows/report.yml"].body["jobs"]["report"]["steps"]
    report, last = steps[-2:]
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", last["run"]]
    done = subprocess.run(command, env={"OUTCOME": outcome}, capture_output=True, check=False)
    assert report["continue-on-error"] is True
    assert last["if"] == f"steps.{report['id']}.outcome == 'failure'"
    assert passes == (done.returncode == 0)
