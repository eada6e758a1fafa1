"""What is missing: commands and legs without evidence, and margins and objectives without a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import find_pillar
from ghmlops.core.policy.paths import NOT_AFFECTED
from ghmlops.core.verdict.confirmation import satisfies
from ghmlops.core.verdict.expectation import expected_findings
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.verdict.expectation import ExpectedFinding
    from ghmlops.core.verdict.rules import Rules

_MAX_NAMES = 12
"""Ids of missing findings that a reason lists."""


def missing_evidence(counted: Sequence[Evidence], current: Sequence[Loaded], rules: Rules) -> list[Finding]:
    """Return a finding for each evidence without findings, and for each required leg without evidence."""
    findings = [
        problem("evidence-empty", Outcome.INCONCLUSIVE, f"The evidence of {_name(e)} contains no finding.")
        for e in counted
        if not e.findings
    ]
    reported = any(f.id == NOT_AFFECTED for e in counted if e.command == "check" for f in e.findings)
    if rules.unaffected or (rules.unaffected is None and reported and not rules.strict):
        reason = f"By GitHub's list of its files, the change does not affect {rules.service or 'the service'}."
        return findings if reported else [*findings, problem(NOT_AFFECTED, Outcome.PASS, reason)]
    if reported:
        reason = "`check` measured nothing, and GitHub's list of the changed files does not show that it was right."
        findings.append(problem(NOT_AFFECTED, Outcome.INCONCLUSIVE, reason))
    present = {(e.command, e.leg) for e in counted if satisfies(e)}
    refused = {f.evidence.command for f in current if f.evidence}
    commands = dict.fromkeys((*rules.required, *rules.legs))
    for command in commands:
        absent = [leg for leg in rules.required_legs(command) if (command, leg) not in present]
        if not absent:
            continue
        first = _first_run(command, rules)
        if first and command not in refused:
            findings += first
            continue
        tail = " that counts" if command in refused else ""
        legs = f" (legs {', '.join(leg or 'without a name' for leg in absent)})" if rules.legs.get(command) else ""
        reason = f"There is no evidence of `{command}`{legs}{tail} for this commit."
        findings.append(problem("evidence-missing", Outcome.INCONCLUSIVE, reason))
    return findings


def _first_run(command: str, rules: Rules) -> list[Finding]:
    """Return a finding per margin of a command that only compares, if nothing was deployed to compare with."""
    if rules.base_sha != "" or rules.requirements is None:
        return []
    expected = expected_findings(rules.requirements, command)
    only_compares = bool(expected) and all(item.compares for item in expected)
    return [_no_baseline(item, command, rules) for item in expected] if only_compares else []


def missing_findings(evidence: Evidence, rules: Rules) -> list[Finding]:
    """Return what the policy demands of evidence and its findings do not judge.

    Margins of a run without a baseline give one finding each; everything else is named in one finding.
    """
    requirements = rules.requirements_of(evidence.provenance.fingerprints.get("policy", ""))
    if requirements is None or not evidence.findings or not satisfies(evidence):
        return []
    expected = expected_findings(requirements, evidence.command)
    present = {(f.id, f.dataset) for f in evidence.findings if not f.slice and f.window is None}
    ids = {name for name, _ in present}
    missing = [
        item
        for item in expected
        if ((item.id, item.dataset) not in present if item.dataset is not None else item.id not in ids)
    ]
    alone = [item for item in missing if item.compares] if _without_baseline(evidence) else []
    # A job without code of the change does not believe the absence: it applies what it knows of policy and deployment.
    believed = _reports_absence(evidence) and (rules.policy_added or not rules.strict)
    findings = [] if believed else [_no_baseline(item, evidence.command, rules) for item in alone]
    # Evidence with an error says itself why it judges nothing.
    silent = [item for item in missing if item not in alone]
    if silent and evidence.outcome is not Outcome.ERROR:
        names = [f"{item.dataset}: {item.id}" if item.dataset else item.id for item in silent]
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        listed = f"{', '.join(names[:_MAX_NAMES])}{more}"
        reason = f"The evidence of {_name(evidence)} does not judge what the policy demands: {listed}."
        findings.append(problem("evidence-incomplete", Outcome.INCONCLUSIVE, reason))
    return findings


def _without_baseline(evidence: Evidence) -> bool:
    """Return whether a run that can compare had nothing to compare with."""
    pillar, details = find_pillar(evidence.command), evidence.details
    if pillar is None or not pillar.compares:
        return False
    if _reports_absence(evidence):
        return True
    return isinstance(details, LatencyCommon) and details.duet is None


def _reports_absence(evidence: Evidence) -> bool:
    """Return whether the evidence itself reports that there is no baseline, with the outcome of the policy."""
    return any(finding.id == "no-baseline" for finding in evidence.findings)


def _no_baseline(item: ExpectedFinding, command: str, rules: Rules) -> Finding:
    name = f"{item.dataset}: {item.id}" if item.dataset else item.id
    if rules.base_sha == "":
        why, outcome = "nothing was deployed successfully yet", rules.first_run
    else:
        why, outcome = f"the evidence of `{command}` has no baseline", Outcome.INCONCLUSIVE
    return problem("no-baseline", outcome, f"{name} was not judged: {why}.", metric=item.id)


def _name(evidence: Evidence) -> str:
    return f"`{evidence.command}`" + (f" (leg {evidence.leg})" if evidence.leg else "")
