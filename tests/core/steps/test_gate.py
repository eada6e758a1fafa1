"""The steps that record a verdict: their content, commit and order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import (
    Origin,
    Target,
    closing_steps,
    finish_steps,
    gate_steps,
    passes,
    stale_steps,
    status_context,
)
from ghmlops.core.steps.recorded import RecordedDeployment
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
    # outcome, passed, state of the commit, state of the deployment
    (Outcome.PASS, True, "success", "queued"),
    (Outcome.WARN, True, "success", "queued"),
    (Outcome.WARN, False, "failure", "pending"),
    (Outcome.INCONCLUSIVE, False, "failure", "pending"),
    (Outcome.FAIL, False, "failure", "failure"),
    (Outcome.ERROR, False, "error", "error"),
]


@pytest.mark.parametrize(("outcome", "passed", "state", "deployment"), STATES)
def test_outcome_determines_the_states(outcome: Outcome, passed: bool, state: str, deployment: str) -> None:
    """A deployment that is allowed is queued, since nothing is deployed yet; one that a person must decide waits."""
    steps = gate_steps(verdict(outcome), RUN, passed=passed)
    description = f"{outcome.value}: The reason."
    pending = SetCommitStatus(
        sha=COMMIT,
        context="ghmlops/shop/production",
        state="pending",
        description="the gate is deciding",
        target_url=RUN.run_url,
    )
    assert steps[0] == pending
    assert isinstance(steps[1], CreateDeployment)
    prefix = "hold: " if deployment == "pending" else ""
    assert steps[2] == SetDeploymentStatus(
        state=deployment, description=f"{prefix}{description}", environment="production", log_url=RUN.run_url
    )
    assert steps[3] == SetCommitStatus(
        sha=COMMIT, context="ghmlops/shop/production", state=state, description=description, target_url=RUN.run_url
    )
    assert len(steps) == 4


def test_two_services_have_separate_statuses() -> None:
    """The context contains service and environment; a service without a name leaves no gap."""
    contexts = [status_context(service, "production") for service in ("shop", "search", "")]
    assert contexts == ["ghmlops/shop/production", "ghmlops/search/production", "ghmlops/production"]


TARGET = Target(service="shop", environment="production", url="https://shop.example", log_url=RUN.run_url)
OWN = RecordedDeployment(id=9, sha=COMMIT, state="queued", run_id="42", service="shop")
OLDER = [
    RecordedDeployment(id=number, sha="b" * 40, state=state, run_id=str(number), service="shop")
    for number, state in enumerate(("success", "inactive", "failure", "in_progress", "queued", "pending"), start=1)
]


def test_success_supersedes_what_was_live() -> None:
    """The deployment succeeds with its address; the one that was live becomes inactive; the rest is not touched."""
    own, superseded, commit = finish_steps(OWN, [*OLDER, OWN], TARGET, succeeded=True)
    assert isinstance(own, SetDeploymentStatus)
    assert (own.deployment_id, own.state, own.environment_url) == (9, "success", "https://shop.example")
    assert isinstance(superseded, SetDeploymentStatus)
    assert (superseded.deployment_id, superseded.state) == (1, "inactive")
    assert isinstance(commit, SetCommitStatus)
    assert (commit.sha, commit.context, commit.state) == (COMMIT, "ghmlops/shop/production", "success")


def test_failure_supersedes_nothing() -> None:
    """What was live stays live if the deployment failed."""
    own, commit = finish_steps(OWN, OLDER, TARGET, succeeded=False)
    assert isinstance(own, SetDeploymentStatus)
    assert (own.deployment_id, own.state, own.environment_url) == (9, "failure", "")
    assert isinstance(commit, SetCommitStatus)
    assert commit.state == "failure"


def test_open_deployments_of_ended_runs_are_closed() -> None:
    """Only those that neither succeeded nor failed are closed, as error; a hold of the gate is replaced."""
    steps = stale_steps(OLDER, TARGET)
    assert [(s.deployment_id, s.state) for s in steps] == [(4, "error"), (5, "error"), (6, "error")]
    hold = msgspec.structs.replace(OLDER[5], description="hold: inconclusive: No evidence.")
    assert [(s.deployment_id, s.state) for s in stale_steps([hold], TARGET)] == [(6, "inactive")]


@pytest.mark.parametrize(
    "description",
    [
        "rung 2/4 25% since 2026-11-28T20:00:00Z",
        "hold at 25% since x low-traffic",
        "rollback from 25% since 2026-11-28T20:00:00Z errors-above-objective",
    ],
)
def test_a_promotion_in_mid_ladder_stays_open(description: str) -> None:
    """The next run of `promote` continues it; only the success of another deployment ends it."""
    ladder = msgspec.structs.replace(OLDER[3], description=description)
    assert stale_steps([ladder], TARGET) == ()
    closed = [s for s in finish_steps(OWN, [ladder], TARGET, succeeded=True) if isinstance(s, SetDeploymentStatus)]
    assert [(s.deployment_id, s.state) for s in closed] == [(9, "success"), (4, "inactive")]
    assert len(finish_steps(OWN, [ladder], TARGET, succeeded=False)) == 2


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
    (PLAN[:3], [("deployment", "error"), ("commit", "error")]),
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
            assert (step.sha, step.context) == (COMMIT, "ghmlops/shop/production")
        else:
            assert step.environment == "production"
