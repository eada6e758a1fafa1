"""Runs that repeat a measurement: to confirm a failure on a fresh deployment with swapped slots, or to replay it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.latency import LatencyCommon, LatencyDetails
from ghmlops.core.details.regression import regression_details
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import is_deterministic
from ghmlops.core.text.plain_name import is_of_head_policy, repeats_a_leg
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence

CONFIRM = "confirm"
"""Leg of the run that repeats a failed measurement on a fresh deployment with the slots swapped."""


def satisfies(evidence: Evidence) -> bool:
    """Return whether evidence can be what the trusted policy requires.

    That is no confirming run, no replay, no shard alone, and nothing that the policy of the change judges.
    """
    return _measures(evidence) and not is_of_head_policy(evidence.leg)


def _measures(evidence: Evidence) -> bool:
    """Return whether evidence is a measurement: no confirming run, no replay, and no shard alone."""
    details = evidence.details
    repeated = isinstance(details, LatencyCommon) and details.confirms is not None
    part = isinstance(details, LatencyDetails) and details.shard is not None
    replayed = regression_details(details).replay is not None
    return not (repeated or part or replayed or repeats_a_leg(evidence.leg))


def judged_findings(evidence: Evidence, counted: Sequence[Evidence]) -> list[Finding]:
    """Return the findings of evidence, failures that a second run contradicted as `inconclusive`.

    Evidence whose outcome is worse than its findings adds one finding with that outcome.
    """
    again = _confirming(evidence, counted)
    second = {} if again is None else {f.id: f for f in again.findings if not f.slice and f.window is None}
    findings = [_contradicted(finding, second.get(finding.id)) for finding in evidence.findings]
    worst_severity = max((f.outcome.severity for f in evidence.findings), default=0)
    if evidence.findings and evidence.outcome.severity > worst_severity:
        reason = f"The evidence of `{evidence.command}` has the outcome {evidence.outcome}: {evidence.reason}"
        findings.append(problem("evidence-worse", evidence.outcome, reason))
    return findings


def _contradicted(finding: Finding, second: Finding | None) -> Finding:
    if finding.outcome is not Outcome.FAIL or second is None or second.outcome is not Outcome.PASS:
        return finding
    reason = f"{finding.reason} A second run on a fresh deployment with swapped slots passed: {second.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _confirming(evidence: Evidence, counted: Sequence[Evidence]) -> Evidence | None:
    """Return the confirming run of a measurement; a deterministic one has none."""
    if not _measures(evidence) or is_deterministic(evidence.command):
        return None
    leg = f"{evidence.leg}-{CONFIRM}" if evidence.leg else CONFIRM
    return next((e for e in counted if e.command == evidence.command and e.leg == leg), None)


def _attributable(evidence: Evidence) -> list[Finding]:
    """Return the failures that can be those of the change."""
    return [f for f in evidence.findings if f.outcome is Outcome.FAIL and f.confirmed is not False]


def confirmed_failures(evidence: Evidence, counted: Sequence[Evidence]) -> list[str]:
    """Return `<command>:<finding id>` of the failures that may be acted on without a person."""
    # A measurement that cannot be replayed says nothing about the change, so no commit is reverted for it.
    # Neither is it for a limit that the baseline misses too, in either run.
    failed = {f.id for f in _attributable(evidence) if not f.id.startswith("replay-")}
    if not is_deterministic(evidence.command):
        again = _confirming(evidence, counted)
        failed &= {f.id for f in _attributable(again)} if again else set()
    return [f"{evidence.command}:{name}" for name in failed]
