"""`revert`, `check` and `capacity` report a schedule of `watch` that is dead; nothing depends on whether they can."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import queueing_service
from ghmlops.cli import main
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.core.history.reading import decode_record
from ghmlops.core.history.record import DeploymentRecord, WatchState
from history_records import deployment
from watched_service import BRANCH, POLICY

if TYPE_CHECKING:
    from watched_service import WatchedService

WATCHED = POLICY.replace("{confirm: confirm.yml", "{watch: watch.yml, confirm: confirm.yml")
PREDICTIONS = """\
regression:
  task: binary
  key: [id]
  label: label
  score: score
  artifacts: {baseline: base.parquet, candidate: base.parquet}
"""
LOAD = """\
latency: {request: {method: GET, path: /, timeout: 2s}, slo: {p90: 500ms}}
capacity: {start: 40/s, most: 50/s, probe: 1s, warmup: 0.1s, resolution: 50%, budget: 4s}
"""


@pytest.fixture
def watched(service: WatchedService, monkeypatch: pytest.MonkeyPatch) -> WatchedService:
    """Return a service in a workflow run, whose policy names the workflow of its watch."""
    write_policy(service, WATCHED)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(service.scene.home / "summary.md"))
    return service


def write_policy(service: WatchedService, text: str) -> None:
    (service.here / ".github/ghmlops.yml").write_text(text)


def run_of_watch(service: WatchedService, hours: float) -> None:
    """Let GitHub list a run of the workflow, some hours old."""
    created = datetime.now(UTC) - timedelta(hours=hours)
    row = {"id": 900, "head_sha": service.bad, "head_branch": "main", "event": "schedule"}
    service.api.seed(runs=[{**row, "created_at": f"{created:%FT%TZ}", "path": ".github/workflows/watch.yml"}])


def judged(service: WatchedService, ran: float | None, *, hours: float = 1) -> DeploymentRecord:
    """Return the record of a gate, and of the newest run of `watch` that it saw, `ran` hours before now."""
    now = datetime.now(UTC)
    newest = "" if ran is None else (now - timedelta(hours=ran)).isoformat(timespec="seconds")
    state = WatchState(workflow="watch.yml", newest=newest)
    time = (now - timedelta(hours=hours)).isoformat(timespec="seconds")
    return deployment(time, commit=service.good, watch=state)


def fetch(service: WatchedService) -> None:
    """Bring the history into the checkout, as `fetch-depth: 0` does."""
    service.scene.work.git("fetch", "--quiet", "origin", f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}")


def warned(service: WatchedService, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, bool, bool]:
    """Run a command; return its exit code, and whether log and job summary warn that `watch` no longer runs."""
    summary = service.scene.home / "summary.md"
    summary.unlink(missing_ok=True)
    capsys.readouterr()
    code = main([*args])
    err = capsys.readouterr().err
    is_annotated = any(line.startswith("::warning") and "watch.yml" in line for line in err.splitlines())
    return code, is_annotated, "watch.yml" in summary.read_text()


def revert(service: WatchedService) -> tuple[str, ...]:
    """Return the arguments that revert the change of the service, once more if it is reverted."""
    return ("revert", "--commit", service.bad, "--reason", "it is slow")


def test_revert_reports_it(watched: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """Never run, dead, alive, in a dry run, and without a section `watch`; the revert is done in any case."""
    assert warned(watched, capsys, *revert(watched), "--dry-run") == (0, False, False)
    assert warned(watched, capsys, *revert(watched)) == (0, True, True)
    assert f"This reverts commit {watched.bad}" in watched.scene.remote.message("main")
    run_of_watch(watched, 50)
    assert warned(watched, capsys, *revert(watched)) == (0, True, True)
    assert warned(watched, capsys, "revert", "--commit", watched.bad)[0] == 2
    run_of_watch(watched, 1)
    assert warned(watched, capsys, *revert(watched)) == (0, False, False)
    watched.api.state.runs.clear()
    before = len(watched.api.state.requests)
    write_policy(watched, "version: 1\nservice: shop\npreview: {command: 'serve --port {port}'}\n")
    assert warned(watched, capsys, *revert(watched)) == (0, False, False)
    assert not any("watch.yml" in request["path"] for request in watched.api.state.requests[before:])


def test_a_refused_revert_reports_it(watched: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal keeps its exit code."""
    (watched.here / "freeze").write_text("stop\n")
    watched.scene.work.commit("Other work on the same line", {"a.txt": "other\n"})
    watched.scene.work.push()
    assert warned(watched, capsys, *revert(watched)) == (1, True, True)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 403}, {"kind": "silent"}])
def test_runs_that_github_does_not_list_change_nothing(
    watched: WatchedService, capsys: pytest.CaptureFixture[str], fault: dict[str, object]
) -> None:
    """Neither that the permission is absent, nor that GitHub says nothing: the schedule is unknown then."""
    watched.api.seed(faults=[{"method": "GET", "path": "watch.yml/runs$", "times": 99, **fault}])
    assert warned(watched, capsys, *revert(watched)) == (0, False, False)
    assert watched.scene.tip() != watched.bad


def test_the_gate_leaves_what_it_saw_in_its_record(watched: WatchedService) -> None:
    """So that a reader without a token knows it; absent if GitHub does not list the runs, or none is named."""

    def recorded() -> object:
        main(["gate", "--commit", watched.bad, "--record-file", "record.json"])
        record = decode_record((watched.here / "record.json").read_bytes())
        assert isinstance(record, DeploymentRecord)
        return json.loads(encode_record(record)).get("watch")

    assert recorded() == {"workflow": "watch.yml", "newest": ""}
    run_of_watch(watched, 50)
    newest = watched.api.state.runs[-1]["created_at"].replace("Z", "+00:00")
    assert recorded() == {"workflow": "watch.yml", "newest": newest}
    watched.api.seed(faults=[{"kind": "status", "method": "GET", "path": "watch.yml/runs$", "status": 403, "times": 9}])
    assert recorded() is None
    write_policy(watched, POLICY)
    assert recorded() is None


def check(service: WatchedService, more: str = "") -> tuple[str, ...]:
    """Write what `check` needs, and return its arguments."""
    rows = range(400)
    table = {"id": list(rows), "label": [row % 2 for row in rows], "score": [(row % 97 + 1) / 99 for row in rows]}
    pq.write_table(pa.table(table), service.here / "base.parquet")
    text = WATCHED.replace('preview: {command: "serve --port {port}", ready: /healthz}\n', "")
    write_policy(service, text.replace("require: [preview]", "require: [regression]") + PREDICTIONS + more)
    return ("check", "--base", "none")


def test_check_reports_what_the_history_of_the_checkout_says(
    watched: WatchedService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No history, one that is alive, dead, and never ran; without a token, GitHub or the remote. The outcome stays."""
    monkeypatch.delenv("GHMLOPS_TOKEN")
    arguments = check(watched)
    code, *reported = warned(watched, capsys, *arguments)
    assert reported == [False, False]
    verdict = json.loads((watched.here / "evidence/verdict.json").read_text())
    for hours, ran, expected in ((0.9, 2, False), (0.7, 60, True), (0.5, None, True)):
        watched.append(judged(watched, ran, hours=hours))
        fetch(watched)
        url = watched.scene.work.git("remote", "get-url", "origin")
        watched.scene.work.git("remote", "set-url", "origin", "file:///nowhere.git")
        assert warned(watched, capsys, *arguments) == (code, expected, expected), ran
        watched.scene.work.git("remote", "set-url", "origin", url)
        after = json.loads((watched.here / "evidence/verdict.json").read_text())
        assert (after["outcome"], after["findings"]) == (verdict["outcome"], verdict["findings"])
        assert ("production" in [row["what"] for row in after["not_measured"]]) == expected
    write_policy(watched, (watched.here / ".github/ghmlops.yml").read_text().replace("watch: watch.yml, ", ""))
    assert warned(watched, capsys, *arguments) == (code, False, False)
    assert watched.api.state.requests == []


def spoil(service: WatchedService, files: dict[str, bytes]) -> None:
    """Push files to the branch of the history, beside what it has."""
    writer = service.scene.clone(f"writer-{time.monotonic_ns()}", "--branch", BRANCH)
    for name, content in files.items():
        (writer.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (writer.folder / name).write_bytes(content)
    writer.commit("Damage", {})
    writer.push()
    fetch(service)


def test_a_damaged_history_says_nothing(
    watched: WatchedService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that cannot be read and may be newer, and a branch whose objects are absent; nothing fails."""
    monkeypatch.delenv("GHMLOPS_TOKEN")
    arguments = check(watched)
    dead = judged(watched, 60)
    watched.append(dead)
    fetch(watched)
    code, *reported = warned(watched, capsys, *arguments)
    assert reported == [True, True]
    spoil(watched, {record_path(judged(watched, 2, hours=0.5)): b"{}"})
    assert warned(watched, capsys, *arguments) == (code, False, False)
    watched.scene.work.git("update-ref", "-d", f"refs/remotes/origin/{BRANCH}")
    assert warned(watched, capsys, *arguments) == (code, False, False)


def test_objects_that_are_absent_are_not_fetched(
    watched: WatchedService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone without blobs would fetch them as they are read, and a damaged one has none: both are unknown."""
    monkeypatch.delenv("GHMLOPS_TOKEN")
    watched.scene.remote.git("config", "uploadpack.allowFilter", "true")
    arguments, dead = check(watched), judged(watched, 60)
    watched.append(dead)
    fetch(watched)
    assert warned(watched, capsys, *arguments)[1:] == (True, True)
    blob = watched.scene.work.git("rev-parse", f"origin/{BRANCH}:{record_path(dead)}")
    (watched.here / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert warned(watched, capsys, *arguments)[1:] == (False, False)
    watched.scene.work.git("config", "remote.origin.promisor", "true")
    watched.scene.work.git("config", "remote.origin.partialclonefilter", "blob:none")
    assert warned(watched, capsys, *arguments)[1:] == (False, False)
    watched.scene.work.git("cat-file", "-e", blob)  # the git of the test may fetch it
    assert warned(watched, capsys, *arguments)[1:] == (True, True)


def test_capacity_reports_what_the_history_of_the_checkout_says(
    watched: WatchedService, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its evidence and outcome stay: they are about a candidate."""
    write_policy(watched, WATCHED + LOAD)
    evidence = watched.here / "evidence/capacity.json"
    with queueing_service.started("--workers", "8", "--mean", "0.005", "--law", "fixed") as url:
        for hours, ran, expected in ((0.9, 60, True), (0.5, 2, False)):
            watched.append(judged(watched, ran, hours=hours))
            fetch(watched)
            assert warned(watched, capsys, "capacity", "--url", url) == (0, expected, expected)
            content = json.loads(evidence.read_text())
            assert [finding["id"] for finding in content["findings"]] == ["capacity"]
            assert "production" not in [row["what"] for row in content["not_measured"]]
    assert watched.api.state.requests == []
