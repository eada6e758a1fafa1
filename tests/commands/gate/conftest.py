"""A job of a workflow run in a folder with a policy, and the local GitHub API that it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.evidence import write_evidence
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome, conclude
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMIT = "a" * 40
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {environment: production, require: [preview], max-age: 1d}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder with a policy, as a job of a workflow run on the commit."""
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ghmlops.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_API_URL", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    defaults = {
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": COMMIT,
        "GITHUB_RUN_ID": "42",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
    }
    for name, value in defaults.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def api(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The local GitHub API, which the run knows; at the end nothing may have broken the specification."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    assert here.is_dir()  # its variables are set first, this one after them
    with running({"repositories": {"acme/shop": {}}}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []


@pytest.fixture
def measured(here: Path) -> Callable[..., Evidence]:
    """Write the evidence of a preview and return it."""

    def write(outcome: str = "pass", *, age: timedelta = timedelta(minutes=5), **origin: Any) -> Evidence:
        started = (datetime.now(UTC) - age).isoformat(timespec="seconds")
        defaults: dict[str, Any] = {"repository": "acme/shop", "head_sha": COMMIT, "run_id": "42", "started": started}
        reason = f"p99 says {outcome}."
        finding = Finding(
            id="preview-ready", metric="startup-time", outcome=Outcome(outcome), reason=reason, docs="a#b"
        )
        concluded, code, summary = conclude([finding])
        evidence = Evidence(
            command="preview",
            outcome=concluded,
            reason_code=code,
            reason=summary,
            provenance=Provenance(**{**defaults, **origin}),
            findings=[finding],
        )
        write_evidence(here / "evidence", evidence)
        return evidence

    return write
