"""The findings of a verdict on the evidence itself, each with its id."""

from __future__ import annotations

from ghmlops.core.model import Finding, Outcome

DOCS = "actions/gate/README.md#what-counts-as-evidence"
DESCRIPTIONS = {
    "evidence-unreadable": "Every file of the evidence folder is valid.",
    "evidence-name": "Commands and legs are plain, known names, and a file is named after its content.",
    "evidence-foreign": "Evidence was measured for exactly this commit, repository, service and run.",
    "evidence-anonymous": "Evidence names its repository, run, version, service and policy.",
    "evidence-attempt": "Evidence comes from an attempt of the run that exists.",
    "evidence-digest": "An artifact has the digest that GitHub recorded.",
    "evidence-run": "The run that measured is the right one and came to an end.",
    "evidence-duplicate": "Each measurement has one file.",
    "evidence-stale": "Evidence is not older than the policy allows.",
    "evidence-policy": "Evidence was judged by the policy that requires it.",
    "evidence-baseline": "Evidence compared with the commit that is the baseline.",
    "evidence-missing": "Everything that the policy requires was measured, on every leg.",
    "evidence-empty": "Evidence contains at least one finding.",
    "evidence-incomplete": "Every margin and objective of the policy has its finding.",
    "evidence-inconsistent": "Outcomes follow from the numbers, and the numbers from each other.",
    "evidence-worse": "The outcome of evidence follows from its findings.",
    "evidence-repeated": "Predictions were measured again without code of the change, with the same result.",
    "evidence-differs": "Measuring predictions again without code of the change gives the same result.",
    "evidence-not-repeated": "Predictions can be measured again without code of the change.",
    "no-baseline": "A margin needs a baseline to compare with.",
    "not-affected": "A change of other services leaves this one as it is.",
    "findings-omitted": "A verdict lists a limited number of findings, the worst first.",
}
"""Id of each finding on evidence to what the rule tests."""


def problem(rule: str, outcome: Outcome, reason: str, *, metric: str = "evidence") -> Finding:
    """Return the finding of a rule in `DESCRIPTIONS`."""
    return Finding(id=rule, metric=metric, outcome=outcome, reason=reason, docs=DOCS, description=DESCRIPTIONS[rule])
