"""Writes the three workflows that `init` proposes: measure a change, report on it, gate its deployment."""

from __future__ import annotations

import json

CHECK, REPORT, DEPLOY = "ghmlops.yml", "ghmlops-report.yml", "ghmlops-deploy.yml"
_USES = "ghmlops/ghmlops/.github/workflows/{name}@v1"


def workflow_texts(*, policy: str, default_policy: str, setup: str, branch: str, environment: str) -> dict[str, str]:
    """Return the text of each workflow by its file name.

    Args:
        policy: path of the policy file.
        default_policy: path that the reusable workflows use without an input.
        setup: commands that prepare the machine; may be empty.
        branch: default branch, whose pushes are gated.
        environment: environment of the deployment.
    """
    own = {} if policy == default_policy else {"policy": policy}
    measured = own | ({"setup": setup} if setup else {})
    return {
        CHECK: _check(measured),
        REPORT: _report(own),
        DEPLOY: _deploy(measured, own | ({"environment": environment} if environment != "production" else {}), branch),
    }


def _call(name: str, values: dict[str, str]) -> list[str]:
    lines = [f"    uses: {_USES.format(name=name)}"]
    if values:
        lines += ["    with:", *(f"      {key}: {json.dumps(value)}" for key, value in values.items())]
    return lines


def _check(values: dict[str, str]) -> str:
    lines = [
        "# Measures each pull request. The job that runs its code holds no write token.",
        "name: ghmlops",
        "on: pull_request",
        "permissions: {}",
        "jobs:",
        "  check:",
        "    permissions: {actions: read, contents: read, deployments: read}",
        *_call("pr-gate.yml", values),
    ]
    return "\n".join([*lines, ""])


def _report(values: dict[str, str]) -> str:
    lines = [
        "# Writes the verdict as a check run and a comment, without code of the pull request. Require the check run",
        "# `ghmlops/<service>` in a ruleset.",
        "name: ghmlops report",
        "on:",
        "  workflow_run: {workflows: [ghmlops], types: [requested, completed]}",
        "permissions: {}",
        "jobs:",
        "  report:",
        "    permissions: {actions: read, checks: write, contents: read, pull-requests: write}",
        *_call("report.yml", values),
    ]
    return "\n".join([*lines, ""])


def _deploy(measured: dict[str, str], gated: dict[str, str], branch: str) -> str:
    environment = gated.get("environment", "production")
    lines = [
        "# Measures each merge and records whether it may be deployed. Deploy in a job with `needs: gate`.",
        "# With the input `revert: true` the gate reverts a merge whose failure is confirmed.",
        "name: ghmlops deploy",
        "on:",
        "  push:",
        f"    branches: [{json.dumps(branch)}]",
        "permissions: {}",
        "# Measurement and gate of one environment never overlap, and no push is dropped.",
        "concurrency:",
        f"  group: {json.dumps(f'ghmlops-deploy-{environment}')}",
        "  cancel-in-progress: false",
        "  queue: max",
        "jobs:",
        "  measure:",
        "    permissions: {actions: read, contents: read, deployments: read}",
        *_call("pr-gate.yml", measured),
        "  gate:",
        "    needs: measure",
        "    if: ${{ !cancelled() }}",
        "    permissions: {actions: read, contents: write, deployments: write, pull-requests: write, statuses: write}",
        *_call("deploy-gate.yml", gated),
    ]
    return "\n".join([*lines, ""])
