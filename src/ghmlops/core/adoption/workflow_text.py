"""Writes the three workflows that `init` proposes: measure a change, report on it, gate its deployment."""

from __future__ import annotations

import json
import re

_USES = "ghmlops/ghmlops/.github/workflows/{name}@v1"


def workflow_texts(  # noqa: PLR0913  (what the workflows are written from)
    *, policy: str, default_policy: str, setup: str, branch: str, environment: str, folder: str = "", service: str = ""
) -> dict[str, str]:
    """Return the text of each workflow by its file name.

    Args:
        policy: path of the policy file.
        default_policy: path that the reusable workflows use without an input.
        setup: commands that prepare the machine; may be empty.
        branch: default branch, whose pushes are gated.
        environment: environment of the deployment.
        folder: folder of the service in the repository; empty: the service is the repository.
        service: name of the service, by which the workflows of several services differ.
    """
    own = {} if policy == default_policy else {"policy": policy}
    name = re.sub(r"[^A-Za-z0-9_-]", "-", service) if folder else ""
    if folder:
        own |= {"working-directory": folder, "service": name}
    measured = own | ({"setup": setup} if setup else {})
    gated = own | ({"environment": environment} if environment != "production" else {})
    title, file = (f"ghmlops {name}", f"ghmlops-{name}") if folder else ("ghmlops", "ghmlops")
    return {
        f"{file}.yml": _check(title, measured),
        f"{file}-report.yml": _report(title, own),
        f"{file}-deploy.yml": _deploy(title, measured, gated, branch, folder),
    }


def _call(name: str, values: dict[str, str]) -> list[str]:
    lines = [f"    uses: {_USES.format(name=name)}"]
    if values:
        lines += ["    with:", *(f"      {key}: {json.dumps(value)}" for key, value in values.items())]
    return lines


def _check(title: str, values: dict[str, str]) -> str:
    lines = [
        "# Measures each pull request. The job that runs its code holds no write token.",
        f"name: {title}",
        "on: pull_request",
        "permissions: {}",
        "jobs:",
        "  check:",
        "    permissions: {actions: read, contents: read, deployments: read}",
        *_call("pr-gate.yml", values),
    ]
    return "\n".join([*lines, ""])


def _report(title: str, values: dict[str, str]) -> str:
    lines = [
        "# Writes the verdict as a check run and a comment, without code of the pull request. Require the check run",
        "# `ghmlops/<service>` in a ruleset.",
        f"name: {title} report",
        "on:",
        f"  workflow_run: {{workflows: [{title}], types: [requested, completed]}}",
        "permissions: {}",
        "jobs:",
        "  report:",
        "    permissions: {actions: read, checks: write, contents: read, pull-requests: write}",
        *_call("report.yml", values),
    ]
    return "\n".join([*lines, ""])


def _deploy(title: str, measured: dict[str, str], gated: dict[str, str], branch: str, folder: str) -> str:
    environment = gated.get("environment", "production")
    group = f"{title.replace(' ', '-')}-deploy-{environment}"
    lines = [
        "# Measures each merge and records whether it may be deployed. Deploy in a job with `needs: gate`.",
        "# With the input `revert: true` the gate reverts a merge whose failure is confirmed.",
        f"name: {title} deploy",
        "on:",
        "  push:",
        f"    branches: [{json.dumps(branch)}]",
        *([f"    paths: [{json.dumps(f'{folder}/**')}]"] if folder else []),
        "permissions: {}",
        "# Measurement and gate of one environment never overlap, and no push is dropped.",
        "concurrency:",
        f"  group: {json.dumps(group)}",
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
