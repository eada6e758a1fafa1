"""Whether a pull request alters what judges it, by GitHub's list of its files and not by its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.policy.input_files import covers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.report.change import Change
    from ghmlops.core.evidence.document import Verdict

DOCS = "actions/check/README.md#a-change-cannot-choose-its-judge"
MAX_FINDINGS = 50
"""Changed files that have a separate finding; the last finding counts the others."""


def judge_findings(change: Change, policy_file: str, has_policy: bool, inputs: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each file of the change that judges it.

    Args:
        change: the pull request.
        policy_file: path of the policy from the top folder.
        has_policy: whether the trusted branch has that policy.
        inputs: role of each file, folder or pattern that the trusted policy names, by its path from the top folder.
    """
    if policy_file in change.files and not has_policy:
        reason = f"The policy {policy_file} does not exist on the trusted branch: the change judges itself."
        return [_finding("policy-added", Outcome.WARN, reason, policy_file)]
    roles = {policy_file: "policy", **inputs} if has_policy else {}
    changed = {path: role for path in sorted(change.files) for name, role in roles.items() if covers(name, path)}
    findings = [
        _finding("inputs-changed", Outcome.INCONCLUSIVE, f"The change alters the {role} {path}.", path)
        for path, role in list(changed.items())[:MAX_FINDINGS]
    ]
    if len(changed) > MAX_FINDINGS:
        reason = f"The change alters {len(changed) - MAX_FINDINGS:,} more files by which it is judged."
        findings.append(_finding("inputs-changed", Outcome.INCONCLUSIVE, reason, "others"))
    if roles and not change.all_files:
        reason = (
            f"The change alters {len(change.files):,} files or more, so whether it alters what judges it is unknown."
        )
        findings.append(_finding("inputs-changed", Outcome.INCONCLUSIVE, reason, "others"))
    return findings


def with_findings(verdict: Verdict, findings: Sequence[Finding]) -> Verdict:
    """Return the verdict with those findings that its evidence does not contain itself."""
    present = {(finding.id, finding.dataset) for finding in verdict.findings}
    absent = [finding for finding in findings if (finding.id, finding.dataset) not in present]
    if not absent:
        return verdict
    rows = [*verdict.findings, *absent]
    outcome, code, reason = conclude(rows)
    return msgspec.structs.replace(verdict, findings=rows, outcome=outcome, reason_code=code, reason=reason)


def _finding(rule: str, outcome: Outcome, reason: str, file: str) -> Finding:
    return Finding(
        id=rule,
        metric="inputs",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="The change is judged by the policy, baselines and payloads of its baseline.",
        dataset=file,
    )
