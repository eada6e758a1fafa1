"""A schedule is dead if its newest successful run is older than `watch.stale`, or if there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ghmlops.core.adoption.explanations import sections_of
from ghmlops.core.model import Outcome
from ghmlops.core.watch.schedule import schedule_finding

NOW = datetime(2026, 11, 28, 18, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "is_dead"), [(0, False), (36, False), (36.1, True), (24 * 60, True), (None, True)])
def test_the_age_of_the_newest_run(hours: float | None, is_dead: bool) -> None:
    """It warns, with the workflow and the time of the run."""
    newest = None if hours is None else NOW - timedelta(hours=hours)
    finding = schedule_finding("watch.yml", newest, 36 * 3600.0, NOW)
    assert (finding is not None) == is_dead
    if finding is not None:
        assert finding.outcome is Outcome.WARN
        assert "watch.yml" in finding.reason
        assert newest is None or f"{newest:%Y-%m-%d %H:%M}" in finding.reason
        assert finding.docs in sections_of(finding.id)
