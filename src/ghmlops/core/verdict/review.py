"""The way out for a change of what judges: a maintainer who reviewed it turns its findings into warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Finding, Outcome, conclude

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict

REVIEWABLE = ("inputs-changed", "evidence-policy")
"""Ids of the findings that say that the change altered the inputs or the policy by which it is judged."""


def accept_inputs(verdict: Verdict, reviewer: str) -> Verdict:
    """Return the verdict with the findings about changed inputs as warnings; no other finding changes.

    Args:
        verdict: the verdict on a pull request.
        reviewer: the maintainer who reviewed the inputs; empty if nobody did, then the verdict is returned as it is.
    """
    if not reviewer or not any(_is_reviewable(finding) for finding in verdict.findings):
        return verdict
    findings = [_reviewed(finding, reviewer) if _is_reviewable(finding) else finding for finding in verdict.findings]
    outcome, code, reason = conclude(findings)
    return msgspec.structs.replace(verdict, findings=findings, outcome=outcome, reason_code=code, reason=reason)


def _is_reviewable(finding: Finding) -> bool:
    return finding.id in REVIEWABLE and finding.outcome is Outcome.INCONCLUSIVE


def _reviewed(finding: Finding, reviewer: str) -> Finding:
    reason = f"{finding.reason} {reviewer} reviewed the inputs."
    return msgspec.structs.replace(finding, outcome=Outcome.WARN, reason=reason)
