"""A maintainer's review of changed inputs."""

from __future__ import annotations

import pytest

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.verdict.review import accept_inputs


def verdict(*findings: tuple[str, Outcome]) -> Verdict:
    """Return a verdict with these findings."""
    rows = [Finding(id=name, metric="m", outcome=outcome, reason="R.", docs="a#b") for name, outcome in findings]
    outcome, code, reason = conclude(rows)
    return Verdict(commit="a" * 40, outcome=outcome, reason_code=code, reason=reason, findings=rows, evidence=[])


CHANGED = ("inputs-changed", Outcome.INCONCLUSIVE)
CASES = [
    # findings, reviewer, outcome
    ((CHANGED,), "maria", Outcome.WARN),
    ((("evidence-policy", Outcome.INCONCLUSIVE),), "maria", Outcome.INCONCLUSIVE),
    ((CHANGED,), "", Outcome.INCONCLUSIVE),
    ((CHANGED, ("auc", Outcome.FAIL)), "maria", Outcome.FAIL),
    ((CHANGED, ("evidence-baseline", Outcome.INCONCLUSIVE)), "maria", Outcome.INCONCLUSIVE),
    ((("inputs-changed", Outcome.FAIL),), "maria", Outcome.FAIL),
    ((("auc", Outcome.PASS),), "maria", Outcome.PASS),
]


@pytest.mark.parametrize(("findings", "reviewer", "outcome"), CASES)
def test_only_changed_inputs_are_accepted(
    findings: tuple[tuple[str, Outcome], ...], reviewer: str, outcome: Outcome
) -> None:
    """Inconclusive findings about inputs become warnings that name the reviewer; nothing else changes."""
    accepted = accept_inputs(verdict(*findings), reviewer)
    assert accepted.outcome is outcome
    warnings = [finding for finding in accepted.findings if finding.outcome is Outcome.WARN]
    assert all(reviewer in finding.reason for finding in warnings)
