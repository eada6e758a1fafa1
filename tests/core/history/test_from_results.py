"""Records from the results of commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.history.from_results import Origin, from_promotion, from_verdict, quarantine_by_gate
from ghmlops.core.history.record import DeploymentRecord
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.promotion.record import PromotionRecord, RungRecord
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares

ORIGIN = Origin(time="2026-01-01T00:00:00+00:00", repository="acme/shop", run_id="42", person="ada")


def verdict(outcome: Outcome, finding: str = "latency-p99", override: str = "") -> Verdict:
    """Return a verdict with one finding."""
    return Verdict(
        commit="a" * 40,
        outcome=outcome,
        reason_code=finding,
        reason="R.",
        findings=[Finding(id=finding, metric="m", outcome=outcome, reason="R.", docs="d")],
        evidence=[],
        service="shop",
        environment="production",
        override=override,
    )


def test_a_failure_begins_a_quarantine_and_an_override_ends_it() -> None:
    """A hold begins none: nobody knows yet that the commit is bad. An override of something else ends none."""
    start = quarantine_by_gate(from_verdict(verdict(Outcome.FAIL), ORIGIN, allowed=False))
    assert start is not None
    assert (start.lifted, start.commit, start.run_id, start.person) == (False, "a" * 40, "42", "ada")
    hold = from_verdict(verdict(Outcome.INCONCLUSIVE, "commit-quarantined"), ORIGIN, allowed=False)
    assert (hold.decision, quarantine_by_gate(hold)) == ("hold", None)
    record = from_verdict(verdict(Outcome.WARN, "commit-quarantined", "checked (by ada)"), ORIGIN, allowed=True)
    end = quarantine_by_gate(record)
    assert end is not None
    assert (end.lifted, record.lifts_quarantine) == (True, True)
    other = from_verdict(verdict(Outcome.WARN, override="checked (by ada)"), ORIGIN, allowed=True)
    assert quarantine_by_gate(other) is None


@pytest.mark.parametrize(("person", "expected"), [("bob", "bob"), ("", "ada")])
def test_a_promotion_names_commits_override_and_person(person: str, expected: str) -> None:
    """The person is who started the promotion, also if somebody else repeated the job that appends it."""
    promotion = PromotionRecord(
        commit="a" * 40,
        environment="production",
        service="shop",
        run_url="",
        base_sha="b" * 40,
        override="agreed (by eve)",
        person=person,
        decision="rollback",
        shares=BASELINE_ONLY,
    )
    deployment, quarantine = from_promotion(promotion, ORIGIN)
    assert isinstance(deployment, DeploymentRecord)
    assert (deployment.base_sha, deployment.override, deployment.person) == ("b" * 40, "agreed (by eve)", expected)
    assert quarantine.person == expected


@pytest.mark.parametrize(("decision", "hour"), [("complete", 10), ("hold", 10), ("rollback", 12)])
def test_the_time_of_a_promotion(decision: Any, hour: int) -> None:
    """The last rung begins at 10 and the end is at 12: live since its rung, harmed until its rollback."""
    shares = Shares(candidate=1.0)
    rung = RungRecord(share=1.0, shares=shares, since="2026-11-01T10:00:00+00:00", requests={}, errors={})
    promotion = PromotionRecord(
        commit="a" * 40,
        environment="production",
        service="shop",
        run_url="",
        rungs=(rung,),
        decision=decision,
        end_time="2026-11-01T12:00:00+00:00",
        shares=shares,
    )
    assert {datetime.fromisoformat(record.time).hour for record in from_promotion(promotion, ORIGIN)} == {hour}
