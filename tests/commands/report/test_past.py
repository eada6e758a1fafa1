"""The history in the comment: read with a token, and never a reason for a report to fail."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.act.evidence import write_evidence
from ghmlops.cli import main
from ghmlops.commands.report.inputs import Inputs
from ghmlops.commands.report.job import Job
from ghmlops.commands.report.past import with_past
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.core.history.record import Effect
from ghmlops.core.model import Outcome
from git_scene import Scene, make_scene
from history_records import deployment
from report import samples

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "click-scorer"
POLICY = "version: 1\nservice: click-scorer\nlatency: {slo: {p99: 1s}}\n"
CHANGE = (Effect(metric="p50", unit="ratio", estimate=0.1, outcome=Outcome.PASS),)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a remote with a history of three decisions, and a clone of it."""
    scene = make_scene(tmp_path)
    writer = scene.clone("writer")
    writer.git("checkout", "--quiet", "--orphan", "ghmlops-history")
    writer.git("rm", "-rfq", ".")
    records = [
        deployment(f"2026-11-0{day}T10:00:00+00:00", commit=day * 40, service=SERVICE, effects=CHANGE) for day in "123"
    ]
    writer.commit("x", {record_path(record): encode_record(record).decode() for record in records})
    writer.git("push", "--quiet", "origin", "ghmlops-history")
    return scene


def commits(scene: Scene, **fields: Any) -> tuple[set[str], str]:
    """Return the commits of the past decisions, and what was noted."""
    log = io.StringIO()
    services = Services(
        context=Context(),
        environ=scene.work.environ,
        cwd=scene.work.folder,
        now=lambda: datetime(2026, 12, 1, tzinfo=UTC),
        console=Console(stream=log),
    )
    file = samples.latency()
    job = Job(verdict=samples.merged(file), evidence=[file], files=[], facts=samples.FACTS, pull_request=None)
    result = with_past(job, msgspec.structs.replace(Inputs(token="secret"), **fields), services)
    return {record.commit[0] for record in result.facts.past}, log.getvalue()


def test_the_history_of_the_service_is_read(scene: Scene) -> None:
    """Its newest decisions are part of the facts of the report."""
    assert commits(scene) == ({"1", "2", "3"}, "")


@pytest.mark.parametrize(
    "fields", [{"token": ""}, {"history_branch": "off"}, {"comment": "off"}, {"dry_run": True}, {"history_branch": "x"}]
)
def test_nothing_is_read_if_nobody_sees_it(scene: Scene, fields: dict[str, Any]) -> None:
    """Without a token, a comment or the branch, switched off, or in a dry run: no history and no note."""
    assert commits(scene, **fields) == (set(), "")


def test_the_comment_of_a_report_has_the_trend(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the evidence of this commit and the branch of the history: three decisions and now, in one chart."""
    folder = scene.work.folder
    scene.work.commit("Policy", {".github/ghmlops.yml": POLICY})
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**scene.work.environ, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": "a" * 40}.items():
        monkeypatch.setenv(name, value)
    origin = samples.provenance(
        repository="acme/shop",
        head_sha="a" * 40,
        base_sha="b" * 40,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service=SERVICE,
        run_id="",
    )
    write_evidence(folder / "evidence", msgspec.structs.replace(samples.latency(slow=True), provenance=origin))
    main(["report", "--token", "secret", "--markdown", "comment.md"])
    text = (folder / "comment.md").read_text()
    chart = text.partition("```mermaid\n")[2].partition("\n```")[0].splitlines()
    assert [line.split(" ")[0] for line in chart[1:]] == ["xychart-beta", "x-axis", "y-axis", "line", "line"]
    assert chart[2] == 'x-axis ["1111111", "2222222", "3333333", "now"]'
    assert chart[4].startswith("line [10, 10, 10, ")


def test_a_history_that_cannot_be_read_is_noted(scene: Scene) -> None:
    """The report goes on without it."""
    scene.work.git("remote", "set-url", "origin", "file:///nowhere.git")
    past, note = commits(scene)
    assert past == set()
    assert "trend" in note
