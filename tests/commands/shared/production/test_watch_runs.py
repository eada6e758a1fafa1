"""A `watch` that no longer runs is reported by the gate and the next `watch`; runs that cannot be read are unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ghmlops.cli import main
from watched_service import POLICY

if TYPE_CHECKING:
    from watched_service import WatchedService


def run_of_watch(service: WatchedService, hours: float, **fields: str) -> None:
    """Let GitHub list a run of the workflow, some hours old."""
    created = datetime.now(UTC) - timedelta(hours=hours)
    row = {
        "id": 900,
        "head_sha": service.bad,
        "head_branch": "main",
        "event": "schedule",
        "created_at": f"{created:%FT%TZ}",
    }
    service.api.seed(runs=[{**row, "path": ".github/workflows/watch.yml", **fields}])


@pytest.fixture
def scheduled(service: WatchedService) -> WatchedService:
    """Return a service whose policy names the workflow of its watch."""
    text = POLICY.replace("{confirm: confirm.yml", "{watch: watch.yml, confirm: confirm.yml").replace(
        "on: {alarm: confirm, confirmed: rollback-else-revert}", "on: {alarm: confirm}"
    )
    (service.here / ".github/ghmlops.yml").write_text(text)
    service.write_metric(1.0)
    service.append(*service.deployments())
    return service


def findings(service: WatchedService) -> list[str]:
    """Return the findings of a run of `watch`."""
    assert service.run() == 0
    return [finding["id"] for finding in service.evidence()["findings"]]


def test_the_first_run_after_a_gap_reports_it(scheduled: WatchedService) -> None:
    """Failed runs watched nothing; before the first run there is no gap, and none in the past."""
    assert findings(scheduled) == ["watch-steady"]
    run_of_watch(scheduled, 50)
    assert findings(scheduled) == ["watch-dead", "watch-steady"]
    run_of_watch(scheduled, 1, conclusion="failure")
    assert findings(scheduled) == ["watch-dead", "watch-steady"]
    run_of_watch(scheduled, 1)
    assert findings(scheduled) == ["watch-steady"]


def test_the_gate_reports_it(scheduled: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no part of the verdict. That there is no workflow of this name is a dead schedule too."""
    flags = ["gate", "--commit", scheduled.bad]
    main(flags)
    reported = capsys.readouterr().err
    assert "watch.yml" in reported
    assert "watch-dead" not in (scheduled.here / "verdict.json").read_text()
    scheduled.api.seed(
        faults=[{"kind": "status", "method": "GET", "path": "watch.yml/runs$", "status": 404, "times": 9}]
    )
    main(flags)
    assert capsys.readouterr().err.count("watch.yml") == reported.count("watch.yml")
    run_of_watch(scheduled, 1)
    scheduled.api.state.faults.clear()
    main(flags)
    assert "watch.yml" not in capsys.readouterr().err


def test_runs_that_cannot_be_read_are_unknown(scheduled: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither alive nor dead: the log says so, and nothing else changes."""
    run_of_watch(scheduled, 50)
    scheduled.api.seed(faults=[{"kind": "status", "method": "GET", "path": "watch.yml/runs$", "status": 422}])
    assert findings(scheduled) == ["watch-steady"]
    assert "unknown" in capsys.readouterr().err
