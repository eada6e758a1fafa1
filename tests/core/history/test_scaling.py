"""Replicas over time: one series per service and environment, from the records of `scale` alone."""

from __future__ import annotations

from datetime import UTC, datetime

from ghmlops.core.history.scaling import scaling
from history_records import deployment, scaled, stored


def test_a_series_per_service_and_environment() -> None:
    """In the order of their names; other records and changes before `since` are left out."""
    records = stored(
        scaled("2026-11-03T10:00:00+00:00", 1, 2),
        scaled("2026-11-03T11:00:00+00:00", 4, 5, service="ranker"),
        deployment("2026-11-03T12:00:00+00:00"),
        scaled("2026-11-03T13:00:00+00:00", 2, 3),
    )
    ranker, shop = scaling(records)
    assert [(series.service, series.environment) for series in (ranker, shop)] == [
        ("ranker", "production"), ("shop", "production")
    ]  # fmt: skip
    assert [(point.time.hour, point.replicas, point.id) for point in shop.points] == [
        (10, 2, records[0].id), (13, 3, records[3].id)
    ]  # fmt: skip
    assert [len(series.points) for series in scaling(records, datetime(2026, 11, 3, 12, tzinfo=UTC))] == [1]


def test_a_plan_that_was_not_set_changes_no_replicas() -> None:
    """Unless the replicas before are not known: the plan is all that is."""
    plan = {"applied": False}
    records = [scaled("2026-11-03T10:00:00+00:00", 2, 9, **plan), scaled("2026-11-03T11:00:00+00:00", None, 9, **plan)]
    assert [point.replicas for point in scaling(stored(*records))[0].points] == [2, 9]
