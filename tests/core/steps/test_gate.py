"""Verdict to steps: what is written, on which commit, in which order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, clearing_steps, gate_steps, passes
from ghmlops.core.steps.step import (
    CreateDeployment,
    OpenPullRequest,
    SetCommitStatus,
    SetDeploymentStatus,
    Step,
    UpsertComment,
    describe,
    short,
)

COMMIT = "a" * 40
RUN = Origin(run_id="42", run_url="https://github.example/r/42")


def verdict(outcome: Outcome, **changes: Any) -> Verdict:
    """Return a verdict for production."""
    known: dict[str, Any] = {
        "commit": COMMIT,
        "outcome": outcome,
        "reason_code": "code",
        "reason": "The reason.",
        "findings": [],
        "evidence": [],
        "service": "shop",
        "environment": "production",
    }
    return Verdict(**{**known, **changes})


LETS_THROUGH = [
    # outcome, fail-on, through
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


@pytest.mark.parametrize(("outcome", "fail_on", "through"), LETS_THROUGH)
def test_only_pass_and_warn_get_through(outcome: Outcome, fail_on: Outcome, through: bool) -> None:
    """The gate opens for pass and warn, and for less where `fail-on` is stricter; never for more."""
    assert passes(outcome, fail_on) is through


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
def test_outcome_to_states(outcome: Outcome, passed: bool, state: str) -> None:
    """Each outcome gives one state, the same on the deployment and on the commit, and names itself in words."""
    steps = gate_steps(verdict(outcome), RUN, passed=passed, environment_url="https://shop.example")
    said = f"{outcome.value}: The reason."
    status = SetCommitStatus(
        sha=COMMIT,
        context="ghmlops/production",
        state="pending",
        description="the gate is deciding",
        target_url=RUN.run_url,
    )
    deployed = SetDeploymentStatus(
        state=state,
        description=said,
        environment="production",
        environment_url="https://shop.example" if passed else "",
        log_url=RUN.run_url,
    )
    assert steps[0] == status
    assert isinstance(steps[1], CreateDeployment)
    assert isinstance(steps[2], SetDeploymentStatus)
    assert steps[2].state == "in_progress"
    assert steps[3] == deployed
    assert steps[4] == SetCommitStatus(
        sha=COMMIT, context="ghmlops/production", state=state, description=said, target_url=RUN.run_url
    )
    assert len(steps) == 5


@pytest.mark.parametrize(("environment", "production"), [("production", True), ("staging", False), ("prod", False)])
def test_deployment_says_what_it_is(environment: str, production: bool) -> None:
    """The deployment is recognised by run and service, not by attempt; only `production` is marked as such."""
    _, created, *_ = gate_steps(verdict(Outcome.PASS, environment=environment), RUN, passed=True)
    assert created == CreateDeployment(
        sha=COMMIT,
        environment=environment,
        description="shop: gated by ghmlops",
        payload={"run_id": "42", "service": "shop"},
        task="deploy",
        transient=False,
        production=production,
    )


def test_long_and_hostile_reasons_are_cut() -> None:
    """A description is one printable line within GitHub's limit."""
    steps = gate_steps(verdict(Outcome.FAIL, reason="x\u202e\x1b[2J\n" * 200), RUN, passed=False)
    descriptions = [s.description for s in steps if isinstance(s, SetCommitStatus | SetDeploymentStatus)]
    assert max(map(len, descriptions)) == 140
    assert all(d.isprintable() for d in descriptions)
    assert descriptions[-1].startswith("fail: x")


@given(st.text(max_size=400), st.integers(min_value=1, max_value=200))
def test_short_holds_its_limit(text: str, limit: int) -> None:
    """Whatever the text, the result is printable, on one line and not longer than the limit."""
    shown = short(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()


PLAN = gate_steps(verdict(Outcome.PASS), RUN, passed=True)
CLEARED = [
    (PLAN[:0], []),
    (PLAN[:1], [("commit", "error")]),
    (PLAN[:2], [("deployment", "error"), ("commit", "error")]),
    (PLAN[:4], [("deployment", "error"), ("commit", "error")]),
    ((UpsertComment(number=1, marker="m", body="m"),), []),
]


@pytest.mark.parametrize(("done", "expected"), CLEARED)
def test_what_was_begun_is_closed(done: tuple[Step, ...], expected: list[tuple[str, str]]) -> None:
    """A plan that stopped half-way is closed as error, newest first, on the same commit and environment."""
    steps = clearing_steps(done, "it broke")
    kinds = [("commit" if isinstance(s, SetCommitStatus) else "deployment", s.state) for s in steps]
    assert kinds == expected
    assert {s.description for s in steps} <= {"it broke"}
    for step in steps:
        if isinstance(step, SetCommitStatus):
            assert (step.sha, step.context) == (COMMIT, "ghmlops/production")
        else:
            assert step.environment == "production"


LINES = [
    (PLAN[0], f'set the status ghmlops/production of commit {COMMIT} to pending: "the gate is deciding"'),
    (PLAN[1], f"create a deployment of commit {COMMIT} to production"),
    (PLAN[3], 'set the deployment to production to success: "pass: The reason."'),
    (UpsertComment(number=7, marker="m", body="text"), "create or edit the comment on pull request #7 (4 characters)"),
    (OpenPullRequest(head="h", base="b", title="t", body=""), 'open a pull request from h to b: "t"'),
]


@pytest.mark.parametrize(("step", "line"), LINES)
def test_each_step_has_a_line(step: Step, line: str) -> None:
    """`--dry-run` prints one line a step."""
    assert describe(step) == line


def test_an_unknown_step_is_a_bug() -> None:
    """A step without a line is not passed over."""
    with pytest.raises(TypeError, match="no line for Step"):
        describe(Step())
