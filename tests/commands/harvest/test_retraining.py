"""A training is started once: after lost answers, by two starters, and never within the cooldown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghmlops.core.harvest.dispatch import request_id
from github_api.server import running
from harvest_logs import START, run_at, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400
POLICY = """\
version: 1
service: scorer
harvest:
  traffic: {files: "logs/*.jsonl", id: request_id, time: ts, score: score}
  outcomes: {file: outcomes.jsonl, key: request_id, label: clicked, mature: 2d}
  retrain: {cost: {retrain: 5, point-of-auc-per-day: 40}, dispatch: retrain.yml}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with 18 days of scores that say nothing any more from the tenth day on."""
    rng = np.random.default_rng(4)
    lines, outcomes = [], []
    for day in range(18):
        labels = rng.integers(0, 2, 200)
        scores = labels * (0.9 if day < 9 else 0.0) + rng.normal(size=200)
        for n, (label, score) in enumerate(zip(labels, scores, strict=True)):
            key = f"r{day}-{n}"
            lines.append({"request_id": key, "ts": START + day * DAY + n, "score": float(score)})
            outcomes.append({"request_id": key, "clicked": int(label)})
    write_log(tmp_path / "logs/a.jsonl", lines)
    write_log(tmp_path / "outcomes.jsonl", outcomes)
    (tmp_path / "policy.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_SHA", "GHMLOPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a local API whose workflow can be started."""
    with running({"repositories": {"acme/shop": {"refs": {"heads/main": "a" * 40}}}}) as server:
        variables = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": server.url, "GHMLOPS_TOKEN": "t"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield server


def run(day: str, *args: str) -> int:
    """Run the command at a day of June, without a history."""
    return run_at(f"2026-06-{day}", "--branch", "", *args)


def finding(place: Path) -> dict[str, Any]:
    """Return the finding about training."""
    findings = json.loads((place / "evidence/harvest.json").read_text())["findings"]
    return next(row for row in findings if row["id"] == "harvest-retrain")


def test_a_schedule_of_watch_that_is_dead_is_not_measured(place: Path, api: Any) -> None:
    """The evidence names it, as it does that nobody could look; a harvest of the past does not look."""
    (place / "policy.yml").write_text(
        POLICY
        + "watch: {metrics: [{name: p95, log: {files: a.csv, time: t, value: v}}], workflows: {watch: watch.yml}}\n"
    )
    names = {"production": "dead", "whether `watch` still runs": "unknown"}

    def states(*args: str) -> list[str]:
        assert run("06", *args) == 0
        rows = json.loads((place / "evidence/harvest.json").read_text())["not_measured"]
        return [names[row["what"]] for row in rows if row["what"] in names]

    assert states() == ["dead"]
    assert states("--now", "2026-06-05") == []
    row = {"id": 9, "head_sha": "a" * 40, "event": "schedule", "path": ".github/workflows/watch.yml"}
    api.seed(runs=[{**row, "created_at": "2026-06-05T12:00:00Z"}])
    assert states() == []
    api.seed(faults=[{"kind": "status", "method": "GET", "path": "watch.yml/runs$", "status": 403, "times": 9}])
    assert states() == ["unknown"]


def test_a_decline_that_pays_is_reported_without_the_input(place: Path) -> None:
    """And nothing is started; before the decline, and with too few days, neither."""
    assert run("20") == 0
    assert finding(place)["outcome"] == "warn"
    assert "day,requests" in (place / "data/outcomes.csv").read_text()
    assert run("11") == 0
    assert finding(place)["outcome"] == "pass"
    assert run("06", "--fail-on", "inconclusive") == 1
    assert finding(place)["outcome"] == "inconclusive"


def test_days_of_earlier_harvests_are_the_memory(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log of the last days alone shows the decline; a file that is something else is not overwritten."""
    assert run("11") == 0
    lines = (place / "logs/a.jsonl").read_text().splitlines(keepends=True)
    (place / "logs/a.jsonl").write_text("".join(lines[7 * 200 + 100 :]))
    assert run("20") == 0
    assert finding(place)["outcome"] == "warn"
    rows = (place / "data/outcomes.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["200"] * 17
    (place / "data/outcomes.csv").write_text("mine\n")
    assert run("20") == 2
    assert "data/outcomes.csv" in capsys.readouterr().err
    assert (place / "data/outcomes.csv").read_text() == "mine\n"


@pytest.mark.parametrize("kind", ["", "lost-answer", "truncated"])
def test_a_training_is_started_once(place: Path, api: Any, kind: str) -> None:
    """Two runs on the same day, a lost answer, and a run within the cooldown start it once; later it starts again."""
    if kind:
        api.seed(faults=[{"kind": kind, "method": "POST", "path": "/dispatches$"}])
    for _ in range(2):
        assert run("20", "--retrain") == 0
    assert [r["inputs"] for r in api.state.runs] == [{"request": request_id("scorer", START + 19 * DAY)}]
    assert run("24", "--retrain") == 0
    assert len(api.state.runs) == 1
    assert run("28", "--retrain") == 0
    assert len(api.state.runs) == 2
    assert place.exists()


@pytest.mark.parametrize("flag", ["--retrain", "--propose"])
def test_nothing_is_started_in_the_past(place: Path, api: Any, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The cooldown and the limit of the month would be those of another day; a dry run may look."""
    assert run("28", "--now", "2026-06-20", flag) == 2
    assert flag.strip("-") in capsys.readouterr().err
    assert not api.state.runs
    assert run("28", "--now", "2026-06-20", flag, "--dry-run") == 0
    assert not (place / "data").exists()


def test_a_dry_run_starts_nothing(place: Path, api: Any) -> None:
    """Not even a request is sent."""
    assert run("20", "--retrain", "--dry-run") == 0
    assert not api.state.runs
    assert not (place / "data").exists()
