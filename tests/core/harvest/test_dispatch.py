"""Requests of trainings: one id per service and day, cooldown and monthly limit from the names of runs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from ghmlops.core.harvest.dispatch import Limits, limit_reason, request_days, request_id, retrain_finding
from ghmlops.core.harvest.retraining import Decision, Prices
from ghmlops.core.model import Outcome

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC).timestamp()
LIMITS = Limits(cooldown=7.0, per_month=2)


def test_ids_name_service_and_day() -> None:
    """The ids of another service, and words that only look like one, are not requests."""
    request = request_id("Scorer A", NOW)
    assert re.fullmatch(r"retrain-scorer-a-[a-p]{6}-20260620", request)
    prefix = request.removesuffix("20260620")
    words = [
        "retrain",
        f"{prefix}20260601",
        request_id("Scorer", NOW),
        f"{prefix}20269999",
        "retrain-scorer-a-20260602",
    ]
    assert request_days("Scorer A", words) == [date(2026, 6, 1)]
    assert request_days("Scorer A", [f"train ({request}) of Monday"]) == [date(2026, 6, 20)]


def test_services_with_similar_names_have_different_requests() -> None:
    """A training of one would be the cooldown of the other."""
    names = ["a_b", "a b", "A B", "a-b", "模型", "评分", "-"]
    requests = [request_id(name, NOW) for name in names]
    assert len(set(requests)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", request) for request in requests)
    assert [len(request_days(name, requests)) for name in names] == [1] * len(names)


@pytest.mark.parametrize(
    ("days", "allowed"),
    [
        ([], True),
        ([date(2026, 6, 13)], True),
        ([date(2026, 6, 14)], False),
        ([date(2026, 6, 1), date(2026, 6, 10)], False),
        ([date(2026, 5, 1), date(2026, 6, 10)], True),
        ([date(2026, 6, 20)], True),
    ],
)
def test_cooldown_and_limit(days: list[date], allowed: bool) -> None:
    """A request of today is this request: it is looked up, not limited."""
    assert (limit_reason(days, LIMITS, NOW) == "") is allowed


def test_findings() -> None:
    """Too few days are no pass; a decline that pays warns with what was done."""
    prices = Prices(5.0, 40.0)
    unknown = retrain_finding(Decision(False, None, 0.0, 0, 0.0, 3), prices, "")
    late = retrain_finding(Decision(False, None, 0.0, 0, 0.0, 30, late=True), prices, "")
    assert (late.outcome, late.reason == unknown.reason) == (Outcome.INCONCLUSIVE, False)
    steady = retrain_finding(Decision(False, 0.8, 0.0, 0, 0.0, 30), prices, "")
    decline = retrain_finding(Decision(True, 0.8, 0.03, 5, 90.0, 30), prices, "nothing was started")
    assert [f.outcome for f in (unknown, steady, decline)] == [Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.WARN]
    assert "nothing was started" in decline.reason
