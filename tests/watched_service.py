"""A repository with a policy, logs of production, workflows and a history, for the tests of `watch`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.act.git import open_repository
from ghmlops.act.git.record_branch import append
from ghmlops.cli import main
from git_scene import make_scene
from history_records import deployment
from watched_series import HOUR, hours

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ghmlops.core.history.record import AnyRecord
    from github_api.server import Api

BRANCH = "ghmlops-history"
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {require: [preview]}
watch:
  metrics:
    - {name: p95, log: {files: "hours.csv", time: t, value: v, every: 1h}}
  on: {alarm: confirm, confirmed: rollback-else-revert}
  workflows: {confirm: confirm.yml, revert: revert.yml}
  limits: {freeze-file: freeze}
"""
WORKFLOW = """\
name: confirm
run-name: run ${{ inputs.request }}
on: workflow_dispatch
concurrency: {group: "ghmlops-watch-${{ inputs.request }}", cancel-in-progress: false}
"""
STEP_HOURS = 5


class WatchedService:
    """A clone whose metric doubled five hours ago, after a deployment of `bad`; before it, `good` was live."""

    def __init__(self, home: Path, api: Api, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.api, self.patch = make_scene(home), api, patch
        self.here = self.scene.work.folder
        files = {".github/ghmlops.yml": POLICY}
        files |= {f".github/workflows/{name}.yml": WORKFLOW for name in ("confirm", "revert")}
        self.good = self.scene.work.commit("Policy", dict(files))
        self.bad = self.scene.work.commit("Change", {"a.txt": "slow\n"})
        self.scene.work.push()
        api.state.repositories["acme/shop"]["refs"] = {"heads/main": self.bad}
        values = {
            **self.scene.work.environ,
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_REF_NAME": "main",
            "GITHUB_API_URL": api.url,
            "GHMLOPS_TOKEN": "t",
        }
        for name, value in values.items():
            patch.setenv(name, value)
        for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            patch.delenv(name, raising=False)
        patch.chdir(self.here)
        self.end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.write_metric()

    def write_metric(self, factor: float = 2.0) -> None:
        """Write 20 days of the metric until now, multiplied in the last hours."""
        logs = hours(24 * 20)
        logs[-STEP_HOURS:] += np.log(factor)
        start = int(self.end.timestamp()) - len(logs) * HOUR
        rows = [f"{start + index * HOUR},{np.exp(value)}" for index, value in enumerate(logs)]
        (self.here / "hours.csv").write_text("\n".join(["t,v", *rows]) + "\n")

    def ago(self, hour: float) -> str:
        """Return a time before the end of the data."""
        return (self.end - timedelta(hours=hour)).isoformat()

    def deployments(self) -> list[AnyRecord]:
        """Return the records of both deployments; the bad one is the newest."""
        return [
            deployment(self.ago(100), commit=self.good),
            deployment(self.ago(STEP_HOURS + 0.1), commit=self.bad, base_sha=self.good),
        ]

    def append(self, *records: AnyRecord) -> None:
        """Push records to the history."""
        git = open_repository(self.here, self.scene.work.environ)
        append(git, records, remote="origin", branch=BRANCH, token="", note=lambda _: None)

    def run(self, *flags: str) -> int:
        """Run `ghmlops watch`."""
        return main(["watch", *flags])

    def evidence(self) -> dict[str, Any]:
        """Return the evidence of the last run."""
        content: dict[str, Any] = json.loads((self.here / "evidence/watch.json").read_text())
        return content

    def states(self) -> list[str]:
        """Return where each incident stood in the last run."""
        return [row["state"] for row in self.evidence()["details"]["responses"]]
