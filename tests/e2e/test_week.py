"""A deployment that is slow only in the evening, by the workflows that run it; and the whole week, on request."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from declared import ROOT
from haproxy_router import needs_haproxy
from prometheus_server import needs_prometheus
from week import course, repository
from week.clock import Clock
from week.course import DAY, EVENING, HOUR, MONDAY, Course, hours
from week.production import running_production
from week.traffic import Log, Users

if TYPE_CHECKING:
    from pathlib import Path

FRIDAY = MONDAY + 4 * DAY
needs_time = pytest.mark.skipif(
    "GHMLOPS_WEEK" not in os.environ, reason="takes minutes, and an idle machine: GHMLOPS_WEEK=1 runs it"
)


@needs_time
@needs_haproxy
def test_a_friday_evening(tmp_path: Path) -> None:
    """The gate lets the change through; the evening raises the alarm, which fresh deployments confirm at its load.

    Under the runner are the workflows that nothing else runs: the one that watches, and the one that confirms.
    """
    with running_production(tmp_path, Clock(FRIDAY), "http://127.0.0.1:9", repository.ROUNDED) as production:
        measured = course.measure_all(production, 3.0, ("rounded", "crowded"))
        users = Users(bodies=repository.payloads(), drift=course.DRIFT)
        week = Course(
            production=production,
            measured=measured,
            tell=lambda _, line: print(line),
            log=Log(folder=production.data, users=users),
            live="rounded",
            brief=True,
        )
        (production.folder / "replicas").write_text("3\n")
        week.before(FRIDAY + EVENING)
        production.clock.set(FRIDAY + EVENING)
        week.deploy("crowded")
        assert (week.live, production.candidate_share(), production.harmed) == ("crowded", 1.0, 0)
        for hour in hours(FRIDAY + EVENING, FRIDAY + 22 * HOUR):
            week.traffic(hour)
            week.watch(hour)
            if production.runs_of("undo.yml"):
                break
        assert [state for state in week.states if state != "confirming"] == ["confirm", "act"]
        (run,) = production.runs_of("undo.yml")
        assert (run["inputs"]["commit"], run["inputs"]["base"]) == (week.commits["crowded"], production.start)
        assert [name for name, _ in week.runs] == ["watch.yml", "confirm.yml"]


@needs_time
@needs_haproxy
@needs_prometheus
def test_the_whole_week(tmp_path: Path) -> None:
    """Everything that was planned for the week happened, and nothing else; the script writes the dashboard."""
    command = [sys.executable, str(ROOT / "scripts" / "week"), "--folder", str(tmp_path / "week")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "week" / "dashboard" / "index.html").is_file()
