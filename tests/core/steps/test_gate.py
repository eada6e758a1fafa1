"""The steps that record a verdict: their content, commit and order."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, closing_steps, gate_steps, passes
from ghmlops.core.steps.step import (
    CreateDeployment,
    SetCommitStatus,
    SetDeploymentStatus,
    Step,
    UpsertComment,
)

COMMIT = "a" * 40
RUN = Origin(run_id="42", run_url="https://github.example/r/42")


def verdict(outcome: Outcome, **changes: Any) -> Verdict:
    """Return a verdict for production."""
    fields: dict[str, Any] = {
        "commit": COMMIT,
        "outcome": outcome,
        "reason_code": "code",
        "reason": "The reason.",
        "findings": [],
        "evidence": [],
        "service": "shop",
        "environment": "production",
    }
    return Verdict(**{**fields, **changes})


ALLOWED = [
    # outcome, fail-on, allowed
    (Outcome.PASS, Outcome.FAIL, True),
    (Outcome.PASS, Outcome.WARN, True),
    (Outcome.WARN, Outcome.FAIL, True),
    (Outcome.WARN, Outcome.INCONCLUSIVE, True),
    (Outcome.WARN, Outcome.WARN, False),
    (Outcome.INCONCLUSIVE, Outcome.FAIL, False),
    (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, False),
    (Outcome.INCONCLUSIVE, Outcome.WARN, False),
    (Outcome.FAIL, Outcome.FAIL, False),
    (Outcome.FAIL, Outcome.WARN, False),
    (Outcome.ERROR, Outcome.FAIL, False),
    (Outcome.ERROR, Outcome.WARN, False),
]


@pytest.mark.parametrize(("outcome", "fail_on", "allowed"), ALLOWED)
def test_gate_allows_only_pass_and_warn(outcome: Outcome, fail_on: Outcome, allowed: bool) -> None:
    """The gate allows pass and warn, fewer outcomes if `fail-on` is stricter, and never more."""
    assert passes(outcome, fail_on) is allowed


STATES = [
    # outcome, passed, state
    (Outcome.PASS, True, "success"),
    (Outcome.WARN, True, "success"),
    (Outcome.WARN, False, "failure"),
    (Outcome.INCONCLUSIVE, False, "failure"),
    (Outcome.FAIL, False, "failure"),
    (Outcome.ERROR, False, "error"),
]


@pytest.mark.parametrize(("outcome", "passed", "state"), STATES)
def test_outcome_determines_the_states(outcome: Outcome, passed: bool, state: str) -> None:
    """Each outcome has one state, the same for deployment and commit, and the descriptions name the outcome."""
    steps = gate_steps(verdict(outcome), RUN, passed=passed, environment_url="https://shop.example")
    description = f"{outcome.value}: The reason."
    pending = SetCommitStatus(
        sha=COMMIT,
        context="ghmlops/production",
        state="pending",
        description="the gate is deciding",
        target_url=RUN.run_url,
    )
    final = SetDeploymentStatus(
        state=state,
        description=description,
        environment="production",
        environment_url="https://shop.example" if passed else "",
        log_url=RUN.run_url,
    )
    assert steps[0] == pending
    assert isinstance(steps[1], CreateDeployment)
    assert isinstance(steps[2], SetDeploymentStatus)
    assert steps[2].state == "in_progress"
    assert steps[3] == final
    assert steps[4] == SetCommitStatus(
        sha=COMMIT, context="ghmlops/production", state=state, description=description, target_url=RUN.run_url
    )
    assert len(steps) == 5


@pytest.mark.parametrize(("environment", "production"), [("production", True), ("staging", False), ("prod", False)])
def test_deployment_is_identified_by_run_and_service(environment: str, production: bool) -> None:
    """The payload contains run and service, not the attempt; only `production` is marked as production."""
    _, deployment, *_ = gate_steps(verdict(Outcome.PASS, environment=environment), RUN, passed=True)
    assert deployment == CreateDeployment(
        sha=COMMIT,
        environment=environment,
        description="shop: gated by ghmlops",
        payload={"run_id": "42", "service": "shop"},
        task="deploy",
        transient=False,
        production=production,
    )


def test_long_and_hostile_reasons_are_shortened() -> None:
    """A description is one printable line within GitHub's limit."""
    steps = gate_steps(verdict(Outcome.FAIL, reason="x\u202e\x1b[2J\n" * 200), RUN, passed=False)
    descriptions = [s.description for s in steps if isinstance(s, SetCommitStatus | SetDeploymentStatus)]
    assert max(map(len, descriptions)) == 140
    assert all(d.isprintable() for d in descriptions)
    assert descriptions[-1].startswith("fail: x")


PLAN = gate_steps(verdict(Outcome.PASS), RUN, passed=True)
CLOSING = [
    (PLAN[:0], []),
    (PLAN[:1], [("commit", "error")]),
    (PLAN[:2], [("deployment", "error"), ("commit", "error")]),
    (PLAN[:4], [("deployment", "error"), ("commit", "error")]),
    ((UpsertComment(number=1, marker="m", body="m"),), []),
]


@pytest.mark.parametrize(("completed", "expected"), CLOSING)
def test_partially_performed_plan_is_closed(completed: tuple[Step, ...], expected: list[tuple[str, str]]) -> None:
    """What a partially performed plan started is closed as error, newest first, on the same commit and environment."""
    steps = closing_steps(completed, "it broke")
    kinds = [("commit" if isinstance(s, SetCommitStatus) else "deployment", s.state) for s in steps]
    assert kinds == expected
    assert {s.description for s in steps} <= {"it broke"}
    for step in steps:
        if isinstance(step, SetCommitStatus):
            assert (step.sha, step.context) == (COMMIT, "ghmlops/production")
        else:
            assert step.environment == "production"
