"""A promotion that failed is reverted only if a later measurement repeats its failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert.grounds import Target, decide_grounds
from ghmlops.core.revert.planned import ERRORS, RESPONSE_TIMES, Subject, confirmed_verdict, planned_verdict

BEFORE, AFTER = "2026-11-28T20:00:00+00:00", "2026-11-28T21:00:00+00:00"
ABOUT: dict[str, Any] = {"commit": "a" * 40, "base_sha": "b" * 40, "service": "shop", "repository": "acme/shop"}
TARGET = Target(
    repository="acme/shop",
    service="shop",
    environment="production",
    max_age=3600.0,
    now=datetime(2026, 11, 28, 21, 30, tzinfo=UTC),
)


def planned(code: str = RESPONSE_TIMES) -> Verdict:
    """Return the verdict of a promotion that was rolled back."""
    subject = Subject(**ABOUT, environment="production", run_id="7", run_attempt=1, created=BEFORE, version="1")
    return planned_verdict(code, "It is slow.", subject)


def measured(metric: str = "p95", outcome: Outcome = Outcome.FAIL, **changes: Any) -> Verdict:
    """Return the gate's verdict of a measurement with one confirmed finding."""
    finding = Finding(id=f"latency-{metric}", metric=metric, outcome=outcome, reason="r", docs="d")
    verdict = Verdict(
        outcome=outcome,
        reason_code=finding.id,
        reason="r",
        findings=[finding],
        evidence=[],
        created=AFTER,
        environment="production",
        confirmed=[f"latency:{finding.id}"],
        **ABOUT,
    )
    return msgspec.structs.replace(verdict, **changes)


def test_without_a_confirmation_a_person_is_needed() -> None:
    """The plan alone is a failure that nothing confirms."""
    with pytest.raises(NeedsPerson) as caught:
        decide_grounds(msgspec.structs.replace(planned(), created=AFTER), "", TARGET)
    assert caught.value.reason_code == "failure-not-confirmed"


@pytest.mark.parametrize(
    ("code", "metric"), [(RESPONSE_TIMES, "p50"), (RESPONSE_TIMES, "p99"), (ERRORS, "error-ratio")]
)
def test_the_same_failure_again_confirms(code: str, metric: str) -> None:
    """Grounds for exactly the range of the promotion."""
    grounds = decide_grounds(confirmed_verdict(planned(code), measured(metric)), "", TARGET)
    assert (grounds.by_person, grounds.reason_code) == (False, code)
    assert (grounds.verdict_commit, grounds.verdict_base) == ("a" * 40, "b" * 40)


@pytest.mark.parametrize(
    ("code", "confirmation", "refusal"),
    [
        (RESPONSE_TIMES, measured("error-ratio"), "failure-not-confirmed"),
        (ERRORS, measured("p95"), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", Outcome.PASS), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", confirmed=[]), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", confirmed=["latency:other"]), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", created=BEFORE), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", created=""), "failure-not-confirmed"),
        ("metric-beyond-limit", measured("p95"), "failure-not-confirmed"),
        ("hold-expired", measured("p95"), "failure-not-confirmed"),
        (RESPONSE_TIMES, measured("p95", commit="c" * 40), "verdict-foreign"),
        (RESPONSE_TIMES, measured("p95", base_sha="c" * 40), "verdict-foreign"),
        (RESPONSE_TIMES, measured("p95", service="cart"), "verdict-foreign"),
        (RESPONSE_TIMES, measured("p95", repository="acme/fork"), "verdict-foreign"),
    ],
)
def test_what_does_not_confirm(code: str, confirmation: Verdict, refusal: str) -> None:
    """Another failure, a pass, an earlier measurement, another commit; and failures that no measurement repeats."""
    with pytest.raises(NeedsPerson) as caught:
        confirmed_verdict(planned(code), confirmation)
    assert caught.value.reason_code == refusal


def test_the_plan_keeps_its_range_from_the_measurement() -> None:
    """Without a commit that served before, the range is unknown, and nothing confirms it."""
    plan = msgspec.structs.replace(planned(), base_sha="")
    with pytest.raises(NeedsPerson):
        confirmed_verdict(plan, measured())
