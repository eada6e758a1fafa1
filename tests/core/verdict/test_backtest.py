"""Outcomes of stored findings by another margin."""

from __future__ import annotations

import pytest

from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.policyfile.document import read_policy_values
from ghmlops.core.verdict.backtest import judge_past_run


def evidence(command: str = "regression", **changes: object) -> Evidence:
    fields: dict[str, object] = {
        "id": "regression-auc",
        "metric": "auc",
        "outcome": Outcome.PASS,
        "reason": "It passed.",
        "docs": "actions/regression/README.md",
        "direction": Direction.HIGHER,
        "baseline": 0.9,
        "candidate": 0.88,
        "change": Interval(estimate=-0.02, low=-0.025, high=-0.015),
        "margin": 0.05,
        "n": 5_000,
    }
    return Evidence(
        command=command,
        outcome=Outcome.PASS,
        provenance=Provenance(repository="acme/scorer", head_sha="a" * 40),
        findings=[Finding(**(fields | changes))],  # type: ignore[arg-type]
        details=RegressionDetails(),
    )


@pytest.mark.parametrize(
    ("margin", "outcome"),
    [("0.05", "pass"), ("0.025", "pass"), ("0.022", "inconclusive"), ("0.019", "fail"), ("0.01", "fail")],
)
def test_the_interval_decides(margin: str, outcome: str) -> None:
    """Pass inside the margin, fail beyond it or if a significant loss exceeds it, else undecided."""
    section = {"task": "binary", "key": "id", "label": "y", "score": "s", "margins": {"auc": margin}}
    policy = read_policy_values({"version": 1, "service": "scorer", "regression": section})
    past = judge_past_run("run", [evidence()], policy)
    assert (past.after.value, past.judged, past.retained) == (outcome, 1, 0)
    assert past.newly_fails is (outcome == "fail")


def test_other_findings_retain_their_outcome() -> None:
    """A slice, another command and a policy without the section are not judged, and counted as such."""
    section = {"task": "binary", "key": "id", "label": "y", "score": "s", "margins": {"auc": "0.001"}}
    policy = read_policy_values({"version": 1, "service": "scorer", "regression": section})
    bare = read_policy_values({"version": 1, "service": "scorer"})
    for file, by in (
        (evidence(slice={"device": "phone"}), policy),
        (evidence(), bare),
        (evidence(change=None), policy),
    ):
        past = judge_past_run("run", [file], by)
        assert (past.after, past.judged, past.retained) == (Outcome.PASS, 0, 1)
