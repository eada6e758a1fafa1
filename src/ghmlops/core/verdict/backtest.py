"""Judges the evidence of past runs by another policy, as far as its numbers allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.metrics import metrics_of
from ghmlops.core.model import Finding, Outcome, conclude, worst
from ghmlops.core.verdict.prediction_consistency import best_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A past run under its own policy and under the new one.

    Attributes:
        name: folder of the run, relative to the folder of all runs.
        commit: commit that was measured; empty if unknown.
        before: outcome of the evidence; None if there is none.
        after: outcome by the new policy.
        decisive: id of the finding that decides by the new policy.
        judged: number of findings that the new policy judged.
        retained: number of findings that retain their outcome, because evidence has too few numbers to judge them.
    """

    name: str
    commit: str
    before: Outcome | None
    after: Outcome
    decisive: str
    judged: int
    retained: int

    @property
    def newly_fails(self) -> bool:
        """Whether the run would fail now and did not before."""
        bad = Outcome.FAIL.severity
        return self.after.severity >= bad and (self.before is None or self.before.severity < bad)


def judge_past_run(name: str, files: Sequence[Evidence], policy: Policy) -> PastRun:
    """Return a run with stored evidence under the new policy.

    Args:
        name: name of the run.
        files: its evidence; at least one file.
        policy: the new policy.
    """
    findings: list[Finding] = []
    judged = 0
    for file in files:
        for finding in file.findings:
            again = _judge_again(finding, file, policy.regression)
            judged += again is not None
            findings.append(again or finding)
    after, code, _ = conclude(findings)
    return PastRun(
        name=name,
        commit=next((file.provenance.head_sha for file in files if file.provenance.head_sha), ""),
        before=worst(file.outcome for file in files),
        after=after,
        decisive=code,
        judged=judged,
        retained=len(findings) - judged,
    )


def _judge_again(finding: Finding, file: Evidence, policy: Regression | None) -> Finding | None:
    """Return an overall finding on a metric of the predictions with its new outcome; None for any other."""
    change, details = finding.change, file.details
    overall = finding.id == f"regression-{finding.metric}" and not finding.slice and finding.window is None
    if policy is None or not overall or not isinstance(details, RegressionDetails) or change is None:
        return None
    metric = next((metric for metric in metrics_of(policy) if metric.id == finding.metric), None)
    if metric is None or change.estimate is None or change.low is None or change.high is None:
        return None
    limit = _limit(finding, metric, details, policy)
    if limit is None:
        return None
    moved = msgspec.structs.replace(finding, margin=limit)
    interval = (change.estimate, change.low, change.high)
    outcome = best_outcome(moved, interval, finding.n or 0, Outcome(policy.undecided), p=math.nan)
    return msgspec.structs.replace(moved, outcome=outcome)


def _limit(finding: Finding, metric: Metric, details: RegressionDetails, policy: Regression) -> float | None:
    """Return the limit of the new policy in the unit of the change; None if it depends on an unknown spread."""
    spread = math.nan
    if metric.margin_of == "label-spread":
        unit = details.settings.margins.get(metric.id) if details.settings else None
        if not unit or finding.margin is None:
            return None
        spread = finding.margin / unit
    return metric.limit(finding.baseline or 0.0, spread, policy.margins.get(metric.id))
