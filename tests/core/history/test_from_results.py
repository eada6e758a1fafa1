"""Records from the results of commands."""

from __future__ import annotations

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.history.from_results import Origin, from_verdict, quarantine_by_gate
from ghmlops.core.model import Finding, Outcome

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
