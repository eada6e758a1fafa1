"""Findings of a plan: one outcome per situation, and every problem by its name."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.policy.production.scale import Limits
from ghmlops.core.scale.capacity import Curve
from ghmlops.core.scale.demand import Problem
from ghmlops.core.scale.findings import plan_findings
from ghmlops.core.scale.plan import Need, Plan, Step, Supply
from scaled_service import supply

NEED = Need(name="d", rate=1.0, replicas=5, settled=5)


@pytest.mark.parametrize(
    ("plan", "present", "code", "outcome"),
    [
        (Plan(replicas=5, required=5, step=Step.STEADY, reason="r"), 5, "scale-steady", Outcome.PASS),
        (Plan(replicas=5, required=3, step=Step.WAITING, reason="r"), 5, "scale-steady", Outcome.PASS),
        (Plan(replicas=5, required=5, step=Step.STEADY, reason="r"), None, "scale-plan", Outcome.PASS),
        (Plan(replicas=6, required=6, step=Step.UP, reason="r"), 5, "scale-up", Outcome.WARN),
        (Plan(replicas=4, required=4, step=Step.DOWN, reason="r"), 5, "scale-down", Outcome.PASS),
        (Plan(replicas=5, required=4, step=Step.PAUSED, reason="r"), 5, "scale-paused", Outcome.WARN),
        (Plan(replicas=None, required=4, step=Step.PAUSED, reason="r"), None, "scale-paused", Outcome.WARN),
        (Plan(replicas=None, required=None, step=Step.PAUSED, reason="r"), None, "scale-paused", Outcome.WARN),
        (Plan(replicas=100, required=120, step=Step.UP, reason="r", limited=True), 5, "scale-limit", Outcome.WARN),
        (Plan(replicas=22, required=22, step=Step.UP, reason="r", useless=True), 5, "scale-retrograde", Outcome.FAIL),
    ],
)
def test_outcomes(plan: Plan, present: int | None, code: str, outcome: Outcome) -> None:
    """What a person has to act on does not pass."""
    (finding,) = plan_findings(plan, [NEED], supply(), present)
    assert (finding.id, finding.outcome) == (code, outcome)


@pytest.mark.parametrize("problem", list(Problem))
def test_each_problem_is_inconclusive(problem: Problem) -> None:
    """It is named with its demand and what shows it."""
    need = Need(name="queries", rate=None, replicas=None, settled=None, problem=problem, detail="shown by this")
    plan = Plan(replicas=6, required=None, step=Step.FALLBACK, reason="r")
    (finding,) = plan_findings(plan, [need], supply(), 4)
    assert (finding.id, finding.outcome) == (f"scale-{problem.value}", Outcome.INCONCLUSIVE)
    assert "queries" in finding.reason
    assert "shown by this" in finding.reason


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (Curve(rate=100.0, sigma=0.5), ("beyond 13 ", "1%", "185.7/s")),
        (Curve(rate=100.0, sigma=1.2), ("beyond 1 replica ", "100/s")),
        (Curve(rate=100.0, kappa=0.02), ("beyond 7 replicas ", "380.4/s")),
    ],
)
def test_why_more_replicas_do_not_help(curve: Curve, words: tuple[str, ...]) -> None:
    """They add little, or nothing, with the number from which this is so and what it carries."""
    serves = Supply(curve=curve, headroom=0.0, limits=Limits(max=100))
    plan = Plan(replicas=5, required=5, step=Step.STEADY, reason="r", useless=True)
    (finding,) = plan_findings(plan, [NEED], serves, 5)
    assert all(word in finding.reason for word in words), finding.reason
