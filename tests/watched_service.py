"""A repository with a policy, logs of production, workflows and a history, for the tests of `watch`."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghmlops.act.evidence import encode, verdict_digest
from ghmlops.act.git import open_repository
from ghmlops.act.git.record_branch import append
from ghmlops.cli import main
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from git_scene import make_scene
from github_api import spec
from github_api.server import running
from history_records import confirmation, deployment
from watched_series import HOUR, hours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.history.record import AnyRecord, ConfirmationRecord
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

    def confirmed(self, hour: float, run: dict[str, Any] | None = None, **fields: Any) -> ConfirmationRecord:
        """Return the record of a confirmed failure, whose run has the verdict as an artifact.

        Args:
            hour: Hours before the end of the data.
            run: Fields of the run that differ from one of the workflow on the default branch.
            fields: Fields of the verdict that differ from a confirmed failure of `bad` against `good`.
        """
        values: dict[str, Any] = {
            "commit": self.bad,
            "base_sha": self.good,
            "outcome": Outcome.FAIL,
            "reason_code": "latency-p95",
            "reason": "R.",
            "findings": [Finding(id="latency-p95", metric="p95", outcome=Outcome.FAIL, reason="R.", docs="a#b")],
            "evidence": [],
            "service": "shop",
            "environment": "production",
            "repository": "acme/shop",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "confirmed": ["latency:latency-p95"],
        }
        verdict = Verdict(**(values | fields))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("verdict.json", encode(verdict))
        origin = {
            "id": 41,
            "head_sha": self.bad,
            "head_branch": "main",
            "event": "workflow_dispatch",
            "path": ".github/workflows/confirm.yml",
        }
        content = base64.b64encode(buffer.getvalue()).decode()
        self.api.seed(
            runs=[origin | (run or {})],
            artifacts=[{"run_id": 41, "name": "ghmlops-watch-verdict-1", "zip_base64": content}],
        )
        digest = verdict_digest(verdict)
        return confirmation(self.ago(hour), commit=self.bad, base_sha=self.good, verdict_sha256=digest)

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


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedService]:
    """Return the service; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/shop": {}}}) as api:
        yield WatchedService(tmp_path, api, monkeypatch)
        assert api.violations == []
