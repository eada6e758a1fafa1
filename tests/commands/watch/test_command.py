"""`ghmlops watch` on real files, with a local API for the issues."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.cli import main
from github_api.server import running
from watched_series import HOUR, hours

if TYPE_CHECKING:
    from pathlib import Path

END = datetime(2026, 9, 1, 12, tzinfo=UTC)
POLICY = """\
version: 1
service: scorer
watch:
  metrics:
    - {name: p95, log: {files: "hours.csv", time: t, value: v, every: 1h}}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a policy and 20 days of an hourly metric that doubled five hours before the end."""
    logs = hours(24 * 20)
    logs[-5:] += np.log(2.0)
    start = int(END.timestamp()) - len(logs) * HOUR
    rows = [f"{start + index * HOUR},{np.exp(value)}" for index, value in enumerate(logs)]
    (tmp_path / "hours.csv").write_text("\n".join(["t,v", *rows]) + "\n")
    (tmp_path / "policy.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_SHA", "GHMLOPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*args: str) -> int:
    """Run the command without a history."""
    return main(["watch", "--policy", "policy.yml", "--branch", "", *args])


def test_an_alarm_warns_and_is_in_the_evidence(place: Path) -> None:
    """The step does not fail; the finding, the series and what was not measured are in the evidence."""
    assert run("--now", END.isoformat()) == 0
    evidence = json.loads((place / "evidence/watch.json").read_text())
    assert evidence["outcome"] == "warn"
    assert [finding["id"] for finding in evidence["findings"]] == ["watch-step"]
    (series,) = evidence["details"]["series"]
    assert (len(series["times"]), [alert["kind"] for alert in series["alerts"]]) == (24 * 20, ["step"])
    assert evidence["not_measured"]


def test_the_past_passes_and_old_data_does_not(place: Path) -> None:
    """Six hours earlier there was nothing; now the data is weeks old."""
    assert run("--now", "2026-09-01T06:00:00Z") == 0
    assert json.loads((place / "evidence/watch.json").read_text())["reason_code"] == "all-passed"
    assert run("--fail-on", "inconclusive") == 1
    assert json.loads((place / "evidence/watch.json").read_text())["reason_code"] == "watch-no-data"


def test_a_dry_run_writes_nothing(place: Path) -> None:
    """Neither evidence nor an issue."""
    assert run("--now", END.isoformat(), "--dry-run") == 0
    assert not (place / "evidence").exists()


@pytest.mark.parametrize(
    ("args", "policy"),
    [
        (("--now", "soon"), POLICY),
        (("--now", "2999-01-01"), POLICY),
        (("--now", "0001-01-01T00:00:00+14:00"), POLICY),
        ((), "version: 1\nservice: s\n"),
        ((), POLICY.replace("hours.csv", "none.csv")),
        ((), POLICY.replace("every: 1h", "every: 7h")),
        ((), POLICY.replace("value: v", "valeu: v")),
    ],
)
def test_bad_input_is_one_line(
    place: Path, args: tuple[str, ...], policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be judged exits with 2 and no traceback."""
    (place / "policy.yml").write_text(policy)
    assert run(*args) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_one_issue_is_opened_edited_and_closed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same alarm is one issue; it closes when the metric is back, and old data leaves it as it is."""
    with running({"repositories": {"acme/shop": {}}}) as api:
        variables = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": api.url, "GHMLOPS_TOKEN": "t"}
        for name, value in {**variables, "GHMLOPS_ISSUE": "true"}.items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            assert run("--now", END.isoformat()) == 0
        assert [issue.get("state", "open") for issue in api.state.issues] == ["open"]
        run()
        assert [issue.get("state", "open") for issue in api.state.issues] == ["open"]
        (place / "policy.yml").write_text(
            POLICY + "  acknowledge: [{metric: p95, until: 2026-09-02, reason: agreed}]\n"
        )
        assert run("--now", END.isoformat()) == 0
        assert [issue["state"] for issue in api.state.issues] == ["closed"]
