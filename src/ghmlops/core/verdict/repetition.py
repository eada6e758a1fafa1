"""Whether predictions were measured again, by a job without code of the change, with the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.regression import regression_details
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.model import Finding
    from ghmlops.core.verdict.rules import Rules

REPEATED_COMMAND = "regression"
"""Command whose evidence follows from files alone, so that another job can repeat it."""


def can_be_repeated(evidence: Evidence) -> bool:
    """Return whether evidence is a comparison of predictions, and not itself a replay of one.

    Evidence that there is no baseline compares nothing; what it leaves unjudged is a finding of `completeness`.
    """
    if evidence.details is None and {finding.id for finding in evidence.findings} == {"no-baseline"}:
        return False
    return evidence.command == REPEATED_COMMAND and regression_details(evidence.details).replay is None


def repetition_findings(counted: Sequence[Loaded], rules: Rules) -> list[Finding]:
    """Return one finding per evidence file that a job without code of the change must have measured again.

    The digest of the file identifies it: what was measured again is exactly what is judged. Without an entry for it, or
    with one for another commit, the finding is inconclusive, so that a job that did not run opens nothing.
    """
    result = rules.remeasured
    if result is None:
        return []
    by_digest = {item.sha256: item for item in result.repetitions} if result.commit == rules.commit else {}
    findings = []
    for loaded in counted:
        if loaded.evidence is None or not can_be_repeated(loaded.evidence):
            continue
        item = by_digest.get(loaded.sha256) if loaded.sha256 else None
        if item is None:
            reason = f"{loaded.file} was not measured again by a job without code of the change."
            findings.append(problem("evidence-not-repeated", Outcome.INCONCLUSIVE, reason))
            continue
        # A rule other than "the same result" never passes, whatever the entry states.
        passes = item.rule == "evidence-repeated" and item.outcome is Outcome.PASS
        outcome = item.outcome if passes or item.outcome.severity > Outcome.WARN.severity else Outcome.INCONCLUSIVE
        findings.append(problem(item.rule, outcome, item.reason))
    return findings
