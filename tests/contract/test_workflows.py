"""Properties that the runner of the tests does not enforce: permissions, concurrency, pins, inputs, time limits."""

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
    "ci.yml": {name: {"contents": "read"} for name in ("test", "pythons", "systems", "alpine")},
    "codeql.yml": {"analyze": {"contents": "read", "security-events": "write"}},
    "supply-chain.yml": {
        "scorecard": {"contents": "read", "id-token": "write", "security-events": "write"},
        "sbom": {"contents": "read"},
    },
    "release.yml": {
        "build": {"contents": "read"},
        "attest": {"attestations": "write", "id-token": "write"},
        "release": {"contents": "write"},
        "publish": {"contents": "read", "id-token": "write"},
    },
    "pr-gate.yml": {
        "baseline": {"actions": "read", "contents": "read", "deployments": "read"},
        "measure": {"contents": "read"},
        "build": {"contents": "read"},
        "verdict": {},
    },
    "commands.yml": {"command": {"actions": "write", "contents": "read", "pull-requests": "write"}},
    "attest.yml": {"attest": {"attestations": "write", "id-token": "write"}},
    "load.yml": {"plan": {}, "shard": {"contents": "read"}, "merge": {"contents": "read"}},
    "report.yml": {
        "remeasure": {"actions": "read", "contents": "read", "pull-requests": "read"},
        "report": {"actions": "read", "checks": "write", "contents": "read", "pull-requests": "write"},
    },
    "deploy-gate.yml": {
        "remeasure": {"actions": "read", "contents": "read", "deployments": "read"},
        "gate": {
            "actions": "read",
            "contents": "read",
            "deployments": "write",
            "pull-requests": "write",
            "statuses": "write",
        },
        "revert": {"contents": "write", "pull-requests": "write"},
    },
    "after-revert.yml": {"after": {"actions": "write", "contents": "read", "issues": "write"}},
    "site.yml": {"build": {"contents": "read"}, "publish": {"id-token": "write", "pages": "write"}},
    "promote.yml": {
        "lock": {"actions": "read", "contents": "write"},
        "promote": {"actions": "read", "contents": "read", "deployments": "write", "statuses": "write"},
        "record": {"contents": "write", "pull-requests": "read"},
    },
    "watch.yml": {"watch": {"actions": "write", "contents": "read", "deployments": "read", "issues": "write"}},
    "watch-confirm.yml": {
        "claim": {"actions": "read", "contents": "read", "deployments": "read"},
        "measure": {"contents": "read"},
        "record": {"contents": "write"},
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
    "actions/attest": "1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2",
    "actions/upload-pages-artifact": "7b1f4a764d45c48632c6b24a0339c27f5614fb0b # v4.0.0",
    "actions/deploy-pages": "d6db90164ac5ed86f2b6aed7e0febac5b3c0c03e # v4.0.5",
    **dict.fromkeys(
        ("actions/cache", "actions/cache/restore", "actions/cache/save"),
        "27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
    ),
}
OUTPUTS_OF = {
    "actions/attest": {"attestation-id", "attestation-url", "bundle-path"},
    "actions/upload-artifact": {"artifact-digest", "artifact-id", "artifact-url"},
    "actions/deploy-pages": {"page_url"},
}
"""Outputs of external actions, from their documentation."""
RUN_CHANGES = {".", "actions/preview", "actions/latency", "actions/regression"}
"""Folders of the actions that run or measure the code of a change."""


def own_action(step: dict[str, Any]) -> str | None:
    """Return the folder of this project's action that a step uses, or None."""
    match = OWN.fullmatch(step.get("uses", ""))
    return (match["path"] or ".") if match else None


def test_permissions(workflow: Workflow) -> None:
    """A workflow has no permissions, and each of its jobs exactly those listed here."""
    assert workflow.body["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow.body["jobs"].items()} == PERMISSIONS[workflow.name]


def test_every_workflow_is_listed() -> None:
    """The table of permissions is not stale."""
    assert sorted(PERMISSIONS) == [w.name for w in FILES]


def test_header_examples_grant_the_permissions(callable_workflows: Callable) -> None:
    """The example at the top of a reusable workflow grants exactly the union of its jobs' permissions."""
    for path, workflow in callable_workflows.items():
        example = header_example(workflow.text)
        (job,) = (j for j in example["jobs"].values() if j.get("uses") == f"ghmlops/ghmlops/{path}@v1")
        union: dict[str, str] = {}
        for granted in PERMISSIONS[workflow.name].values():
            for scope, level in granted.items():
                union[scope] = "write" if "write" in (level, union.get(scope)) else level
        assert union == job["permissions"]


def header_example(text: str) -> dict[str, Any]:
    """Return the example in the first comment of a reusable workflow."""
    lines = [line.removeprefix("#") for line in text.splitlines() if line.startswith("#")]
    indented = [line for line in lines if line.startswith("   ")]
    example = yaml.safe_load("\n".join(indented))
    assert isinstance(example, dict)
    return example


def test_code_of_a_change_runs_without_write_token(written: Workflow) -> None:
    """A job that measures a change has read permission only."""
    for job in written.body["jobs"].values():
        if {own_action(step) for step in job.get("steps", [])} & RUN_CHANGES:
            assert job["permissions"] == {"contents": "read"}


def test_time_limits(written: Workflow) -> None:
    """Every job has a time limit below GitHub's default of six hours."""
    for job in written.body["jobs"].values():
        assert "uses" in job or "timeout-minutes" in job


def test_pins(written: Workflow) -> None:
    """External actions are pinned by full SHA with the version in a comment, ours by the major version."""
    for line in re.findall(r"^\s*(?:- )?uses: (.+)$", written.text, flags=re.MULTILINE):
        name, _, ref = line.partition("@")
        if OWN.fullmatch(line.strip()):
            # A workflow uses the release that it belongs to, so that a pin of the workflow pins its actions.
            assert ref == "v1" if ref else written in FILES
        else:
            assert PINS[name] == ref


def test_artifacts_expire_as_the_caller_says(callable_workflows: Callable) -> None:
    """Each upload of a reusable workflow has the input `retention-days`; 0 leaves it to the repository's settings."""
    for workflow in callable_workflows.values():
        steps = [step for job in workflow.body["jobs"].values() for step in job.get("steps", [])]
        uploads = [step["with"] for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
        days = workflow.triggers["workflow_call"]["inputs"].get("retention-days")
        assert (days is not None) == bool(uploads), workflow.name
        assert days is None or (days["type"], days["default"]) == ("number", 0)
        assert all(upload["retention-days"] == "${{ inputs.retention-days }}" for upload in uploads)


def test_scripts_contain_no_expression(written: Workflow) -> None:
    """No `${{` in any `run:`."""
    for _, step in written.steps():
        assert "${{" not in step.get("run", "")


def test_no_checkout_keeps_credentials(written: Workflow) -> None:
    """`actions/checkout` does not persist its token for later steps; `revert` authenticates to the remote itself."""
    for _, step in written.steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_report_checks_out_the_default_branch(callable_workflows: Callable) -> None:
    """`report.yml` has a write token and therefore checks out only the default branch."""
    workflow = callable_workflows[".github/workflows/report.yml"]
    checkouts = [s["with"] for _, s in workflow.steps() if s.get("uses", "").startswith("actions/checkout@")]
    assert [("ref" in values, "repository" in values) for values in checkouts] == 2 * [(False, False), (True, True)]


def test_workflows_use_their_own_release(callable_workflows: Callable) -> None:
    """Each job that uses an action of ours checks the commit of the workflow file out, and uses that."""
    own = {
        "repository": "${{ job.workflow_repository }}",
        "ref": "${{ job.workflow_sha }}",
        "path": ".ghmlops",
        "persist-credentials": False,
    }
    for workflow in callable_workflows.values():
        for job in workflow.body["jobs"].values():
            uses = [step.get("uses", "") for step in job["steps"]]
            assert not any(use.startswith("ghmlops/ghmlops") for use in uses)
            places = [index for index, step in enumerate(job["steps"]) if step.get("with") == own]
            used = [index for index, use in enumerate(uses) if use.startswith("./.ghmlops")]
            assert len(places) == (1 if used else 0)
            assert all(places[0] < index for index in used)


def test_every_runner_can_be_chosen(callable_workflows: Callable) -> None:
    """`runs-on` of every job is an input, as JSON: a label, a list or a group."""
    for workflow in callable_workflows.values():
        for job in workflow.body["jobs"].values():
            match = re.fullmatch(r"\$\{\{ fromJSON\(inputs\.(runs-on(?:-trusted)?)\) \}\}", job["runs-on"])
            assert match
            assert workflow.triggers["workflow_call"]["inputs"][match[1]]["default"] == '"ubuntu-latest"'


def test_evidence_is_fetched_by_the_commands(written: Workflow) -> None:
    """No step merges artifacts into one folder: equal names would replace each other silently."""
    for _, step in written.steps():
        assert "merge-multiple" not in (step.get("with") or {})


def test_deployments_and_reverts_are_serialised(callable_workflows: Callable) -> None:
    """Jobs are serialised per service (its policy file) and environment, or per branch, and never cancelled."""
    jobs = callable_workflows[".github/workflows/deploy-gate.yml"].body["jobs"]
    gate, revert = jobs["gate"]["concurrency"], jobs["revert"]["concurrency"]
    inputs = "${{ inputs.working-directory }}-${{ inputs.policy }}-${{ inputs.environment }}"
    assert gate["group"] == "ghmlops-gate-${{ github.workflow }}-" + inputs
    assert (gate["queue"], revert["queue"]) == ("max", "max")
    assert revert["group"] == "ghmlops-revert-${{ inputs.branch || github.event.repository.default_branch }}"
    assert (gate["cancel-in-progress"], revert["cancel-in-progress"]) == (False, False)


def test_promotions_are_serialised(callable_workflows: Callable) -> None:
    """No job of `promote.yml` is cancelled or dropped by a later run, and the lock is released whatever happened."""
    jobs = callable_workflows[".github/workflows/promote.yml"].body["jobs"]
    for name, job in jobs.items():
        service = "${{ inputs.working-directory }}-${{ inputs.policy }}-${{ inputs.environment }}"
        group = f"ghmlops-{name}-${{{{ github.workflow }}}}-{service}"
        assert job["concurrency"] == {"group": group, "cancel-in-progress": False, "queue": "max"}
    assert jobs["promote"]["environment"] == {"name": "${{ inputs.environment }}", "deployment": False}
    assert jobs["record"]["if"] == "${{ always() && needs.lock.result == 'success' }}"
    tasks = [
        step["with"].get("lock")
        for job in jobs.values()
        for step in job["steps"]
        if step.get("with") and "commit" in step["with"]
    ]
    assert tasks == ["take", None, "release"]


def test_a_confirmation_is_claimed_once(callable_workflows: Callable) -> None:
    """The caller shows the request and waits for its other runs; without the claim nothing is measured or recorded."""
    workflow = callable_workflows[".github/workflows/watch-confirm.yml"]
    example = header_example(workflow.text)
    assert "inputs.request" in example["run-name"]
    assert example["concurrency"] == {
        "group": "ghmlops-watch-${{ inputs.request }}",
        "cancel-in-progress": False,
    }
    jobs = workflow.body["jobs"]
    assert jobs["measure"]["if"] == "needs.claim.outputs.proceed == 'true'"
    assert jobs["record"]["needs"] == ["claim", "measure"]
    assert "if" not in jobs["record"]


def test_the_environment_creates_no_second_deployment(callable_workflows: Callable) -> None:
    """The job of the gate waits for the reviewers of its environment; only the action records the deployment."""
    gate = callable_workflows[".github/workflows/deploy-gate.yml"].body["jobs"]["gate"]
    assert gate["environment"] == {"name": "${{ inputs.environment }}", "deployment": False}
    (step,) = (s for s in gate["steps"] if own_action(s) == "actions/gate")
    assert step["with"]["environment"] == "${{ inputs.environment }}"


def test_a_maintainer_can_dispatch_the_gate(callable_workflows: Callable) -> None:
    """`deploy-gate.yml` has the same inputs for dispatch and call; dispatch requires the run with the evidence."""
    triggers = callable_workflows[".github/workflows/deploy-gate.yml"].triggers
    called, dispatched = triggers["workflow_call"]["inputs"], triggers["workflow_dispatch"]["inputs"]
    assert list(called) == list(dispatched)
    assert [name for name, body in dispatched.items() if body.get("required")] == ["run-id"]
    assert [name for name, body in called.items() if body.get("required")] == []


def test_interface_is_typed_and_described(callable_workflows: Callable) -> None:
    """Every input of a reusable workflow has a type, a description, and a default unless it is required."""
    for workflow in callable_workflows.values():
        for trigger in ("workflow_call", "workflow_dispatch"):
            for body in ((workflow.triggers.get(trigger) or {}).get("inputs") or {}).values():
                assert body["type"] in ("string", "boolean", "number", "choice")
                assert body["description"].endswith(".")
                assert "default" in body or body.get("required")


def test_every_service_has_its_folder(callable_workflows: Callable) -> None:
    """A workflow with a policy has `working-directory`; each of its steps that reads the policy or runs text has it."""
    for workflow in callable_workflows.values():
        inputs = workflow.triggers["workflow_call"]["inputs"]
        assert ("working-directory" in inputs) == ("policy" in inputs)
        for _, step in workflow.steps():
            if "policy" in (step.get("with") or {}):
                assert step["with"]["working-directory"] == "${{ inputs.working-directory }}"
            if "SETUP" in (step.get("env") or {}):
                assert step["working-directory"] == "${{ inputs.working-directory || '.' }}"


def test_every_input_is_used(callable_workflows: Callable) -> None:
    """Every input of a reusable workflow is read by a job."""
    for workflow in callable_workflows.values():
        jobs = yaml.safe_dump(workflow.body["jobs"], width=10_000)
        for name in (workflow.triggers["workflow_call"].get("inputs")) or {}:
            assert f"inputs.{name}" in jobs


def test_references_are_valid(written: Workflow, actions: Actions, callable_workflows: Callable) -> None:
    """Every used action and workflow of this project exists and has these inputs; required inputs are set."""
    for job in written.body["jobs"].values():
        used = [(own_action(step), step.get("with") or {}) for step in job.get("steps", [])]
        if match := OWN.fullmatch(job.get("uses", "")):
            inputs = callable_workflows[match["path"]].triggers["workflow_call"]["inputs"]
            check_inputs(job.get("with") or {}, inputs)
        for folder, values in used:
            if folder is not None:
                check_inputs(values, actions[folder]["inputs"])


def check_inputs(values: dict[str, Any], inputs: dict[str, Any]) -> None:
    """Assert that all values are for existing inputs, and that required inputs have a value."""
    assert set(values) <= set(inputs)
    assert {name for name, body in inputs.items() if body.get("required")} <= set(values)


def test_outputs_that_are_read_exist(written: Workflow, actions: Actions, callable_workflows: Callable) -> None:
    """`steps.x.outputs.y` and `needs.x.outputs.y` name outputs of the action or workflow of the step or job."""
    jobs = written.body["jobs"]
    for job in jobs.values():
        text = yaml.safe_dump(job, width=10_000)
        by_id = {step["id"]: step for step in job.get("steps", []) if "id" in step}
        for identity, output in re.findall(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)", text):
            step, folder = by_id[identity], own_action(by_id[identity])
            external = OUTPUTS_OF.get(step.get("uses", "").partition("@")[0])
            by_script = set(re.findall(r"(\w+)=", step.get("run", "")))
            outputs = external or (set(actions[folder]["outputs"]) if folder else by_script)
            assert output in outputs
        for name, output in re.findall(r"\bneeds\.([\w-]+)\.outputs\.([\w-]+)", text):
            called = OWN.fullmatch(jobs[name].get("uses", ""))
            outputs = (
                callable_workflows[called["path"]].triggers["workflow_call"]["outputs"]
                if called
                else jobs[name]["outputs"]
            )
            assert output in outputs


def test_header_examples_are_valid(callable_workflows: Callable, actions: Actions) -> None:
    """The example in the first comment of a reusable workflow meets the same rules as those of documents."""
    for path, workflow in callable_workflows.items():
        example = Workflow(path, "", header_example(workflow.text))
        test_references_are_valid(example, actions, callable_workflows)
        test_outputs_that_are_read_exist(example, actions, callable_workflows)


@pytest.mark.parametrize(
    ("result", "outcome", "passes"),
    [
        ("success", "pass", True),
        ("success", "warn", True),
        ("success", "inconclusive", False),
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
    """The last job of `pr-gate.yml` is never skipped, and passes only with a verdict of inconclusive or better."""
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


REPORTS = [
    ("fail", "", True),
    ("inconclusive", "", True),
    ("error", "https://github.example/check", True),
    ("error", "", False),
    ("", "", False),
]


@pytest.mark.parametrize(("outcome", "check", "passes"), REPORTS)
def test_a_reported_failure_does_not_fail_the_report(
    callable_workflows: Callable, outcome: str, check: str, passes: bool
) -> None:
    """`report.yml` fails if nothing could be reported, not if the reported outcome is bad."""
    steps = callable_workflows[".github/workflows/report.yml"].body["jobs"]["report"]["steps"]
    (report,), last = [step for step in steps if step.get("id") == "report"], steps[-1]
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", last["run"]]
    done = subprocess.run(command, env={"OUTCOME": outcome, "CHECK": check}, capture_output=True, check=False)
    assert report["continue-on-error"] is True
    assert last["if"] == f"steps.{report['id']}.outcome == 'failure'"
    assert passes == (done.returncode == 0)


def test_only_the_default_branch_saves_builds(callable_workflows: Callable) -> None:
    """The job that measures restores one key that the trusted job names; only a push to the default branch saves."""
    jobs = callable_workflows[".github/workflows/pr-gate.yml"].body["jobs"]
    uses = {name: [s for s in job["steps"] if "actions/cache" in s.get("uses", "")] for name, job in jobs.items()}
    assert {name for name, steps in uses.items() if steps} == {"measure", "build"}
    (restore,), (save,) = uses["measure"], uses["build"]
    assert (restore["uses"].split("@")[0], save["uses"].split("@")[0]) == (
        "actions/cache/restore",
        "actions/cache/save",
    )
    assert restore["with"]["key"] == "${{ needs.baseline.outputs.build-key }}"
    assert restore["if"].startswith("needs.baseline.outputs.build-key != ''")
    assert sorted(restore["with"]) == sorted(save["with"]) == ["key", "path"]
    condition = jobs["build"]["if"].split(" && ")
    assert condition[2:] == [
        "github.event_name == 'push'",
        "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)",
    ]


TRUSTED_EVENTS = '["push", "schedule", "workflow_dispatch", "repository_dispatch"]'


def test_secrets_of_a_registry_are_for_trusted_events(callable_workflows: Callable) -> None:
    """A secret of a caller reaches one step, as a variable, and only on events without code of a pull request."""
    for path, workflow in callable_workflows.items():
        declared = workflow.triggers["workflow_call"].get("secrets") or {}
        uses = re.findall(r"\bsecrets\.([\w-]+)", yaml.safe_dump(workflow.body["jobs"], width=10_000))
        assert set(uses) == set(declared)
        assert all(body["required"] is False for body in declared.values())
        if not path.endswith("pr-gate.yml"):
            continue
        assert list(declared) == ["registry-username", "registry-password"]
        for _, step in workflow.steps():
            for value in (step.get("env") or {}).values():
                if "secrets." in str(value):
                    (name,) = re.findall(r"secrets\.([\w-]+)", value)
                    guard = f"contains(fromJSON('{TRUSTED_EVENTS}'), github.event_name)"
                    assert value == f"${{{{ {guard} && secrets.{name} || '' }}}}"
