"""Findings about outcomes."""

from __future__ import annotations

from ghmlops.core.harvest.outcome_findings import outcome_findings
from ghmlops.core.model import Outcome

STATES = dict.fromkeys(("unreadable", "duplicate", "contradicting", "orphan", "early", "matched"), 0)


def test_problems_warn_and_nothing_matched_is_inconclusive() -> None:
    """The first finding counts all rows."""
    (good,) = outcome_findings(STATES | {"matched": 5, "orphan": 2}, 10)
    assert (good.outcome, good.n) == (Outcome.PASS, 7)
    findings = outcome_findings(STATES | {"contradicting": 2, "early": 1}, 0)
    assert [(f.id, f.outcome, f.n) for f in findings] == [
        ("harvest-outcomes", Outcome.INCONCLUSIVE, 3),
        ("harvest-contradictions", Outcome.WARN, 2),
        ("harvest-early", Outcome.WARN, 1),
    ]
