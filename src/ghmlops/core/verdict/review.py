"""The way out for a change of what judges: a maintainer who reviewed it turns its findings into warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.verdict.bounds import bound_text

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict

REVIEWABLE = ("inputs-changed",)
"""Ids of the findings that say that the change altered the inputs or the policy by which it is judged."""


def accept_inputs(verdict: Verdict, reviewer: str) -> Verdict:
    """Return the verdict with the findings about changed inputs as warnings; no other finding changes.

    Args:
        verdict: the verdict on a pull request.
        reviewer: the maintainer who reviewed the inputs; empty if nobody did, then the verdict is returned as it is.
    """
    if not reviewer or verdict.override or not any(_is_reviewable(finding) for finding in verdict.findings):
        return verdict
    findings = [_reviewed(finding, reviewer) if _is_reviewable(finding) else finding for finding in verdict.findings]
    outcome, code, reason = conclude(findings)
    code, reason = bound_text(code), bound_text(reason)
    return msgspec.structs.replace(verdict, findings=findings, outcome=outcome, reason_code=code, reason=reason)


def override_verdict(verdict: Verdict, reason: str) -> Verdict:
    """Return the verdict with a person's reason: an `inconclusive` one becomes `warn`, and no other changes.

    Args:
        verdict: the verdict.
        reason: the reason with its person; empty if nobody overrides it.
    """
    if not reason or verdict.outcome is not Outcome.INCONCLUSIVE:
        return verdict
    return msgspec.structs.replace(
        verdict,
        outcome=Outcome.WARN,
        reason_code="overridden",
        reason=f"A person overrode this inconclusive verdict: {reason} ({verdict.reason})",
        override=reason,
    )


def _is_reviewable(finding: Finding) -> bool:
    return finding.id in REVIEWABLE and finding.outcome is Outcome.INCONCLUSIVE


def _reviewed(finding: Finding, reviewer: str) -> Finding:
    reason = f"{finding.reason} {reviewer} reviewed the inputs."
    return msgspec.structs.replace(finding, outcome=Outcome.WARN, reason=reason)
