"""The whole week: starts production, passes the hours, writes the dashboard, and compares with what was planned."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from github_api.spec import default_file
from haproxy_router import HAPROXY
from prometheus_server import PROMETHEUS, backfill, running_prometheus
from runner import ACT
from week import course, repository
from week.clock import Clock
from week.course import Course
from week.production import FIRST_REPLICAS, Production, running_production
from week.traffic import Log, Users, demand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

FIVE_MINUTES = timedelta(minutes=5)


class Result(NamedTuple):
    """Where the dashboard is, when it was written, and what was not as planned."""

    dashboard: Path
    written: datetime
    problems: list[str]


def missing_tools() -> list[str]:
    """Return the names of the programs that are not installed."""
    present = {
        "HAProxy": HAPROXY is not None,
        "Prometheus": PROMETHEUS is not None,
        "act": ACT.is_file(),
        "GitHub's API description": default_file().is_file(),
    }
    return [name for name, there in present.items() if not there]


@contextmanager
def started(folder: Path) -> Iterator[Production]:
    """Start production, with a Prometheus that has the demand of all days."""
    (metrics := folder / "prometheus").mkdir()
    first, count = course.FIRST_LOG, int((course.LAST - course.FIRST_LOG) / FIVE_MINUTES)
    moments = [first + FIVE_MINUTES * index for index in range(count)]
    series = {int(moment.timestamp()): demand(moment, course.DOUBLED) for moment in moments}
    backfill(metrics, {"demand": series})
    with (
        running_prometheus(metrics) as prometheus,
        running_production(folder, Clock(course.FIRST_LOG), prometheus) as production,
    ):
        yield production


def pass_week(folder: Path, *, seconds: float, tell: Callable[[str], None]) -> Result:
    """Pass the week in an empty folder.

    Args:
        folder: The folder, which keeps the dashboard.
        seconds: Load of each version and rate.
        tell: Receives each line of the story.
    """
    (place := folder / "run").mkdir()
    with started(place) as production:
        week = new_course(production, seconds, tell)
        week.capacity()
        week.before()
        week.run()
        site, written = week.page(), production.clock.now()
        shutil.copytree(site, folder / "dashboard")
        problems = deviations(week)
    shutil.rmtree(place)
    return Result(folder / "dashboard" / "index.html", written, problems)


def new_course(production: Production, seconds: float, tell: Callable[[str], None]) -> Course:
    """Return the course of a week whose versions are measured."""

    def line(moment: datetime, text: str) -> None:
        tell(f"{moment:%a %d %H:%M}  {text}")

    return Course(
        production=production,
        measured=course.measure_all(production, seconds),
        tell=line,
        seconds=seconds,
        log=Log(folder=production.data, users=Users(bodies=repository.payloads(), drift=course.DRIFT)),
    )


def take_picture(page: Path, picture: Path, moment: datetime) -> None:
    """Draw the top of a page of the dashboard as it looks at a time: an old one says that it is out of date."""
    from browser import running_chromium

    with running_chromium() as browser:
        view = browser.new_page(viewport={"width": 1280, "height": 1400})
        view.clock.set_fixed_time(moment)
        view.goto(page.resolve().as_uri())
        view.screenshot(path=picture)


def deviations(week: Course) -> list[str]:
    """Return what was not as planned."""
    production = week.production
    expected = {
        "the faulty deployment was undone": week.live == "retrained",
        "the upstream fault is external, and nothing follows": "external" in week.states,
        "the alarm was confirmed and acted upon": [s for s in week.states if s in ("confirm", "act")]
        == ["confirm", "act"],
        "the demand that doubled has more replicas": max((n for _, n in week.replicas), default=0) > FIRST_REPLICAS,
        "the dead schedule was reported": len(week.dead) == 1,
        "one revert": production.subjects().count('Revert "Cache the features"') == 1,
        "no request was lost while traffic moved": production.harmed == 0,
        "the training was started once": len(production.runs_of("retrain.yml")) == 1,
    }
    return [name for name, holds in expected.items() if not holds]
