"""Whether evidence contradicts itself: outcomes are computed again from its numbers, with the functions that judge.

Evidence may be worse than its numbers, because a guard withdrew a verdict, but never better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.details.regression import RegressionDetails, regression_details
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.text.plain_name import is_of_head_policy
from ghmlops.core.verdict.admission import judged_by_accepted_policy
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.verdict.rules import Rules

MAX_PAIRS = 40_000
"""Pairs of blocks that are computed again, of all evidence together: seconds of work, and more than the largest matrix
of shards plans."""
_MAX_REASONS = 20
"""Contradictions that are listed per file."""
_OWN_CODE = ("capacity", "preview")
"""Commands whose reason code is more specific than the id of a finding."""


def contradictions(counted: Sequence[Evidence], rules: Rules) -> list[Finding]:
    """Return a finding for each contradiction between the outcomes and the numbers of evidence."""
    findings: list[Finding] = []
    pairs = 0
    for evidence in counted:
        pairs += compared_pairs(evidence)
        outdated: list[str] = []
        if pairs > MAX_PAIRS:
            reasons = [f"has more than {MAX_PAIRS:,} pairs of blocks together with the evidence before it"]
        else:
            reasons, outdated = _contradictions(evidence, rules)
        leg = f" (leg {evidence.leg})" if evidence.leg else ""
        findings += [
            problem("evidence-inconsistent", Outcome.ERROR, f"The evidence of `{evidence.command}`{leg} {reason}.")
            for reason in reasons
        ]
        findings += [
            problem("evidence-policy", Outcome.INCONCLUSIVE, f"The evidence of `{evidence.command}`{leg} {reason}.")
            for reason in outdated
        ]
    return findings


def _contradictions(evidence: Evidence, rules: Rules) -> tuple[list[str], list[str]]:
    """Return the contradictions of evidence, and those that only say that an older policy judged it."""
    fingerprint = evidence.provenance.fingerprints.get("policy", "")
    by_trusted = judged_by_accepted_policy(evidence.provenance, rules) and not is_of_head_policy(evidence.leg)
    policy = rules.requirements_of(fingerprint) if by_trusted else None
    reasons = list(evidence_contradictions(evidence, policy))[:_MAX_REASONS]
    is_older = fingerprint in rules.policies and rules.policies[fingerprint] is None and fingerprint != rules.policy
    if not reasons or policy is None or not is_older:
        return reasons, []
    errors = list(evidence_contradictions(evidence, None))[:_MAX_REASONS]
    return errors, [reason for reason in reasons if reason not in errors]


def evidence_contradictions(evidence: Evidence, policy: Policy | None) -> Iterator[str]:
    """Yield the contradictions of one evidence file, each as the end of a sentence.

    Args:
        evidence: the evidence.
        policy: the trusted policy, if the evidence was judged by it; its margins and objectives are compared.
    """
    if not evidence.findings:
        return
    yield from _conclusion(evidence)
    for finding in evidence.findings:
        yield from _numbers(finding)
    if evidence.command in ("latency", "import"):
        from ghmlops.core.verdict.latency_consistency import latency_contradictions

        yield from latency_contradictions(evidence, policy.latency if policy else None)
    if evidence.command == "regression":
        from ghmlops.core.verdict.prediction_consistency import prediction_contradictions

        yield from prediction_contradictions(evidence, policy.regression if policy else None)


def _conclusion(evidence: Evidence) -> Iterator[str]:
    """Yield whether the outcome and the reason code do not follow from the findings."""
    outcome, code, _ = conclude(evidence.findings)
    replayed = regression_details(evidence.details).replay is not None
    if evidence.outcome.severity < outcome.severity:
        yield f"has the outcome {evidence.outcome}, and its findings give {outcome}"
    elif evidence.outcome is outcome and evidence.reason_code != code and evidence.command not in _OWN_CODE:
        yield f"has the reason code {evidence.reason_code[:60]!r}, and its findings give {code!r}"
    if replayed and not isinstance(evidence.details, RegressionDetails):
        yield "is a replay without details"


def _numbers(finding: Finding) -> Iterator[str]:
    """Yield the impossible numbers of any finding."""
    change, name = finding.change, finding.id
    if finding.n is not None and finding.n < 0:
        yield f"has a negative n in {name}"
    if change and change.low is not None and change.high is not None and change.low > change.high:
        yield f"has an interval in {name} whose lower end is above its upper end"
    if finding.margin is not None and finding.margin < 0:
        yield f"has a negative margin in {name}"


def compared_pairs(evidence: Evidence) -> int:
    """Return the number of pairs of blocks in the details of latency evidence."""
    details = evidence.details
    if not isinstance(details, LatencyCommon) or details.duet is None:
        return 0
    return max((len(values) for values in details.duet.log_ratios.values()), default=0)
